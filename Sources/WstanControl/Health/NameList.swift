/// Names in a sentence.
public enum NameList {
    /// `a, b, c`, or `a, b and 7 more`.
    ///
    /// - Parameter most: so many are named.
    public static func text(_ names: [String], atMost most: Int = 20) -> String {
        let more = names.count > most ? " and \(names.count - most) more" : ""
        return names.prefix(most).joined(separator: ", ") + more
    }
}
