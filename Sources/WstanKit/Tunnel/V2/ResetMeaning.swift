import WstanBase

/// What RESET says (protocol-v2.md sections 5 and 6), in the terms in which both ends know why a connection is over.
extension Reset {
    /// What came from the peer.
    ///
    /// - Parameters:
    ///   - target: of the connection.
    ///   - wasUp: the target had answered.
    ///   - isSignal: FIN came before.
    init(_ reset: ResetV2, of target: Address?, wasUp: Bool, isSignal: Bool) {
        if isSignal, reset.code == .none {
            self = .normal
        } else if wasUp {
            // Never in good order: what the near end has got is not all that there was.
            self = Reset.targetBroken.with(reset.code)
        } else {
            self = Reset(beforeOK: reset.code, reset.text, of: target)
        }
    }

    private init(beforeOK code: ResetCode, _ text: String, of target: Address?) {
        switch code {
        case .notAllowed:
            self = .forbidden(key: text)
        case .overLimit where ConnectCause(text: text) == nil, .draining, .keyRevoked, .notSupported,
            .addressTypeNotSupported, .idle, .nothingToResume, .listenerTakenOver, .noSuchListener, .cannotListen:
            self = Reset(reason: code.words, detail: text, code: code)
        default:
            let detail = text.isEmpty ? ConnectCause(code)?.text ?? code.words : text
            self = target.map { .unreachable($0, detail, code: code) } ?? Reset(reason: detail, code: code)
        }
    }

    private func with(_ code: ResetCode) -> Reset {
        Reset(reason: reason, detail: detail, code: code)
    }

    /// What the peer is told.
    var codeToTell: ResetCode {
        if let code { return code }
        if isNormal { return .none }
        if isBrokenConnection { return .reset }
        if forbiddingKey != nil { return .notAllowed }
        return ConnectCause(text: detail).map { ResetCode($0) } ?? .failed
    }

    /// The words beside the code: those of the failure alone, since the target is known.
    var textToTell: String { isFailure ? detail : "" }
}

extension ResetCode {
    fileprivate init(_ cause: ConnectCause) {
        switch cause {
        case .nameNotFound: self = .noSuchName
        case .nameServersSilent, .hostUnreachable: self = .hostUnreachable
        case .lookUpTimedOut, .timedOut: self = .timedOut
        case .tooManyLookUps, .shortage: self = .overLimit
        case .refused: self = .refused
        case .networkUnreachable: self = .networkUnreachable
        case .reset: self = .failed
        }
    }

    /// For people who are told no more by the peer.
    var words: String {
        switch self {
        case .none, .failed: "the server failed"
        case .notAllowed: "not allowed"
        case .networkUnreachable: "network unreachable"
        case .hostUnreachable: "host unreachable"
        case .refused: "connection refused"
        case .ttlExpired: "the TTL has expired on the way"
        case .notSupported: "the server does not support this kind of request"
        case .addressTypeNotSupported: "the server does not support this kind of address"
        case .reset: "connection reset"
        case .noSuchName: "the name does not exist"
        case .timedOut: "timed out"
        case .idle: "nothing has moved for long"
        case .draining: "the server is about to end"
        case .overLimit: "the server is over a limit"
        case .keyRevoked: "the key is revoked or has expired"
        case .nothingToResume: "the server has nothing to resume"
        case .noMemory: "the server is out of memory"
        case .listenerTakenOver: "another client has taken the listener over"
        case .noSuchListener: "the server has no such listener"
        case .cannotListen: "the server cannot listen there"
        }
    }
}

extension ConnectCause {
    /// As far as a code tells it without words.
    fileprivate init?(_ code: ResetCode) {
        switch code {
        case .networkUnreachable: self = .networkUnreachable
        case .hostUnreachable: self = .hostUnreachable
        case .refused: self = .refused
        case .noSuchName: self = .nameNotFound
        case .timedOut: self = .timedOut
        default: return nil
        }
    }
}
