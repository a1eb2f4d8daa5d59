import WstanBase

// Every cause of failure between client and server: one row each, with the only words there are for it. The log, the
// page, wstanctl, --json and the doctor all take theirs from here. To add a cause, add a row: if a case of `DialFailure`
// carries what tells it, nothing else has to change. Longer than 400 lines, since it is one table.
//
// Codes never change. Names and texts of others, such as a certificate's, were cut to visible characters when they were
// read.

extension DialFailure {
    /// What is said of a failure.
    struct Row: Equatable {
        /// For programs.
        let code: String
        /// The heading of a page.
        let title: String
        /// What happened, as far as it was seen.
        var cause: String
        /// What to do. Causes that were not seen are said to be possible.
        let advice: String
        var hop = Explanation.Hop.clientToServer
        /// Whether the time was over.
        var isLate = false

        init(_ code: String, _ title: String, _ cause: String, advice: String) {
            self.code = code
            self.title = title
            self.cause = cause
            self.advice = advice
        }

        fileprivate var late: Row { with { $0.isLate = true } }
        fileprivate var atProxy: Row { with { $0.hop = .clientToProxy } }

        fileprivate func with(_ change: (inout Row) -> Void) -> Row {
            var row = self
            change(&row)
            return row
        }
    }

    var row: Row {
        switch self {
        case .unreachable(let failure, let onLoopback): Self.row(failure, isServer: true, onLoopback: onLoopback)
        case .proxyUnreachable(let failure): Self.row(failure, isServer: false).atProxy
        case .proxyRefused(let refusal): Self.row(refusal).atProxy
        case .tls(let failure): Self.row(failure)
        case .refused(let answer): Self.row(answer)
        case .notHTTP(let banner): Self.row(banner)
        case .tooLargeAnswer(let limit):
            Row(
                "answer-too-large", "The server's answer is too long", "the answer is too long: \(Self.words(limit))",
                advice: "check the host, the port and the path in uri; a front may add fields to the answer")
        case .unfinishedAnswer(.closed):
            Row(
                "answer-cut-short", "The server's answer was cut short",
                "the connection was closed in the middle of the answer's head",
                advice: "the server or its front may be restarting, or may have failed on the request: see their logs")
        case .unfinishedAnswer(.timedOut):
            Row(
                "answer-timed-out", "The server's answer does not end",
                "the answer has begun, and its head did not end in time",
                advice:
                    "the network may be slow, or something on the way may hold the rest back: try wss://, or port 443"
            ).late
        case .reset:
            Row(
                "handshake-reset", "The connection to the server was cut",
                "the connection was reset during the handshake, each time it was tried",
                advice: "a firewall on the way may do this: try the server on another port, such as 443")
        case .closed(usesTLS: false):
            Row(
                "handshake-closed", "The server closed the connection",
                "the server closed the connection without an answer",
                advice:
                    "the port may expect TLS (then write wss:// in uri), the server may be restarting, or something "
                    + "on the way may block WebSocket; the server's log may say more")
        case .closed(usesTLS: true):
            Row(
                "handshake-closed", "The server closed the connection",
                "the server closed the connection without an answer",
                advice: "the server may be restarting, or a front may block WebSocket; their logs may say more")
        case .timedOut:
            Row(
                "handshake-timed-out", "The server does not answer", "the server did not answer the handshake in time",
                advice:
                    "the network may be slow, or something on the way may hold the request back: try wss://, or port "
                    + "443"
            ).late
        case .overtaken:
            Row(
                "server-slow", "The server does not answer", "the server did not answer within a second",
                advice: "the network may be slow, or something on the way may drop the packets"
            ).late
        case .at(let server, let failure):
            failure.row.with { $0.cause = "\(server): \($0.cause)" }
        }
    }

    // MARK: Names and connections

