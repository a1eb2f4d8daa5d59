import WstanBase

/// The language in which a user agent has asked for a connection, and in which it is told no.
enum ConnectReply: Equatable {
    /// A forward: its user agent has sent no command, so it gets no reply.
    case none
    case socks4
    case socks5
    case http(asHTML: Bool)

    /// - Parameters:
    ///   - here: where this proxy is.
    ///   - hasProxy: whether there is a proxy between client and server.
    func refusal(_ failure: ExchangeFailure, target: Address, here: String, hasProxy: Bool) -> [UInt8] {
        switch self {
        case .none:
            return []
        case .socks4:
            return Socks4.rejected
        case .socks5:
            return Socks5.reply(failure.socksReply)
        case .http(let asHTML):
            let explanation = failure.explanation(of: target, here: here)
            return ExplanationPage(explanation, target: target, hasProxy: hasProxy)
                .answer(asHTML: asHTML, toHEAD: false, closing: true)
        }
    }
}

extension ExchangeFailure {
    /// What RFC 1928 section 6 has for it.
    var socksReply: Socks5.Reply {
        switch self {
        case .notAdmitted, .otherName, .unauthenticated:
            .notAllowed
        case .reset(let reset):
            if let code = reset.code {
                code.socksReply
            } else if reset.forbiddingKey != nil {
                .notAllowed
            } else if reset.isUnreachable {
                ConnectCause(saidByServer: reset.detail)?.socksReply ?? .generalFailure
            } else {
                .generalFailure
            }
        case .dial(let failure):
            failure.socksReply
        case .direct(let failure):
            failure.socksReply
        case .busy, .request, .lost, .unreadableAnswer:
            .generalFailure
        }
    }
}

extension DialFailure {
    /// The server's failures are not the target's: all that is said of them is that this host may have no network.
    fileprivate var socksReply: Socks5.Reply {
        switch self {
        case .unreachable(let failure, _), .proxyUnreachable(let failure):
            ConnectCause(failure) == .networkUnreachable ? .networkUnreachable : .generalFailure
        case .at(_, let failure):
            failure.socksReply
        case .proxyRefused, .refused, .notHTTP, .tooLargeAnswer, .unfinishedAnswer, .reset, .closed, .timedOut,
            .overtaken, .tls, .impostor, .unproven, .unusableServerKey, .dismissed:
            .generalFailure
        }
    }
}

extension ConnectCause {
    /// RFC 1928 has no words for names: a host that cannot be found cannot be reached.
    var socksReply: Socks5.Reply {
        switch self {
        case .refused: .connectionRefused
        case .nameNotFound, .nameServersSilent, .lookUpTimedOut, .timedOut, .hostUnreachable: .hostUnreachable
        case .networkUnreachable: .networkUnreachable
        case .tooManyLookUps, .reset, .shortage: .generalFailure
        }
    }

    /// - Parameter text: what a server says in the detail of its reset. Python's begins with the number of Linux, or of
    ///   its getaddrinfo: `[Errno 111] Connect call failed ...`.
    init?(saidByServer text: String) {
        if let cause = ConnectCause(text: text) {
            self = cause
            return
        }
        let mark = "[Errno "
        guard text.hasPrefix(mark), let number = Int32(text.dropFirst(mark.count).prefix { $0 != "]" }) else {
            return nil
        }
        switch number {
        // EAI_NONAME, EAI_NODATA, EAI_AGAIN.
        case -2, -5: self = .nameNotFound
        case -3: self = .nameServersSilent
        case 1...:
            guard let cause = ConnectCause(code: number) else { return nil }
            self = cause
        default: return nil
        }
    }
}
