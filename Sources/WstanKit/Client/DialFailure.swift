/// Why no tunnel could be opened.
enum DialFailure: Error, Equatable {
    case unreachable(Connector.Failure)
    case proxyUnreachable(Connector.Failure)
    /// The HTTP proxy on the way said no.
    case proxyRefused(status: Int, reason: String)
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

    /// What a person needs to know, in one line.
    var text: String { "\(cause); \(advice)" }

    var cause: String {
        switch self {
        case .unreachable(let failure): "cannot reach the server: \(failure)"
        case .proxyUnreachable(let failure): "cannot reach the proxy on the way to the server: \(failure)"
        case .proxyRefused(let status, let reason): "the proxy on the way refused: \(status) \(reason)"
        case .refused(let status, _): "the server answered \(status) instead of opening a tunnel"
        case .notWebSocket: "what answers at the server's address is no WebSocket server"
        case .reset: "the connection was reset during the handshake, each time it was tried"
        case .closed: "the server closed the connection during the handshake"
        case .timedOut: "the server did not answer the handshake in time"
        case .tls(let failure): failure.cause
        }
    }

    var advice: String {
        switch self {
        case .unreachable: "check the URI, the firewall, and that wstand runs there"
        case .proxyUnreachable: "check the proxy option"
        case .proxyRefused: "it may want a password, or allow other ports only, most often 443"
        case .refused(_, let clockAhead): Self.guess(clockAhead)
        case .notWebSocket: "check the URI"
        case .reset: "something on the way does not like it: try the server on another port, such as 443"
        case .closed: "it may be at its limits, and its log says more"
        case .timedOut: "the network is slow, or something on the way swallows it"
        case .tls(let failure): failure.advice(today: HTTPDate.format(Int64(WallClock.now())))
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
