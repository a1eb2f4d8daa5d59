import WstanBase

// Of the proxy on the way.
extension DialFailure {
    static func row(_ refusal: ProxyRefusal) -> Row {
        func refused(_ code: String, _ why: String, _ advice: String) -> Row {
            Row("proxy-\(code)", "The proxy refused", "the proxy on the way refused: \(why)", advice: advice)
        }
        switch refusal {
        case .status(let status, let reason): return row(ofProxyStatus: status, "\(status) \(reason)", refused)
        case .wantsCredentials(let reason):
            return refused(
                "password-missing", "407 \(reason)",
                "the proxy requires a user name and a password: proxy = http://user:password@host:port")
        case .wrongCredentials(let reason):
            return refused(
                "password-wrong", "407 \(reason)",
                "correct the user name and the password in the proxy option, percent-encoded")
        case .otherSchemes(let schemes, let reason):
            return refused(
                "authentication", "407 \(reason)",
                "the proxy takes \(list(schemes)) only, and wstan speaks only Basic: run a local proxy that speaks it, "
                    + "such as cntlm or px, and name that one as proxy")
        case .socks(let code): return row(ofSocks: code, refused)
        case .socksMethods(hasCredentials: false):
            return refused(
                "socks-password-missing", "it requires authentication",
                "the proxy may require a user name and a password: proxy = socks5://user:password@host:port")
        case .socksMethods(hasCredentials: true):
            return refused(
                "socks-authentication", "it takes no user name and password",
                "the proxy may require another kind of authentication, which wstan does not speak: ask its administrator"
            )
        case .socksCredentials:
            return refused(
                "socks-password-wrong", "the user name or the password is wrong",
                "correct them in the proxy option, percent-encoded")
        case .unreadable(.socks5):
            return Row(
                "proxy-not-socks", "That is not a SOCKS5 proxy",
                "the proxy on the way does not speak SOCKS5",
                advice: "check the proxy option; for an HTTP proxy, write http:// before its host")
        case .unreadable:
            return Row(
                "proxy-not-http", "That is not an HTTP proxy", "the proxy on the way does not speak HTTP",
                advice: "check the proxy option; for a SOCKS proxy, write socks5:// before its host")
        case .cut:
            return Row(
                "proxy-closed", "The proxy closed the connection",
                "the proxy on the way closed the connection without an answer",
                advice: "it may be restarting, or may not serve this host: ask its administrator")
        case .silent:
            return Row(
                "proxy-timed-out", "The proxy does not answer", "the proxy on the way did not answer in time",
                advice: "the network or the proxy may be slow, or the proxy may not reach the server")
        }
    }

    private static func row(
        ofProxyStatus status: Int, _ words: String, _ refused: (String, String, String) -> Row
    ) -> Row {
        switch status {
        case 403, 451:
            refused(
                "forbidden", words,
                "the proxy may allow only some hosts or ports, most often 443: try the server on 443, or ask the proxy's "
                    + "administrator")
        case 400, 404, 405, 501:
            refused("no-connect", words, "it may not be a proxy, or may not allow CONNECT: check the proxy option")
        case 429: refused("too-many", words, "the proxy counts too many requests: wait a little")
        case 502, 503, 504:
            refused(
                "server-unreachable", words,
                "the proxy cannot reach the server: check uri, and that wstand runs there")
        case 511: refused("login", words, "the network requires a login: open a page in a browser")
        default:
            refused(
                "status", words, "the proxy may require a password, or allow other ports only, most often 443")
        }
    }

    /// RFC 1928 section 6.
    private static func row(ofSocks code: UInt8, _ refused: (String, String, String) -> Row) -> Row {
        let check = "check uri, and that wstand runs there; the proxy's log may say more"
        return switch code {
        case 1: refused("socks-failure", "general failure (SOCKS code 1)", check)
        case 2:
            refused(
                "socks-forbidden", "not allowed by its rules (SOCKS code 2)",
                "the proxy may allow only some hosts or ports: ask its administrator")
        case 3: refused("socks-network-unreachable", "the server's network is unreachable (SOCKS code 3)", check)
        case 4: refused("socks-host-unreachable", "the server is unreachable (SOCKS code 4)", check)
        case 5: refused("socks-connection-refused", "the server refused the connection (SOCKS code 5)", check)
        case 6: refused("socks-ttl", "the TTL expired on the way to the server (SOCKS code 6)", check)
        case 7: refused("socks-command", "it does not support CONNECT (SOCKS code 7)", "check the proxy option")
        case 8:
            refused(
                "socks-address", "it does not support this kind of address (SOCKS code 8)",
                "it may not support IPv6, or names: write another form of the server's address in uri")
        default: refused("socks-code", "SOCKS code \(code)", check)
        }
    }

    private static func list(_ names: [String]) -> String {
        var once: [String] = []
        for name in names where !once.contains(name) { once.append(name) }
        return once.isEmpty ? "other schemes" : once.listed()
    }
}
