import WstanBase

// Of answers: those that are not HTTP, and those of HTTP that are no 101 of a wstan server.
extension DialFailure {
    // MARK: Answers that are not HTTP, or too long

    static func words(_ limit: HTTPHead.Failure) -> String {
        switch limit {
        case .interimAnswersTooLong(let bytes): "its interim answers (1xx) are above \(bytes / 1024) KiB"
        case .tooManyFields(let count): "it has more than \(count) fields"
        case .firstLineTooLong(let bytes): "its first line is above \(bytes / 1024) KiB"
        case .tooLong(let bytes): "its head is above \(bytes / 1024) KiB"
        case .notHTTP, .inTLS, .field, .lineEnd, .list, .length, .status, .unaskedUpgrade, .cutShort, .chunk,
            .chunkLineTooLong, .trailersTooLong:
            "a part of it"
        }
    }

    static func row(_ banner: Banner) -> Row {
        switch banner {
        case .tls: return portExpectsTLS("it answered with a TLS record")
        case .http:
            return Row(
                "malformed-answer", "That is not a wstan server", "the answer is malformed HTTP",
                advice: "check the host, the port and the path in uri; something on the way may change the answer")
        case .webSocket, .ssh, .text, .binary, .nothing: break
        }
        return Row(
            "not-http", "That is not a wstan server", "the server's port does not speak HTTP" + words(banner),
            advice: banner == .ssh
                ? "an SSH server listens there: check the port in uri" : "check the host and the port in uri")
    }

    private static func portExpectsTLS(_ evidence: String) -> Row {
        Row(
            "tls-expected", "The server's port expects TLS", "the server's port expects TLS: \(evidence)",
            advice: "write wss:// in uri, or check the port")
    }

    static func words(_ banner: Banner) -> String {
        switch banner {
        case .http: ": it speaks plain HTTP"
        case .ssh: ": it speaks SSH"
        case .text(let line): ": it says '\(line)'"
        case .tls, .webSocket, .binary, .nothing: ""
        }
    }

    // MARK: Answers of HTTP

    static func row(_ answer: UpgradeAnswer) -> Row {
        let said = answer.description
        let wayAround = answer.usesTLS ? "see docs/fronts.md" : "with wss:// nothing on the way can do so"
        switch (answer.status, answer.complaint) {
        case (_, .plainHTTP?):
            return portExpectsTLS("it answered \(said)")
        case _ where answer.saysTooLong:
            return Row(
                "too-large", "The request is too long for a front", "a front answered \(said): the request is too long",
                advice: "let the front accept lines and fields of 8 KB in requests (nginx: large_client_header_buffers), or "
                    + "set early-data = 0")
        case (101, _):
            return row(of101: answer, wayAround)
        case (400...499, _) where answer.knowsOtherVersions:
            return Row(
                "websocket-version", "The server speaks another version of WebSocket",
                "the answer was \(said), with Sec-WebSocket-Version: \(answer.webSocketVersions ?? "")",
                advice: "wstan speaks version 13 (RFC 6455): update the server or its front, or check the path in uri")
        case (200, _), (400, _), (404, _):
            return row(plain: answer, wayAround)
        case (300...399, _) where answer.redirectsToTLS:
            return Row(
                "redirect-to-tls", "The server's front requires TLS", "a front answered \(said): it redirects to https",
                advice: "write wss:// in uri")
        case (301, _), (302, _), (303, _), (307, _), (308, _):
            return Row(
                "redirect", "The request was redirected",
                "the answer was \(said)" + (answer.location.map { ", to \($0)" } ?? ""),
                advice: "a network that requires a login may do this: open a page in a browser; if the place is the "
                    + "server's, write it into uri, with wss:// for https://")
        case (401, _):
            return Row(
                "front-login", "The server's front requires a login", "a front answered \(said)",
                advice:
                    "exempt the path of uri from the login there, or send what it requires with header = Authorization: VALUE"
            )
        case (403, _), (405, _), (406, _), (451, _):
            return Row(
                "front-forbidden", "The request was forbidden on the way", "a front or a filter answered \(said)",
                advice: "check the front's rules for the path of uri and for WebSocket; it may require a Host "
                    + "(host-header), a header, or certain client addresses; a filter on the way may block the server")
        case (408, _):
            return Row(
                "front-timeout", "A front has timed out", "a front answered \(said)",
                advice: "check the front's timeouts and its load")
        case (421, _):
            return Row(
                "misdirected", "A front does not serve this host", "a front answered \(said)",
                advice: "check the host of uri, host-header and tls-sni: they have to name the site that the front serves")
        case (407, _):
            return Row(
                "password-required", "A proxy on the way requires a password", "a proxy on the way answered \(said)",
                advice: "name it in the proxy option: proxy = http://user:password@host:port")
        case (511, _):
            return Row(
                "network-login", "The network requires a login", "the network answered \(said)",
                advice: "open a page in a browser and log in")
        case (426, _):
            return row(of426: answer, wayAround)
        case (429, _):
            return Row(
                "too-many-requests", "A front limits the requests", "a front answered \(said): too many requests",
                advice: "wait a little, or raise the front's limit for the path of uri")
        case (503, _) where answer.hasRetryAfter:
            return busy(
                "the server is draining or full, or a front is overloaded: the answer was \(said), with Retry-After")
        case (502, _), (503, _), (504, _):
            return Row(
                "front-\(answer.status)", "The server's front cannot reach wstand",
                "a front answered \(said) instead of wstand",
                advice: "check that wstand runs behind the front, and that it listens where the front connects to; a "
                    + "restart passes within seconds, and a front also says this when it is overloaded")
        case (520...530, _):
            return Row(
                "front-\(answer.status)", "The CDN cannot reach the server",
                "a CDN answered \(said) instead of the server",
                advice: "check that the server runs, its port, its firewall, and its certificate as the CDN requires it"
            )
        case (500...599, _):
            return Row(
                "front-fault", "The server's front has a fault", "a front answered \(said)",
                advice: "see the front's log")
        default:
            return Row(
                "unexpected-answer", "That is not a wstan server", "the answer was \(said), which wstand does not send",
                advice: "check the host, the port and the path in uri")
        }
    }

