/// Why a target that does not take the tunnel could not be reached, or did not answer.
enum DirectFailure: Error, Equatable {
    case unreachable(Connector.Failure)
    /// It is this client.
    case ownListener
    /// It took a request and closed the connection without a word.
    case silent
    /// The connection was reset.
    case broken
    /// What it said is no HTTP.
    case unreadableAnswer

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
        case .unreadableAnswer: "no HTTP"
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
            return Self.unreachable(host, target.map { "port \($0.port)" } ?? "that port", failure)
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
                "Try again. If it stays so, something between this client and \(host) does not like it.")
        case .unreadableAnswer:
            return Self.failed(
                502, "\(host) did not answer in HTTP",
                "What came back is no answer that could be passed on without guessing.",
                "Perhaps another protocol is spoken on that port: try the address with `https://`.",
                "If it is your server: its answer has no proper head, or contradicts itself about its length.")
        }
    }

    /// Each names the rule at its end: who does not know of it looks for the fault at the server.
    private static func failed(_ status: Int, _ title: String, _ cause: String, _ advice: String...) -> Explanation {
        let rule = "The client connects to it by itself, since `direct` in its configuration names it."
        return Explanation(status, title, cause, advice: advice + [rule], hop: .clientToTarget)
    }

    private static func unreachable(_ host: String, _ port: String, _ failure: Connector.Failure) -> Explanation {
        switch ConnectCause(failure) {
        case .nameNotFound:
            return failed(
                502, "\(host) does not exist", "It was looked up from here, and nobody has that name.",
                "Check the spelling.")
        case .nameServersSilent:
            return failed(
                502, "\(host) cannot be looked up", "The name servers of this network do not answer.",
                "Try again in a moment; if it stays so, look at `/etc/resolv.conf`.")
        case .lookUpTimedOut:
            return failed(
                504, "\(host) cannot be looked up", "The name servers of this network took too long.",
                "Try again in a moment.")
        case .tooManyLookUps:
            return failed(
                502, "\(host) was not looked up", "Too many names are being looked up already.",
                "Try again in a moment.")
        case .refused:
            return failed(
                502, "\(host) refuses the connection",
                "It is there, but nothing listens on \(port), or a firewall says no.", "Check the port.")
        case .timedOut:
            return failed(
                504, "\(host) does not answer", "The client tried to connect to \(port), and nothing came back.",
                "It may be down, or a firewall swallows what goes to \(port).")
        case .networkUnreachable:
            return failed(502, "No network leads to \(host)", "This host has no route to its address.")
        case .hostUnreachable:
            return failed(
                502, "\(host) is not there", "Its network is, but nobody there answers to its address.",
                "It may be down: try again later.")
        case .reset:
            return failed(502, "\(host) cuts the connection", "It was reset before it was made.")
        case .shortage:
            return failed(
                502, "The client is out of connections", "It has as many as its system lets it have.",
                "Raise LimitNOFILE= or `ulimit -n`.")
        case nil:
            return failed(502, "\(host) cannot be reached", "\(failure).")
        }
    }
}
