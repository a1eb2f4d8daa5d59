import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// The outcome of adding, rotating or retiring a key.
struct KeyChange: Sendable, Equatable {
    var id: KeyID
    /// Of a key that was retired: whose it was; nil: the server's own.
    var name: KeyName?
    /// Of a key that was retired: the tunnels that were ended.
    var closed = 0
    /// Of a key that was made here: what its client has in its configuration.
    var made: Secret?
    /// Whether a restart finds it.
    var isPersisted: Bool
    /// What an administrator should be told.
    var warnings: [String] = []
    /// The key file that still has the former or retired key, since this process may not write it; the first warning says so.
    var staleKeyFile: String?
    /// What belongs there.
    var wantedInKeyFile: Secret?
    /// The former keys of the name that are still accepted, the one that lasts longest first.
    var former: [ListedKey] = []
    /// Of a key that was added: those that the name has besides.
    var others: [ListedKey] = []
    /// At a client: the key that it sent before.
    var replaced: KeyID?
}

/// Why a key was not changed; nothing has happened then. In words for an administrator.
package enum KeyFailure: Error, Equatable, CustomStringConvertible {
    /// The text that was to be an id.
    case noSuchKey(String)
    case noSuchName(String)
    case nameTaken(String)
    case invalidName(String)
    /// A name has keys of both versions, and it was not said which is meant.
    case versionNeeded(String)
    /// A name has no key of that version.
    case noKey(String, KeyVersion)
    /// Empty, too long, or of another name; why.
    case invalidKey(String)
    /// What would have to be written cannot be; why.
    case keyReadOnly(String)
    /// Writing has failed; why.
    case notStored(String)
    /// Not in this mode, or not with these keys; why.
    case notPossible(String)
    /// Too many changes are waiting.
    case busy

    package var description: String {
        switch self {
        case .noSuchKey(let id): "no key has the ID \(id): wstanctl keys lists them"
        case .noSuchName(let name): "no key is named \(name): wstanctl keys lists the names"
        case .nameTaken(let name): "\(name) already has a key: wstanctl rotate-key \(name) replaces it"
        case .invalidName(let name):
            "\(name) cannot be a name: use 1 to \(KeyRingBounds.nameLength) letters, digits, dots, dashes and underscores"
        case .versionNeeded(let name): "\(name) has keys of versions 1 and 2: say which one with --v1 or --v2"
        case .noKey(let name, let version):
            "\(name) has no key of version \(version.rawValue): wstanctl add-key \(name) --v\(version.rawValue) makes one"
        case .invalidKey(let why), .notPossible(let why): why
        case .keyReadOnly(let why), .notStored(let why):
            "\(why). Nothing was changed; --runtime-only changes the key until the next restart."
        case .busy: "other changes of keys are in progress: try again"
        }
    }

    /// What kept a change from being stored; nil for everything else.
    var obstacle: String? {
        switch self {
        case .keyReadOnly(let why), .notStored(let why): why
        case .noSuchKey, .noSuchName, .nameTaken, .invalidName, .versionNeeded, .noKey, .invalidKey, .notPossible, .busy: nil
        }
    }
}

extension KeyFailure {
    /// - Parameters:
    ///   - name: that was asked for.
    ///   - id: that was asked for.
    package init(_ problem: KeyRing.Problem, name: KeyName? = nil, id: KeyID? = nil) {
        let whose = name?.text ?? "it"
        self =
            switch problem {
            case .noSuchKey: .noSuchKey(id?.description ?? "given")
            case .noSuchName: .noSuchName(whose)
            case .nameTaken: .nameTaken(whose)
            case .keyTaken(let owner): .invalidKey("this is already a key of \(owner): every name needs its own")
            case .keyIsCurrent: .invalidKey("this is already the current key of \(whose)")
            case .tooManyNames(let most):
                .notPossible("there are already \(most) names: retire the keys of one that is not needed")
            case .tooManyKeys(let most):
                .notPossible(
                    "a name can have \(KeyRingBounds.previous) old keys, and there can be \(most) keys in all: retire those "
                        + "that are not used")
            case .isOnlyCurrentKey:
                .notPossible("this is the only current key, and without it no client could connect: rotate it first")
            case .isServerKey:
                .notPossible("this is the server's own key, which clients need: wstanctl rotate-server-key replaces it")
            case .noServerKey:
                .notPossible("this server has no key of version 2: wstanctl add-key NAME --v2 makes one with the first user")
            }
    }
}

