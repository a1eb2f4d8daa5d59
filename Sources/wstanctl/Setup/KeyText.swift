/// What a key looks like: the base64 of 16 bytes (RFC 4648 section 4), as `wstand --gen-key` prints it.
enum KeyText {
    private static let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let length = 24

    /// - Returns: why it is not a key; nil for a key.
    static func problem(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let symbols = bytes.prefix { $0 != UInt8(ascii: "=") }
        guard symbols.allSatisfy(alphabet.contains) else { return "it has characters that a key does not have" }
        guard bytes.count == length else {
            return "it has \(bytes.count) characters instead of \(length)"
        }
        // 22 digits are 132 bits, of which the last four are zero.
        guard symbols.count == 22, bytes.suffix(2).allSatisfy({ $0 == UInt8(ascii: "=") }) else {
            return "it does not end in one \"==\""
        }
        guard "AQgw".utf8.contains(symbols[21]) else { return "its last characters are damaged" }
        return nil
    }

    /// What counts of a line that was typed or pasted: the key alone, also of the line that `wstand --gen-key` prints.
    ///
    /// - Throws: when it is not a key, and is not said to be a passphrase.
    static func key(in line: String, named name: String, isPassphrase: Bool) throws(Failure) -> String {
        if isPassphrase { return line }
        let last = line.split(separator: " ").last.map(String.init) ?? line
        if last != line, line.hasSuffix(": \(last)"), problem(last) == nil { return last }
        guard let problem = problem(line) else { return line }
        throw Failure("\(name) is not a key: \(problem). For a passphrase add --passphrase.")
    }
}
