import WstanBase

/// Why a target that does not take the tunnel could not be reached, or did not answer.
enum DirectFailure: Error, Equatable {
    case unreachable(Connector.Failure)
    /// It is this client.
    case ownListener
    /// It took a request and closed the connection without a word.
    case silent
    /// The connection was reset.
    case broken
    /// What it said cannot be passed on.
    case unreadableAnswer(HTTPHead.Failure)

    init(_ outcome: Connection.Outcome?) {
        self =
            switch outcome {
            case .reset(let reset) where reset.isNormal: .silent
            case .reset, .lost, nil: .broken
            }
    }

    /// For the log.
    var code: String {
        switch self {
        case .unreachable(let failure): failure.description
        case .ownListener: "it is this client"
        case .silent: "closed without a word"
        case .broken: "reset"
        case .unreadableAnswer(.notHTTP): "no HTTP"
        case .unreadableAnswer: "unreadable answer"
        }
    }

    /// Section 6 of RFC 1928.
    var socksReply: Socks5.Reply {
        switch self {
        case .unreachable(let failure): ConnectCause(failure)?.socksReply ?? .generalFailure
        case .ownListener: .notAllowed
        case .silent, .broken, .unreadableAnswer: .generalFailure
        }
    }

    /// - Parameter target: nil when the request did not get so far.
    func explanation(of target: Address?) -> Explanation {
        let host = target.map { "\($0.host)" } ?? "the target"
        switch self {
        case .unreachable(let failure):
            return Self.unreachable(host, target, failure)
        case .ownListener:
            return Explanation(
                403, "That is this proxy", "\(host) leads back to the wstan client itself.",
                advice: ["Connect to it without a proxy."], hop: .clientToTarget)
        case .silent:
            return Self.failed(
                502, "\(host) did not answer", "It took the request and closed the connection without a word.",
                "Try again. If it stays so, another protocol may be spoken on that port: try `https://`.")
        case .broken:
            return Self.failed(
                502, "\(host) broke the connection off", "It took the request, and then the connection was reset.",
                "Try again. If it fails again, a firewall between this client and \(host) may reset connections.")
        case .unreadableAnswer(let failure):
            var explanation = failure.explanation(ofAnswerBy: host, hop: .clientToTarget)
            explanation.advice.append(Self.rule)
            return explanation
        }
    }

    private static func unreachable(_ host: String, _ target: Address?, _ failure: Connector.Failure) -> Explanation {
        guard let cause = ConnectCause(failure) else {
            return failed(502, "\(host) cannot be reached", "\(failure).")
        }
        var explanation = cause.explanation(of: host, target, triedBy: .client)
        explanation.advice.append(rule)
        return explanation
    }

    private static func failed(_ status: Int, _ title: String, _ cause: String, _ advice: String...) -> Explanation {
        Explanation(status, title, cause, advice: advice + [rule], hop: .clientToTarget)
    }

    /// The last advice of each: who does not know of the rule looks for the fault at the server.
    private static let rule = "The client connects to it by itself, since `direct` in its configuration names it."
}