    /// RFC 9110 section 15.5.22: it says in `Upgrade` what it requires, of a WebSocket in `Sec-WebSocket-Version` also which.
    private static func row(of426 answer: UpgradeAnswer, _ wayAround: String) -> Row {
        let said = answer.description
        let protocols = answer.upgrade?.lowercased() ?? ""
        let upgrade = "with Upgrade: \(answer.upgrade ?? "")"
        if protocols.hasPrefix("tls") { return portExpectsTLS("it answered \(said), \(upgrade)") }
        let required = "The server requires an upgrade"
        guard protocols.isEmpty || protocols.contains("websocket") else {
            return Row(
                "protocol-required", required, "the answer was \(said), \(upgrade)",
                advice:
                    "let the front take HTTP/1.1 and WebSocket for the path of uri, or check the host, the port and the path")
        }
        let asksForWebSocket = !protocols.isEmpty || answer.webSocketVersions != nil
        return Row(
            "upgrade-required", required,
            "the answer was \(said)" + (asksForWebSocket ? ": the request arrived without its upgrade to WebSocket" : ""),
            advice:
                "let the front pass Upgrade, Connection and the Sec-WebSocket fields on; something on the way may "
                + "remove them: \(wayAround)")
    }

    private static func row(of101 answer: UpgradeAnswer, _ wayAround: String) -> Row {
        switch answer.failure {
        case .otherKey:
            Row(
                "websocket-proxy", "A WebSocket proxy is on the way", "the answer 101 is for another Sec-WebSocket-Key",
                advice: (answer.carrier == nil
                    ? "set compatible = yes at both ends" : "let it pass Sec-WebSocket-Key and Sec-WebSocket-Accept on")
                    + "; \(wayAround)")
        case .unaskedExtension:
            Row(
                "unasked-extension", "The answer is not for this client",
                "the answer 101 has Sec-WebSocket-Extensions, which was not asked for",
                advice: "turn WebSocket compression off at the front; something on the way may add it: \(wayAround)")
        case .unaskedSubprotocol where answer.carrier == .subprotocol:
            Row(
                "unasked-subprotocol", "The answer is not for this client",
                "the answer 101 has Sec-WebSocket-Protocol, which no server of version 2 sends",
                advice: "let the front not add it, or set carrier = cookie or path; something on the way may add it: "
                    + wayAround)
        case .unaskedSubprotocol:
            Row(
                "unasked-subprotocol", "The answer is not for this client",
                "the answer 101 has Sec-WebSocket-Protocol, which was not asked for",
                advice: "let the front not add it; something on the way may add it: \(wayAround)")
        case .notUpgraded, .notHTTP, .status, nil:
            Row(
                "upgrade-removed", "The upgrade to WebSocket was lost on the way",
                "the answer 101 lacks Upgrade: websocket or Connection: Upgrade",
                advice: "let the front pass them on; something on the way may remove them: \(wayAround)")
        }
    }

