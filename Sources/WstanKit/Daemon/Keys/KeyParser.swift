import WstanControl
import WstanCore

/// From the text of a key to the key, and back.
enum KeyParser {
    /// A passphrase takes about 50 ms.
    ///
    /// - Returns: the key, and what an administrator should be warned of.
    static func read(_ text: KeyText) throws(KeyText.Problem) -> (key: Key, warning: String?) {
        guard let key = text.passphrase.map({ Key(passphrase: $0) }) ?? Key(text: text.text) else {
            throw KeyText.Problem.notDerived
        }
        guard let passphrase = text.passphrase, passphrase.utf8.count < weakBelow else { return (key, nil) }
        return (
            key,
            "the passphrase is short: an attacker who records a request can try passphrases; wstand -g makes a key"
        )
    }

    private static let weakBelow = 12

    /// The text that stands for the key; nil for one that came from a passphrase, which cannot be found from it.
    static func text(of key: Key) -> String? {
        key.count == 16 ? key.base64 : nil
    }
}
