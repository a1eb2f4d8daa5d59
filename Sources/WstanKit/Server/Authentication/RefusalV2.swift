extension Refusal {
    /// By how many seconds the client's clock is ahead of ours, by an expired request.
    var clockAhead: Double? {
        if case .wire(.expired(let seconds)) = self { return seconds }
        if case .handshake(.expired(let milliseconds)) = self { return Double(milliseconds) / 1000 }
        return nil
    }

    /// What is said, counted and logged of a request that was judged by version 2 (protocol-v2.md section 4.4): what version 1 has a
    /// word for, by that.
    static func traits(of refusal: HandshakeRefusal) -> Traits {
        switch refusal {
        case .noCandidate, .encoding, .length: Refusal.notARequest.traits
        case .expired(let milliseconds): traits(of: WireError.expired(seconds: Double(milliseconds) / 1000))
        case .replayed: traits(of: WireError.replayed)
        case .malformed(let violation): traits(of: WireError.violation(violation))
        // A client of another server looks like noise.
        case .notOurs:
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