    /// From here on a difference of clocks is told, and from there on no server accepts a request, unless its `request-ttl` says so.
    private static let notableDifference: Double = 30
    private static let usualLifetime: Double = 60

    /// What wstan's own servers answer whatever is wrong, as web servers do.
    private static func row(plain answer: UpgradeAnswer, _ wayAround: String) -> Row {
        let said = "the server answered \(answer.description) instead of opening a tunnel"
        let ahead = answer.clockAhead ?? 0
        if answer.minorVersion == 0 {
            return Row(
                "http-1.0", "HTTP/1.0 cannot carry WebSocket", "an HTTP/1.0 server answered \(answer.description)",
                advice: "a front or a proxy on the way speaks HTTP/1.0 only: let it use HTTP/1.1; \(wayAround)")
        }
        if let type = answer.contentType, ["json", "xml", "javascript"].contains(where: type.lowercased().contains) {
            return Row(
                "other-service", "Another service answers there",
                "another service (\(type)) answered \(answer.description)",
                advice: "check the host, the port and the path in uri")
        }
        if abs(ahead) > usualLifetime {
            return Row(
                "clock", "The clocks of client and server differ", "\(said), and \(difference(ahead))",
                advice:
                    "set the clock at the end where it is off: requests expire after a minute (timedatectl set-ntp true)"
            )
        }
        let clock =
            abs(ahead) > notableDifference
            ? "; \(difference(ahead))" : answer.clockAhead == nil ? "; compare the clocks too" : ""
        if let carrier = answer.carrier { return row(plain: answer, carrier, said, clock) }
        guard answer.status != 200 else {
            return Row(
                "ordinary-page", "The server answered with a page", said,
                advice:
                    "a front may not pass Upgrade on, or may send the path of uri elsewhere; with plain-answer = 200 the server "
                    + "answers so to another key, path or compatible: compare them at both ends\(clock)")
        }
        return Row(
            "server-refused", "The server refused this client (HTTP \(answer.status))", said,
            advice: "compare the key, the path of uri and compatible at both ends\(clock); the server may accept keys of version 2 "
                + "only (accept-v1 = no), a front may not pass Upgrade on, or the host may not run wstand")
    }

    /// The same of version 2.
    private static func row(
        plain answer: UpgradeAnswer, _ carrier: RequestCarrier, _ said: String, _ clock: String
    ) -> Row {
        let others = RequestCarrier.allCases.filter { $0 != carrier }.map(\.rawValue).listed("or")
        let way = answer.othersAreTried ? "carrier = auto tries the others, too" : "or set carrier = \(others)"
        let isPage = answer.status == 200
        let whose = isPage ? "a server with plain-answer = 200 does" : "it does"
        return Row(
            isPage ? "ordinary-page" : "server-refused",
            isPage ? "The server answered with a page" : "The server refused this client (HTTP \(answer.status))",
            "\(said), as \(whose) when the key is unknown, revoked or expired, or when a front does not pass the request on whole",
            advice: "compare the key with what wstanctl client-config --key NAME prints at the server\(clock); let a front before it pass "
                + "Upgrade on and not \(carrier.loss) (\(way)); check that wstand runs at the host and port of uri")
    }

    private static func difference(_ ahead: Double) -> String {
        // To the nearest: a date without fractions makes three minutes ahead look like 179 seconds.
        let seconds = ahead.isFinite ? Int(min(abs(ahead), 1e15)) : 0
        let much =
            switch seconds {
            case ..<120: "\(seconds) seconds"
            case ..<7200: "\((seconds + 30) / 60) minutes"
            default: "\((seconds + 1800) / 3600) hours"
            }
        return "the clock here is \(much) \(ahead > 0 ? "behind" : "ahead of") that of the web server that answered"
    }
}
