extension Refusal {
    /// What is said, counted and logged of a request that was judged by version 2 (protocol-v2.md section 4.4).
    init(_ refusal: HandshakeRefusal) {
        switch refusal {
        case .noCandidate, .encoding, .length: self = .notARequest
        case .expired(let milliseconds): self = .wire(.expired(seconds: Double(milliseconds) / 1000))
        case .replayed: self = .wire(.replayed)
        case .malformed(let violation): self = .wire(.violation(violation))
        case .notOurs, .unknownUser, .notAuthentic, .unknownOption, .noRequest, .noCommonCipher: self = .handshake(refusal)
        }
    }

    /// Of what version 1 has no word for.
    static func traits(of refusal: HandshakeRefusal) -> Traits {
        switch refusal {
        // A client of another server looks like noise.
        case .noCandidate, .encoding, .length, .notOurs:
            Traits(code: refusal.code, level: .info, text: "not a request", cause: "not a request for this server's key")
        case .unknownUser:
            wrongKey(refusal.code, "it is no user's, or was revoked")
        case .notAuthentic:
            wrongKey(refusal.code, "it is a user's, but the request was made for another realm, or changed on the way")
        case .unknownOption:
            Traits(code: refusal.code, counter: .malformed, cause: unreadable("an option that this release does not know"))
        case .noRequest:
            Traits(code: refusal.code, counter: .malformed, cause: unreadable("its message opens no tunnel"))
        case .noCommonCipher:
            Traits(code: refusal.code, counter: .malformed, cause: unreadable("no cipher that both ends have"))
        case .expired, .replayed, .malformed: Refusal(refusal).traits
        }
    }

    private static func wrongKey(_ code: String, _ why: String) -> Traits {
        Traits(
            code: code, counter: .badAuthentication, text: "request refused: wrong key", cause: "wrong key: \(why)",
            id: .wrongKey)
    }
}

extension HandshakeRefusal {
    /// Whether the request is of version 2 beyond doubt: its box has opened.
    var isOfVersion2: Bool {
        switch self {
        case .noCandidate, .encoding, .length, .notOurs: false
        case .expired, .unknownUser, .replayed, .notAuthentic, .malformed, .unknownOption, .noRequest, .noCommonCipher: true
        }
    }
}