/// What an administrator should be told after keys were changed, in words.
enum KeyWarning {
    /// Nothing is stored.
    static func forgotten(_ name: KeyName) -> String {
        "there is no state directory, so the key of \(name) is lost with the next restart"
    }

    static let forgottenServerKey =
        "there is no state directory, so the new server key is lost with the next restart"

    /// Of a key of version 1, where none is accepted.
    ///
    /// - Parameter isGiven: it was not to be made.
    static func refusedV1(isGiven: Bool) -> String {
        let instead = isGiven ? "The given key is of version 1; without --key-file" : "Without --v1"
        return "this server does not accept version 1 (accept-v1 = no in [server]). \(instead), add-key makes a key of "
            + "version 2; accept-v1 = yes and a reload admit version 1"
    }

    /// A rotation has made such a key, or a client is to have it.
    ///
    /// - Parameter hasV2: whether the name has one of version 2.
    static func uselessV1(_ name: KeyName, hasV2: Bool) -> String {
        "this server does not accept version 1 (accept-v1 = no in [server]), so no client can use this key: "
            + (hasV2
                ? "wstanctl client-config --key \(name) prints that of version 2"
                : "wstanctl add-key \(name) --v2 makes one of version 2")
    }

    static let formerUntilRestart =
        "there is no state directory, so the old key is accepted until the next restart only"

    /// A server has a key of its own, and no client has one.
    static let noNames = "no client can connect yet, since no name has a key: wstanctl add-key NAME --v2 makes one"

    /// The configured key has won over those of the ring.
    ///
    /// - Parameters:
    ///   - former: those of `default`.
    ///   - server: the server's own.
    ///   - names: that it was the key of.
    ///   - hasServer: whether the server has a key of its own now.
    ///   - path: of the ring's file.
    static func replaced(
        _ former: [KeyID], ofServer server: [KeyID], _ names: [KeyName], hasServer: Bool, path: String?
    ) -> String {
        func list(_ what: String, _ ids: [KeyID]) -> String {
            what + (ids.isEmpty ? "" : " (\(ids.map(\.description).joined(separator: ", ")))")
        }
        var gone: [String] = []
        if !former.isEmpty || server.isEmpty { gone.append(list("the keys of \(KeyName.configured)", former)) }
        if !server.isEmpty { gone.append(list("the server's own key", server)) }
        var text = "the configured key has changed, and replaces \(gone.joined(separator: " and "))"
        if let path { text += " in \(path)" }
        if !names.isEmpty { text += "; it was the key of \(names.map(\.text).joined(separator: ", "))" }
        guard !server.isEmpty else { return text }
        text += hasServer ? ". Each client of version 2 needs its new string at once" : ". No client of version 2 can connect"
        return text + "; to give clients time, put the former key back, reload, and run wstanctl rotate-server-key"
    }

    /// The new key could not be put where the configuration has the former one.
    static func notFollowed(_ source: KeySource, because obstacle: String, path: String?) -> String {
        let still = "\(source.place) still has the old key (\(obstacle)). Replace it, or the old key returns"
        guard let path else { return "\(still) with the next restart: there is no state directory." }
        return "\(still) if \(path) is lost."
    }

    /// How the key file of a key that is retired is replaced.
    static func writtenByRoot(_ id: KeyID) -> String { "sudo wstanctl retire-key \(id) replaces it." }

    /// Why the key file was not written, where this process has no right to.
    static let notPermitted = "the service may not write there"

    /// A key that the configuration still holds comes back with the ring's loss.
    static func afterRetiring(_ id: KeyID, _ configured: ConfiguredKey, path: String?) -> [String] {
        let isConfigured = configured.key.holds(id)
        guard let path else {
            return [
                isConfigured
                    ? "\(configured.source.place) still has this key. Replace it, or the key returns with the next restart: "
                        + "there is no state directory."
                    : "there is no state directory, so the next restart accepts the configured key only"
            ]
        }
        guard isConfigured else { return [] }
        return ["\(configured.source.place) still has this key, which returns if \(path) is lost: keep a backup of \(path)."]
    }
}

extension KeySource {
    /// In words.
    fileprivate var place: String {
        switch self {
        case .text: "the configuration"
        case .file(let path): path
        case .environment(let name): "the variable \(name)"
        case .credential(let name): "the credential \(name)"
        }
    }
}
