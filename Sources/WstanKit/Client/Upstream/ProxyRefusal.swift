import WstanConfig

/// Why a proxy on the way to the server made no way.
package enum ProxyRefusal: Error, Equatable {
    /// An HTTP proxy's answer, other than 407.
    case status(Int, reason: String)
    /// 407: it wants to know who asks, and was not told. With its reason phrase.
    case wantsCredentials(reason: String)
    /// 407: it was told, and does not believe it.
    case wrongCredentials(reason: String)
    /// 407: it speaks other schemes than Basic (RFC 7617), these.
    case otherSchemes([String], reason: String)
    /// A SOCKS5 proxy's code (RFC 1928 section 6).
    case socks(UInt8)
    /// A SOCKS5 proxy takes none of the methods on offer: with `credentials` name and password, and none; else none.
    case socksMethods(hasCredentials: Bool)
    case socksCredentials
    /// The answer is not in the protocol that was spoken.
    case unreadable(ProxyAddress.Scheme)
    /// It ended the connection instead of answering.
    case cut
    case silent

    package var cause: String {
        switch self {
        case .status(let status, let reason): Self.refused("\(status) \(reason)")
        case .wantsCredentials(let reason), .wrongCredentials(let reason), .otherSchemes(_, let reason):
            Self.refused("407 \(reason)")
        case .socks(let code): Self.refused(Self.words(code))
        case .socksMethods(hasCredentials: false): Self.refused("it does not serve everybody")
        case .socksMethods(hasCredentials: true): Self.refused("it takes no user name and password")
        case .socksCredentials: Self.refused("the user name or the password is wrong")
        case .unreadable(.http): "what answers at the address of the proxy on the way speaks no HTTP"
        case .unreadable(.socks5): "what answers at the address of the proxy on the way speaks no SOCKS5"
        case .cut: "the proxy on the way closed the connection without an answer"
        case .silent: "the proxy on the way did not answer in time"
        }
    }

    package var advice: String {
        switch self {
        case .status(let status, _): Self.advice(status)
        case .wantsCredentials:
            "it wants a user name and a password: proxy = http://user:password@host:port"
        case .wrongCredentials:
            "the user name or the password in the proxy option is wrong, or not percent-encoded"
        case .otherSchemes(let schemes, _):
            "it takes \(Self.list(schemes)) only, and wstan speaks only Basic: run a small proxy on this machine that "
                + "speaks it, such as cntlm or px, and name that one as proxy"
        case .socks(let code): Self.adviceOnSocks(code)
        case .socksMethods(hasCredentials: false):
            "it may want a user name and a password: proxy = socks5://user:password@host:port"
        case .socksMethods(hasCredentials: true):
            "it may want another kind of authentication, which wstan does not speak: ask whoever runs it"
        case .socksCredentials: "correct them in the proxy option, percent-encoded"
        case .unreadable(.http): "check the proxy option; if it is a SOCKS proxy, write socks5:// before its host"
        case .unreadable(.socks5): "check the proxy option; if it is an HTTP proxy, write http:// before its host"
        case .cut: "it may be restarting, or not let this host in: ask whoever runs it"
        case .silent: "the network is slow, the proxy is, or it waits in vain for the server"
        }
    }

    /// Whether a server that is being restarted behind the proxy, or the proxy itself, looks like this.
    var mayBeRestart: Bool {
        switch self {
        case .status(let status, _): (502...504).contains(status)
        case .socks(let code): [1, 4, 5].contains(code)
        case .cut: true
        case .wantsCredentials, .wrongCredentials, .otherSchemes, .socksMethods, .socksCredentials, .unreadable,
            .silent:
            false
        }
    }

    private static func refused(_ why: String) -> String { "the proxy on the way refused: \(why)" }

    private static func advice(_ status: Int) -> String {
        switch status {
        case 403:
            "it may let only some hosts or ports through, most often 443: ask whoever runs it, or try the server there"
        case 400, 404, 405, 501:
            "it may be no proxy, or know no CONNECT: check the proxy option"
        case 429: "it says that there were too many requests: wait a little"
        case 502, 503, 504:
            "it cannot reach the server: check the URI, and that wstand runs there"
        case 511: "the network wants you to log in first: open a page in a browser"
        default: "it may want a password, or allow other ports only, most often 443"
        }
    }

    /// RFC 1928 section 6.
    private static func words(_ code: UInt8) -> String {
        switch code {
        case 1: "general failure (SOCKS code 1)"
        case 2: "not allowed by its rules (SOCKS code 2)"
        case 3: "the server's network is unreachable (SOCKS code 3)"
        case 4: "the server is unreachable (SOCKS code 4)"
        case 5: "the server refused the connection (SOCKS code 5)"
        case 6: "the way to the server is too long (SOCKS code 6)"
        case 7: "it does not know the command CONNECT (SOCKS code 7)"
        case 8: "it does not know this kind of address (SOCKS code 8)"
        default: "SOCKS code \(code)"
        }
    }

    private static func adviceOnSocks(_ code: UInt8) -> String {
        switch code {
        case 2: "it may let only some hosts or ports through: ask whoever runs it"
        case 8: "it may know no IPv6, or no names: try another form of the server's address"
        default: "check the URI, and that wstand runs there; the proxy's log may say more"
        }
    }

    /// Names as in "a, b and c", each once.
    private static func list(_ names: [String]) -> String {
        var once: [String] = []
        for name in names where !once.contains(name) { once.append(name) }
        return once.isEmpty ? "other schemes" : once.listed()
    }
}
