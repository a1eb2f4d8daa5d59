import WstanBase
import WstanConfig
import WstanCore

/// What has become of a key that was added or rotated.
struct KeyChange: Sendable, Equatable {
    var id: KeyID
    /// Of a key that was made here, to be shown once: the base64 of its 16 bytes.
    var made: Secret?
    /// Whether a restart finds it.
    var isPersisted: Bool
    /// What an administrator should be told.
    var warnings: [String] = []
}

/// What has become of a key that was retired. It is not accepted any more in any case.
struct KeyRetirement: Sendable, Equatable {
    /// Whose it was.
    var name: KeyName?
    /// Tunnels that were ended.
    var closed = 0
    /// Whether it stays retired after a restart.
    var isPersisted: Bool
    var warnings: [String] = []
}

/// A key as it is shown; never the key itself.
package struct ListedKey: Sendable, Equatable {
    var id: KeyID
    var name: KeyName
    var source: RingKey.Source
    var created: CalendarTime?
    /// Nil: it is the current one.
    var expiry: CalendarTime?
    var use: KeyUse
}

/// Why a key was not changed; nothing has happened then. In words for an administrator.
package enum KeyFailure: Error, Equatable, CustomStringConvertible {
    /// The text that was to be an id.
    case noSuchKey(String)
    case noSuchName(String)
    case nameTaken(String)
    case invalidName(String)
    /// Empty, too long, or somebody else's; why.
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
        case .noSuchKey(let id): "no key has the id \(id): wstanctl keys lists them"
        case .noSuchName(let name): "nobody is named \(name): wstanctl keys lists the names"
        case .nameTaken(let name): "\(name) has a key already: rotate-key gives it another one"
        case .invalidName(let name):
            "\(name) cannot be a name: use 1 to \(KeyRingBounds.nameLength) letters, digits, dots, dashes and underscores"
        case .invalidKey(let why), .notPossible(let why): why
        case .keyReadOnly(let why), .notStored(let why):
            "\(why): nothing was changed; --runtime-only changes it until the next restart"
        case .busy: "other changes of keys are under way: try again"
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
            case .keyTaken(let owner): .invalidKey("this is a key of \(owner) already: every name needs its own")
            case .keyIsCurrent: .invalidKey("this is the current key of \(whose) already")
            case .tooManyNames:
                .notPossible("there are \(KeyRingBounds.names) names already: retire the keys of one that is gone")
            case .tooManyKeys:
                .notPossible(
                    "there may be \(KeyRingBounds.previous) former keys of a name, and \(KeyRingBounds.keys) keys in "
                        + "all: retire those that nobody uses")
            case .isOnlyCurrentKey:
                .notPossible("this is the only current key, and without it nobody could connect: rotate it first")
            }
    }
}

/// What an administrator should be told after keys were changed, in words.
enum KeyWarning {
    /// Nothing is stored.
    static func forgotten(_ name: KeyName) -> String {
        "there is no state directory, so the next restart forgets this key of \(name)"
    }

    static let formerUntilRestart =
        "there is no state directory, so the former key is accepted until the next restart only"

    /// The configured key has won over those of the ring.
    ///
    /// - Parameter path: of the ring's file.
    static func replaced(_ former: [KeyID], _ names: [KeyName], path: String?) -> String {
        var text = "the configured key is another one than before, and replaces the keys of \(KeyName.configured)"
        if let path { text += " in \(path)" }
        if !former.isEmpty { text += " (\(former.map(\.description).joined(separator: ", ")))" }
        if !names.isEmpty { text += "; it was the key of \(names.map(\.text).joined(separator: ", "))" }
        return text
    }

    /// The new key could not be put where the configuration has the former one.
    static func notFollowed(_ source: KeySource, because obstacle: String, path: String?) -> String {
        guard let path else {
            return
                "there is no state directory, and \(source.place) still holds the former key (\(obstacle)): put the new "
                + "one there, or the next restart brings the former one back"
        }
        return
            "\(source.place) still holds the former key (\(obstacle)): put the new one there, or the loss of \(path) "
            + "would bring the former one back"
    }

    /// A key that the configuration still holds comes back with the ring's loss.
    static func afterRetiring(_ id: KeyID, _ configured: ConfiguredKey, path: String?) -> [String] {
        let isConfigured = id == configured.key.id
        guard let path else {
            return [
                isConfigured
                    ? "there is no state directory, so a restart brings it back: replace it in \(configured.source.place)"
                    : "there is no state directory: a restart knows the configured key only"
            ]
        }
        guard isConfigured else { return [] }
        return [
            "\(configured.source.place) still holds it: replace it there, or the loss of \(path) would bring it back"
        ]
    }
}

extension KeySource {
    /// In words.
    fileprivate var place: String {
        switch self {
        case .text: "the configuration's key"
        case .file(let path): "the key file \(path)"
        case .environment(let name): "the environment's \(name)"
        case .credential(let name): "the credential \(name)"
        }
    }
}