    private static func row(_ failure: Connector.Failure, isServer: Bool, onLoopback: Bool = false) -> Row {
        func row(_ code: String, _ advice: String) -> Row {
            isServer
                ? Row(code, "The server cannot be reached", "cannot reach the server: \(failure)", advice: advice)
                : Row(
                    "proxy-\(code)", "The proxy cannot be reached", "cannot reach the proxy on the way: \(failure)",
                    advice: advice)
        }
        let key = isServer ? "uri" : "the proxy option (HTTPS_PROXY with proxy = auto)"
        switch ConnectCause(failure) {
        case .nameNotFound:
            return row(
                "name-not-found",
                "check the host in \(key); a name of a private network needs that network's name server")
        case .nameServersSilent:
            return row("name-servers-silent", "check /etc/resolv.conf and the network: getent hosts example.com")
        case .lookUpTimedOut:
            return row("name-timed-out", "check /etc/resolv.conf and the network: getent hosts example.com").late
        case .tooManyLookUps:
            return row("name-look-ups", "try again in a moment")
        case .refused where onLoopback:
            return row(
                "connection-refused",
                "check that wstand runs there, on this host, and that it listens on the address and port of uri")
        case .refused where isServer:
            return row(
                "connection-refused",
                "check that wstand runs there, that it listens on the address and port of uri (not on 127.0.0.1), and "
                    + "that no firewall rejects the connection")
        case .refused:
            return row("connection-refused", "check that the proxy runs, and the port in \(key)")
        case .timedOut where onLoopback:
            return row("connection-timed-out", "a firewall of this host may drop the packets, or the server is too busy")
                .late
        case .timedOut where isServer:
            return row(
                "connection-timed-out",
                "a firewall may drop the packets, or the host may be down: open the port at the server and at its "
                    + "provider, or let the server listen on 443"
            ).late
        case .timedOut:
            return row("connection-timed-out", "the proxy may be down, or in another network: check \(key)").late
        case .networkUnreachable:
            return row("network-unreachable", "check that this host's network is up: ip route")
        case .hostUnreachable:
            return row("host-unreachable", "check the address in \(key), and that the host is up")
        case .reset:
            return row(
                "connection-reset", "a firewall on the way may do this: try another port, such as 443")
        case .shortage:
            return row(
                "descriptors",
                "this process has no file descriptors left: raise LimitNOFILE= (ulimit -n), or the limit of its container")
        case nil:
            return row("connection-failed", "check \(key) and the firewall of this host")
        }
    }

    // MARK: The proxy on the way

