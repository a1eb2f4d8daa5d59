/// The rules for a key that is written down, the same wherever it stands: the base64 of 16 bytes is that key, any other
/// text is a passphrase.
package enum KeyParser {
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Of a file that holds one, in bytes.
    package static let sizeLimit = 4096

    /// What counts of a file or an answer: its first line, without white space around it.
    ///
    /// - Returns: nil when that is not UTF-8.
    package static func line(of bytes: some Sequence<UInt8>) -> String? {
        guard let text = String(validating: bytes.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self) else { return nil }
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: blank).reversed().drop(while: blank).reversed())
    }

    /// A passphrase takes about 50 ms.
    ///
    /// - Returns: the key, and what an administrator should be warned of.
    package static func read(_ text: String) throws(Problem) -> (key: Key, warning: String?) {
        guard text.utf8.count <= sizeLimit else { throw Problem(description: "the key is above \(sizeLimit) bytes") }
        guard let key = Key(text: text) else { throw Problem(description: "the key is empty: wstand -g makes one") }
        guard key.bytes.count == 32, text.utf8.count < weakBelow else { return (key, nil) }
        return (
            key, "the passphrase is short, and whoever records a request can try passphrases: wstand -g makes a key"
        )
    }

    private static let weakBelow = 12

    /// The text that stands for the key; nil for one that came from a passphrase, which nobody can tell from it.
    package static func text(of key: Key) -> String? {
        key.bytes.count == 16 ? key.base64 : nil
    }
}
