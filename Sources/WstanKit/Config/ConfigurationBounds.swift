/// Bounds on what the operator's input may hold. Bounds of single values stand in the table of `SettingKey`s.
public enum ConfigurationBounds {
    /// Bytes of a configuration file. Whoever reads the file need not read more than one byte beyond it.
    public static let fileSize = 1 << 20

    /// Diagnostics of one run, after which reading stops.
    static let diagnostics = 100
    /// UTF-8 bytes of a URI: the path prefix rides in every request line, and fronts refuse lines of more than 8 KiB.
    static let uriLength = 1024
    /// UTF-8 bytes of a passphrase, a path or the name of a credential or variable (PATH_MAX with its NUL is 4096).
    static let textLength = 4095
    /// RFC 1035 2.3.4, in the form without the root's dot.
    static let hostNameLength = 253
    /// An IPv6 literal with a zone: INET6_ADDRSTRLEN and IFNAMSIZ.
    static let addressLiteralLength = 62
    static let listenAddresses = 64
    static let trustedProxies = 256
    /// Longer words are no typing error of a key's name, and the edit distance costs the square of the length.
    static let suggestedWordLength = 40
}