    private static func row(_ refusal: ProxyRefusal) -> Row {
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

    // MARK: TLS

    private static func row(_ failure: TLSFailure) -> Row {
        let invalid = "The server's certificate is not valid today"
        let untrusted = "The server's certificate is not trusted"
        let none = "TLS with the server failed"
        let cut = "The connection to the server was cut"
        let today = HTTPDate.format(Int64(WallClock.now()))
        switch failure {
        case .expired(let day):
            return Row(
                "tls-expired", invalid, "the server's certificate, or one of its chain, expired on \(day)",
                advice: "renew it on the server; if it is valid, set the clock of this host, which says \(today)")
        case .notYetValid(let day):
            return Row(
                "tls-not-yet-valid", invalid,
                "the server's certificate, or one of its chain, is not valid before \(day)",
                advice: "set the clock of this host, which says \(today), if that is wrong; otherwise the server's "
                    + "certificate is")
        case .wrongName(let name, let names):
            return Row(
                "tls-wrong-name", "The server's certificate is for another name",
                "the server's certificate is not for \(name)"
                    + (names.isEmpty ? "" : " but for \(names.joined(separator: ", "))"),
                advice: "check the host in uri; if the certificate is the right one, name one of its names with sni")
        case .unknownIssuer(let issuer):
            return Row(
                "tls-unknown-issuer", untrusted,
                "the server's certificate is issued by '\(issuer)', which is not trusted here",
                advice: advice(onIssuer: issuer))
        case .selfSigned:
            return Row(
                "tls-self-signed", untrusted, "the server's certificate is self-signed",
                advice: "if it is yours, name its file with ca-file, or its key with pin-sha256")
        case .distrusted(let text):
            return Row(
                "tls-distrusted", untrusted, "the server's certificate is not accepted: \(text)",
                advice: "issue it anew; verify = no turns the check off, and is safe only with pin-sha256")
        case .pinMismatch(let key):
            return Row(
                "tls-pin", "The server's key is not the pinned one",
                "none of the keys in pin-sha256 is the server's, which is \(key)",
                advice: "if the server has a new key, put it into pin-sha256; otherwise another host may be answering")
        case .alert(let alert) where alert.isAboutOurCertificate:
            return Row(
                "tls-client-certificate", "The server requires another certificate of this client",
                "the server ended the TLS handshake: \(alert.text)",
                advice:
                    "the server has client-ca: name a certificate of that authority with certificate and key in [tls]")
        case .alert(.unrecognizedName):
            return Row(
                "tls-name-not-served", none, "the server ended the TLS handshake: unrecognized name",
                advice: "the server does not serve that name: check the host in uri, or sni")
        case .alert(let alert):
            return Row(
                "tls-alert", none, "the server ended the TLS handshake: \(alert.text)",
                advice: "the server's log may say more")
        case .noCommonVersion:
            return Row(
                "tls-version", none, "the server supports neither TLS 1.2 nor TLS 1.3",
                advice: "update the server, or what ends TLS before it")
        case .notTLS(let banner):
            return Row(
                "tls-not-spoken", "The server's port does not speak TLS",
                "the server's port does not speak TLS" + words(banner),
                advice: banner == .ssh
                    ? "an SSH server listens there: check the port in uri"
                    : "check the port in uri; write ws:// if it has no TLS")
        case .malformed(let text):
            return Row(
                "tls-malformed", none, "the TLS handshake failed: \(text)",
                advice: "check that a TLS server listens there; something on the way may change what it says")
        case .tooLong:
            return Row(
                "tls-too-long", none, "the TLS handshake was too long",
                advice: "check that a TLS server listens there; something on the way may change what it says")
        case .cut:
            return Row(
                "tls-closed", cut, "the connection was closed during the TLS handshake",
                advice: "a firewall on the way may do this, the server may be restarting, or the port may not speak TLS"
            )
        case .reset:
            return Row(
                "tls-reset", cut, "the connection was reset during the TLS handshake",
                advice: "a firewall on the way may do this, or the port may not speak TLS")
        case .timedOut:
            return Row(
                "tls-timed-out", "The server does not answer", "the TLS handshake timed out",
                advice: "the network may be slow, or something on the way may drop the packets"
            ).late
        case .closed:
            return Row(
                "tls-abandoned", cut, "the TLS handshake was abandoned by this side", advice: "try again")
        }
    }

    private static func advice(onIssuer issuer: String) -> String {
        if let product = Interceptors.name(in: issuer) {
            return
                "\(product) opens TLS on the way: write ws:// in uri, where the key encrypts, or have the server exempted; with "
                + "its certificate in ca-file it could read everything"
        }
        return "if it is your own authority, name its file with ca-file; otherwise install ca-certificates; a proxy on "
            + "the way may open TLS: then write ws:// in uri, where the key encrypts"
    }

    // MARK: Answers that are not HTTP, or too long

    private static func words(_ limit: HTTPHead.Failure) -> String {
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

    private static func row(_ banner: Banner) -> Row {
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

    private static func words(_ banner: Banner) -> String {
        switch banner {
        case .http: ": it speaks plain HTTP"
        case .ssh: ": it speaks SSH"
        case .text(let line): ": it says '\(line)'"
        case .tls, .webSocket, .binary, .nothing: ""
        }
    }

    // MARK: Answers of HTTP

    private static func row(_ answer: UpgradeAnswer) -> Row {
        let said = answer.description
        let wayAround = answer.usesTLS ? "see docs/fronts.md" : "with wss:// nothing on the way can do so"
        switch (answer.status, answer.complaint) {
        case (_, .plainHTTP?):
            return portExpectsTLS("it answered \(said)")
        case (_, .tooLarge?), (413, _), (414, _), (431, _):
            return Row(
                "too-large", "The request is too long for a front", "a front answered \(said): the request is too long",
                advice: "let the front accept request lines of 8 KB (nginx: large_client_header_buffers), or set "
                    + "early-data = 0")
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
            return Row(
                "server-busy", "The server is draining or full",
                "the server is draining or full, or a front is overloaded: the answer was \(said), with Retry-After",
                advice: "wait: tunnels are tried again by themselves, and a restart passes within seconds; wstanctl status at "
                    + "the server says whether it drains (wstanctl undrain ends that), and rejects whether a limit is reached")
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
                advice: "set compatible = yes at both ends; \(wayAround)")
        case .unaskedExtension:
            Row(
                "unasked-extension", "The answer is not for this client",
                "the answer 101 has Sec-WebSocket-Extensions, which was not asked for",
                advice: "turn WebSocket compression off at the front; something on the way may add it: \(wayAround)")
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
        guard answer.status != 200 else {
            return Row(
                "ordinary-page", "The server answered with a page", said,
                advice:
                    "a front may not pass Upgrade on, or may send the path of uri elsewhere; with plain-answer = 200 "
                    + "the server answers so to another key, path or compatible: compare them at both ends\(clock)")
        }
        return Row(
            "server-refused", "The server refused this client (HTTP \(answer.status))", said,
            advice:
                "compare the key, the path of uri and compatible at both ends\(clock); a front may also not pass Upgrade "
                + "on, or the host may not run wstand")
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
