/// A key as it was found in a file, a variable, a credential, on stdin or on the command line.
///
/// The base64 of 16 bytes is that key, what begins with `wstan2:` a key string of version 2, and any other text a passphrase. So a
/// mistake would silently make another key: what editors, shells and pastes leave around a key is taken off, and what `KeyMistake`
/// knows is refused. A passphrase that looks like a mistake is written behind `passphrase:`.
public struct KeyText: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// One line, as it belongs in a key file.
    public let text: String
    /// What the key is derived from; nil: `text` is the base64 of 16 bytes, or a key string.
    public let passphrase: String?

    /// Whether it is meant as a key string of version 2, or of a later one. What it holds is not looked at.
    public var isKeyString: Bool { passphrase == nil && Self.isKeyString(text) }

    /// In words that follow "the key". The text itself is never in them.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }

        /// The memory for it is not there.
        public static let notDerived = Problem("cannot be derived from the passphrase: there is not enough memory")
    }

    /// Of a file that holds a key, in bytes.
    public static let sizeLimit = 4096
    /// Says that what follows is a passphrase, whatever it looks like.
    public static let passphrasePrefix = "passphrase:"

    public var description: String { "<key>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Takes the first line that is not blank of a file or a stream. What follows it does not count.
    public init(firstLineOf bytes: [UInt8]) throws(Problem) {
        try self.init(bytes, mayHoldMore: true)
    }

    /// Takes a text that holds a key and nothing else.
    public init(_ text: String) throws(Problem) {
        try self.init(Array(text.utf8), mayHoldMore: false)
    }

    private init(_ bytes: [UInt8], mayHoldMore: Bool) throws(Problem) {
        guard bytes.count <= Self.sizeLimit else { throw Problem("is above \(Self.sizeLimit) bytes") }
        let encoding = Encoding(of: bytes)
        if encoding == .utf16 { throw Problem("is in UTF-16: save it as UTF-8") }
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.drop(while: \.isDecoration)
        let line = scalars.prefix { $0 != "\n" && $0 != "\r" }
        let text = String(String.UnicodeScalarView(line.reversed().drop(while: \.isDecoration).reversed()))
        let holdsMore = scalars[line.endIndex...].contains { !$0.isDecoration }

        guard !text.isEmpty else { throw Problem("is empty: wstand -g --v2 makes one") }
        guard !text.unicodeScalars.contains("\u{FFFD}") else {
            throw Problem(
                encoding == .bytes && bytes.count == 16
                    ? "is 16 bytes and not text: write their base64" : "is not UTF-8 text")
        }
        if let control = text.unicodeScalars.first(where: { $0.isControl && $0 != "\t" }) {
            throw Problem("holds a \(control == "\0" ? "NUL" : "control") character: remove it")
        }
        if holdsMore, !mayHoldMore { throw Problem("has more than one line: give only the first one") }
        if holdsMore, text.utf8.first == UInt8(ascii: "#") {
            throw Problem("begins with a comment: the first line has to be the key")
        }
        self.text = text
        passphrase = try Self.passphrase(in: text)
        if holdsMore, passphrase == text { try Self.refuseKey(below: text, scalars[line.endIndex...]) }
    }

    /// A first line that is not a key, with a key below it or continued there, is not a passphrase: it is a comment, a prompt, or
    /// the first half of the key.
    private static func refuseKey(below first: String, _ more: Substring.UnicodeScalarView) throws(Problem) {
        var joined = first
        for line in more.split(whereSeparator: { $0 == "\n" || $0 == "\r" }) {
            let text = String(String.UnicodeScalarView(line.filter { !$0.isDecoration }))
            if KeyBase64.isKey(text) || isKeyString(text) { throw Problem("is not in the first line: remove what is above it") }
            joined += text
            if KeyBase64.isKey(joined) { throw Problem("is broken into several lines: join them") }
        }
    }

    private static func passphrase(in text: String) throws(Problem) -> String? {
        if KeyBase64.isKey(text) || isKeyString(text) { return nil }
        guard text.utf8.starts(with: passphrasePrefix.utf8) else {
            if let mistake = KeyMistake(in: text) { throw Problem(mistake.description) }
            return text
        }
        let rest = text.unicodeScalars.dropFirst(passphrasePrefix.unicodeScalars.count).drop(while: \.isDecoration)
        guard !rest.isEmpty else { throw Problem("is empty: write a passphrase after \(passphrasePrefix)") }
        return String(String.UnicodeScalarView(rest))
    }

    /// `wstan`, a number and a colon.
    private static func isKeyString(_ text: String) -> Bool {
        guard text.utf8.starts(with: "wstan".utf8) else { return false }
        let rest = text.utf8.dropFirst(5)
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return !digits.isEmpty && rest.dropFirst(digits.count).first == UInt8(ascii: ":")
    }

    private enum Encoding {
        case utf8, utf16, bytes

        init(of bytes: [UInt8]) {
            let isMarked = [[0xFF, 0xFE], [0xFE, 0xFF]].contains(Array(bytes.prefix(2)))
            // ASCII in UTF-16: every other byte is zero.
            let zeros = [0, 1].map { start in
                let half = stride(from: start, to: min(bytes.count, 48), by: 2)
                return bytes.count >= 4 && half.allSatisfy { bytes[$0] == 0 }
            }
            if isMarked && bytes.count > 2 && bytes.count.isMultiple(of: 2) || zeros[0] != zeros[1] {
                self = .utf16
            } else {
                self = String(validating: bytes, as: UTF8.self) == nil ? .bytes : .utf8
            }
        }
    }
}

extension Unicode.Scalar {
    /// What an editor, a shell, a paste or a service manager leaves around a text: white space, line breaks, a byte order
    /// mark, what has no width or turns the direction, control characters. Nothing of it is visible.
    var isDecoration: Bool {
        properties.isWhitespace || isControl
            || (properties.generalCategory == .format && properties.isDefaultIgnorableCodePoint && value < 0x1_0000)
    }

    var isControl: Bool { properties.generalCategory == .control }
}
