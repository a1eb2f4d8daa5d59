/// What can be wrong with bytes that claim to be of this protocol. The peer's fault, all of it.
package enum WireError: Error, Equatable {
    /// Not what the format allows, whatever may follow.
    case malformed
    /// The HMAC does not fit: another key, or bytes changed on the way.
    case badAuthentication
    /// The HMAC holds and the rest makes no sense: one side seals for ws://, the other for wss://.
    case sealedForOtherScheme
    /// The time in a request is not finite or further away than allowed; `seconds` is how far the peer is ahead, if
    /// finite.
    case expired(seconds: Double)
    /// A request that was seen before.
    case replayed
    /// A message above the bound of its kind.
    case tooLarge
    /// A command that has no place here.
    case unexpectedCommand
    /// The HMAC of a request holds, and its head does not ask for a WebSocket: something on the way has taken these parts out.
    case incompleteUpgrade(lacking: [String])
    /// On a tunnel of version 2.
    case violation(Violation)

    /// The reason code for log lines.
    var code: String {
        switch self {
        case .malformed: "malformed"
        case .badAuthentication: "bad-authentication"
        case .sealedForOtherScheme: "sealed-for-other-scheme"
        case .expired: "expired"
        case .replayed: "replayed"
        case .tooLarge: "too-large"
        case .unexpectedCommand: "unexpected-command"
        case .incompleteUpgrade: "incomplete-upgrade"
        case .violation(let violation): violation.code
        }
    }
}
