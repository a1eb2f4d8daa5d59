import WstanBase

/// What is wrong with a request, told to its sender.
extension RequestFault {
    /// - Parameter here: where this proxy is, for those who have to set it.
    func explanation(here: String) -> Explanation {
        switch self {
        case .unreadable(let failure):
            failure.explanationOfRequest(here: here)
        case .otherVersion(let version):
            Explanation(
                505, "This proxy speaks HTTP/1.1", "The request is of \(version).",
                advice: ["Make the program use HTTP/1.1 for its proxy."])
        case .hosts:
            Explanation(
                400, "The request has several Host fields", "Only one is allowed.",
                advice: ["Such requests are used to get past a proxy, so this one was not passed on."])
        case .unusableTarget:
            Explanation(
                400, "The address cannot be used", "A proxy takes addresses like http://example.com:8080/path.",
                advice: ["Check the spelling."])
        case .noHost:
            Explanation(
                400, "The address names no host", "A proxy takes addresses like http://example.com:8080/path.",
                advice: ["Check the spelling."])
        case .port:
            Explanation(
                400, "The port cannot be used", "A port is a number from 1 to 65535.", advice: ["Check the address."])
        case .foreignName:
            Explanation(
                400, "The name of the host is not in ASCII",
                "Names of other scripts are looked up in their ASCII form.",
                advice: ["Give the name as `xn--...`; `idn2 NAME` shows it."])
        case .zone:
            Explanation(
                400, "The address holds a zone",
                "The part behind % names a network interface of this host, and the server is another host.",
                advice: ["Leave it out, or connect without the proxy."])
        case .connectTarget:
            Explanation(
                400, "CONNECT names no host and port", "CONNECT takes host:port, or [IPv6 address]:port.",
                advice: ["Give a port from 1 to 65535."])
        case .meantForServer:
            Explanation(
                400, "This is a proxy", "The address \(here) is a proxy, not a web site.",
                advice: [
                    "Firefox: Settings, Network Settings, Manual proxy configuration. Give `\(here)` as the HTTP "
                        + "proxy, also for HTTPS; or as the SOCKS v5 host, with proxy DNS.",
                    "Chromium: `chromium --proxy-server=http://\(here)`",
                    "curl: `curl -x http://\(here) http://example.com/`",
                    "A browser or system that takes the address of a script (PAC): `http://\(here)/proxy.pac`",
                    "Most other programs: `export http_proxy=http://\(here) https_proxy=http://\(here)`",
                ])
        case .otherScheme(let scheme):
            Self.explanation(ofScheme: scheme, here: here)
        case .ambiguousLength:
            Explanation(
                400, "The length of the request is not clear",
                "`Content-Length` is not a number, is there twice, or stands beside `Transfer-Encoding`.",
                advice: ["Such requests are used to smuggle others past a proxy, so this one was not passed on."])
        case .unknownCoding(let coding):
            Explanation(
                400, "The length of the request is not clear",
                "The last coding in `Transfer-Encoding` is not chunked.",
                advice: ["Send the body chunked, or with its `Content-Length`."], quoting: coding)
        }
    }

    /// - Parameter scheme: in lower case.
    private static func explanation(ofScheme scheme: String, here: String) -> Explanation {
        let socks = "`\(here)` as the SOCKS v5 host"
        switch scheme {
        case "https":
            return Explanation(
                501, "This needs CONNECT", "https:// goes through a proxy by the method CONNECT.",
                advice: ["Set this proxy for HTTPS as an HTTP proxy (http://\(here)): then the program uses CONNECT."])
        case "ws", "wss":
            return Explanation(
                501, "This needs CONNECT", "\(scheme):// goes through a proxy by the method CONNECT.",
                advice: [
                    "Set this proxy as an HTTP proxy for WebSockets, or \(socks).",
                    "Without TLS a request for http:// with `Upgrade: websocket` goes through too.",
                ])
        case "ftp", "ftps":
            return Explanation(
                501, "This proxy does not speak FTP",
                "\(scheme):// addresses cannot be fetched through an HTTP proxy here.",
                advice: [
                    "Use SOCKS, with passive FTP: `curl --proxy socks5h://\(here) \(scheme)://...`",
                    "Many sites serve the same files by https://.",
                ])
        default:
            return Explanation(
                501, "This proxy does not speak \(scheme)://",
                "An HTTP proxy takes http:// addresses, and CONNECT for others.",
                advice: ["Set \(socks), or let the program use CONNECT."])
        }
    }
}
