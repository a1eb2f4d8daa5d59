import WstanBase

/// Why no tunnel could be opened.
package enum DialFailure: Error, Equatable {
    case unreachable(Connector.Failure)
    case proxyUnreachable(Connector.Failure)
    /// The proxy on the way is there, and makes no way.
    case proxyRefused(ProxyRefusal)
    /// The server gave an answer that is no WebSocket. `clockAhead`: by how many seconds its clock is ahead of ours, if
    /// it said.
    case refused(status: Int, clockAhead: Double?)
    /// The answer is no HTTP, or not to what was asked.
    case notWebSocket
    /// Reset, each time it was tried.
    case reset
    case closed
    case timedOut
    /// No TLS with the server.
    case tls(TLSFailure)
    /// It had a second, and then another server was quicker.
    case overtaken
    /// The failure of one of several servers.
    indirect case at(Address, DialFailure)

    /// What a person needs to know, in one line.
    var text: String { "\(cause); \(advice)" }

    package var cause: String {
        switch self {
        case .unreachable(let failure): "cannot reach the server: \(failure)"
        case .proxyUnreachable(let failure): "cannot reach the proxy on the way to the server: \(failure)"
        case .proxyRefused(let refusal): refusal.cause
        case .refused(let status, _): "the server answered \(status) instead of opening a tunnel"
        case .notWebSocket: "what answers at the server's address is no WebSocket server"
        case .reset: "the connection was reset during the handshake, each time it was tried"
        case .closed: "the server closed the connection during the handshake"
        case .timedOut: "the server did not answer the handshake in time"
        case .tls(let failure): failure.cause
        case .overtaken: "the server did not answer within a second"
        case .at(let server, let failure): "\(server): \(failure.cause)"
        }
    }

    package var advice: String {
        switch self {
        case .unreachable: "check the URI, the firewall, and that wstand runs there"
        case .proxyUnreachable: "check the proxy option"
        case .proxyRefused(let refusal): refusal.advice
        case .refused(_, let clockAhead): Self.guess(clockAhead)
        case .notWebSocket: "check the URI"
        case .reset: "something on the way does not like it: try the server on another port, such as 443"
        case .closed: "it may be at its limits, and its log says more"
        case .timedOut, .overtaken: "the network is slow, or something on the way swallows it"
        case .tls(let failure): failure.advice(today: HTTPDate.format(Int64(WallClock.now())))
        case .at(_, let failure): failure.advice
        }
    }

    /// Whichever server it was.
    var bare: DialFailure {
        if case .at(_, let failure) = self { failure.bare } else { self }
    }

    /// Whether the request has reached nobody who served it, for certain. A reset or an end does not tell.
    var isRefusal: Bool {
        switch self {
        case .unreachable, .proxyUnreachable, .proxyRefused, .refused, .overtaken, .tls: true
        case .notWebSocket, .reset, .closed, .timedOut: false
        case .at(_, let failure): failure.isRefusal
        }
    }

    /// Whether a server that is being restarted, or a front or a proxy whose server is, looks like this; or a network that
    /// is being changed for another.
    var mayBeRestart: Bool {
        switch self {
        case .unreachable(let failure), .proxyUnreachable(let failure):
            [.refused, .reset, .networkUnreachable, .hostUnreachable].contains(ConnectCause(failure))
        case .proxyRefused(let refusal): refusal.mayBeRestart
        case .refused(let status, _): (502...504).contains(status)
        case .reset, .closed, .tls(.cut): true
        case .notWebSocket, .timedOut, .overtaken, .tls: false
        case .at(_, let failure): failure.mayBeRestart
        }
    }

    private static func guess(_ clockAhead: Double?) -> String {
        guard let clockAhead, abs(clockAhead) > 30 else {
            return "the key is wrong, or the path of the URI, or no wstan server is there: compare both ends"
        }
        // To the nearest: a date without fractions makes three minutes ahead look like 179 seconds.
        let seconds = Int(clamping: Int64(abs(clockAhead)))
        let much =
            switch seconds {
            case ..<120: "\(seconds) seconds"
            case ..<7200: "\((seconds + 30) / 60) minutes"
            default: "\((seconds + 1800) / 3600) hours"
            }
        let direction = clockAhead > 0 ? "behind" : "ahead of"
        return "your clock is \(much) \(direction) the server's, and requests expire: set it"
    }
}
