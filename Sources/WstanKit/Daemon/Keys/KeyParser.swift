import WstanControl
import WstanCore

/// From the text of a key to the key.
enum KeyParser {
    /// In words that follow "the key". The text itself is never in them.
    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// A passphrase takes about 50 ms.
    ///
    /// - Parameter isClient: which end it is for: key strings of version 2 are for one.
    /// - Returns: the key, and what an administrator should be warned of.
    static func read(_ text: KeyText, isClient: Bool) throws(Problem) -> (key: TunnelKey, warning: String?) {
        if text.isKeyString { return try read(keyString: text.text, isClient: isClient) }
        guard let key = text.passphrase.map({ Key(passphrase: $0) }) ?? Key(text: text.text) else {
            throw Problem(description: KeyText.Problem.notDerived.description)
        }
        guard let passphrase = text.passphrase, passphrase.utf8.count < weakBelow else { return (.v1(key), nil) }
        return (
            .v1(key),
            "the passphrase is short: an attacker who records a request can try passphrases; wstand -g makes a key"
        )
    }

    private static let weakBelow = 12
    private static let canPlayServer =
        "the key is a server's string: it works, and its holder can play the server; wstanctl client-config --key NAME prints a "
        + "client's at the server, and wstanctl rotate-key --key-file - takes it here"

    private static func read(keyString text: String, isClient: Bool) throws(Problem) -> (
        key: TunnelKey, warning: String?
    ) {
        let string: KeyString
        do throws(KeyString.Problem) {
            string = try KeyString(text: text)
        } catch {
            throw Problem(description: error.advised)
        }
        guard let key = TunnelKey(string, isClient: isClient) else {
            throw Problem(description: string.kind.isOfOtherEnd(client: isClient))
        }
        return (key, isClient && string.kind == .shared ? Self.canPlayServer : nil)
    }
}
