import WstanBase

/// What a person is told about a request that came to nothing.
struct Explanation: Equatable {
    /// Where the way broke.
    enum Hop: Equatable {
        case clientToProxy
        case clientToServer
        case serverToTarget
        /// Without the tunnel.
        case clientToTarget
    }

    var status: Int
    var title: String
    var cause: String
    /// What to do about it; code stands in backticks.
    var advice: [String]
    var hop: Hop?
    /// What another party said: visible characters only, and not many.
    var quote: String?

    init(
        _ status: Int, _ title: String, _ cause: String, advice: [String], hop: Hop? = nil, quoting quote: String? = nil
    ) {
        self.status = status
        self.title = title
        self.cause = cause
        self.advice = advice
        self.hop = hop
        self.quote = quote.map(Self.visible).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// RFC 9110 section 15.
    var reason: String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 407: "Proxy Authentication Required"
        case 414: "URI Too Long"
        case 421: "Misdirected Request"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }

    /// All of it in one line, for programs and terminals.
    var line: String {
        var line = "\(title). \(cause)"
        if let quote { line += " [\(quote)]" }
        switch hop {
        case .clientToProxy: line += " (Between the client and the proxy on the way.)"
        case .clientToServer: line += " (Between the client and the server.)"
        case .serverToTarget: line += " (Between the server and the target.)"
        case .clientToTarget: line += " (Between the client and the target.)"
        case nil: break
        }
        return ([line] + advice).joined(separator: " ")
    }

    /// A text of unknown origin, 300 characters of it at most.
    static func visible(_ text: String) -> String {
        Printable.prose(text.unicodeScalars.prefix(300))
    }
}
