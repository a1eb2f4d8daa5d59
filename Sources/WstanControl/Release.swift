/// Of both programs, which are one package.
public enum Release {
    /// As in debian/changelog.
    public static let version = "0.2.0"
}
