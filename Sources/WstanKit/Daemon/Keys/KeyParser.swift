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
        if text.isKeyString { return (try read(keyString: text.text, isClient: isClient), nil) }
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

    private static func read(keyString text: String, isClient: Bool) throws(Problem) -> TunnelKey {
        let string: KeyString
        do throws(KeyString.Problem) {
            string = try KeyString(text: text)
        } catch {
            throw Problem(description: "\(error); \(remedy(error))")
        }
        do throws(TunnelKey.Problem) {
            return try TunnelKey(string, isClient: isClient)
        } catch {
            throw Problem(description: words(error))
        }
    }

    private static func remedy(_ problem: KeyString.Problem) -> String {
        switch problem {
        case .otherVersion, .unknownKind: "install the release of wstan that has made it"
        case .notAKeyString, .empty, .character, .tooShort, .tooLong, .damaged, .length: "copy the whole string again"
        }
    }

    private static func words(_ problem: TunnelKey.Problem) -> String {
        switch problem {
        case .serverString:
            "is a server's, and a client's is needed: \"wstanctl client-config --key NAME\" prints one at the server"
        case .clientString:
            "is a client's, and this is a server: \"wstanctl init server --v2\" makes a server's key, and \"wstand -g --v2\" "
                + "prints one with the string for its client"
        }
    }
}
