/// Why a server takes a request for no tunnel of its own (section 4.4, in its order). It is for our own log and counters: the peer
/// sees what any other visitor sees.
enum HandshakeRefusal: Error, Equatable {
    /// Nothing in the request has the length of one.
    case noCandidate
    /// It is no canonical base64url.
    case encoding
    case length
    /// The box opens under no key of ours: it is for another server, or noise.
    case notOurs
    /// By how many milliseconds its time is ahead of ours, or behind it where that is negative.
    case expired(ahead: Int64)
    /// No user has that key, or no longer.
    case unknownUser
    case replayed
    /// The box is genuine, and what follows it was not sealed with that user's secret for this server and realm.
    case notAuthentic
    // From here on a user of ours has made it.
    case malformed(Violation)
    /// An option that a server must know, and does not.
    case unknownOption(UInt16)
    /// A message that opens no tunnel.
    case noRequest
    case noCommonCipher

    /// The reason code for log lines and counters.
    var code: String {
        switch self {
        case .noCandidate: "no-candidate"
        case .encoding: "encoding"
        case .length: "length"
        case .notOurs: "not-ours"
        case .expired: "expired"
        case .unknownUser: "unknown-user"
        case .replayed: "replayed"
        case .notAuthentic: "not-authentic"
        case .malformed(let violation): "malformed-\(violation.code)"
        case .unknownOption: "unknown-option"
        case .noRequest: "no-request"
        case .noCommonCipher: "no-common-cipher"
        }
    }
}

/// Why a client takes an answer for an impostor's: it closes, counts, warns, and falls back to nothing.
enum ReplyRefusal: Error, Equatable {
    case length
    /// Who sent it does not have the server's key, or not the user's.
    case notAuthentic
    case malformed(Violation)
    /// An option that a client must know, and does not.
    case unknownOption(UInt16)
    /// A cipher that the client did not offer, or none at all without having offered a binding.
    case cipherNotOffered(UInt8)
    /// A key encapsulation that the client did not offer.
    case kemNotOffered

    /// The reason code for log lines and counters.
    var code: String {
        switch self {
        case .length: "length"
        case .notAuthentic: "not-authentic"
        case .malformed(let violation): "malformed-\(violation.code)"
        case .unknownOption: "unknown-option"
        case .cipherNotOffered: "cipher-not-offered"
        case .kemNotOffered: "kem-not-offered"
        }
    }
}
