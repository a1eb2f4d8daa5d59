extension Refusal {
    /// What is said, counted and logged of a request that was judged by version 2 (protocol-v2.md section 4.4).
    init(_ refusal: HandshakeRefusal) {
        switch refusal {
        case .noCandidate, .encoding, .length: self = .notARequest
        case .notOurs, .unknownUser, .notAuthentic: self = .wire(.badAuthentication)
        case .expired(let milliseconds): self = .wire(.expired(seconds: Double(milliseconds) / 1000))
        case .replayed: self = .wire(.replayed)
        case .malformed(let violation): self = .wire(.violation(violation))
        case .unknownOption, .noRequest, .noCommonCipher: self = .wire(.unexpectedCommand)
        }
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
