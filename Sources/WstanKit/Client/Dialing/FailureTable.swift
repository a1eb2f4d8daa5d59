import WstanBase

// Every cause of failure between client and server: one row each, with the only words there are for it. The log, the
// page, wstanctl, --json and the doctor all take theirs from here. To add a cause, add a row: if a case of `DialFailure`
// carries what tells it, nothing else has to change. The rows of proxies, of TLS and of answers have files of their own.
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

        var late: Row { with { $0.isLate = true } }
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
        case .impostor(let reason):
            Row(
                "impostor", "Another server has answered",
                "the answer was not made with the server's key and this client's (\(reason))",
                advice:
                    "compare the key here with what wstanctl client-config --key NAME prints at the server; if they agree, "
                    + "something on the way answers in the server's place")
        case .unproven(let ending):
            Row(
                "unproven", "The server has not proven itself",
                "the WebSocket was opened, and no proof of the server's key followed"
                    + (ending == .closed ? " before it was closed" : " in time"),
                advice: "check that the server speaks version 2 of the protocol, and the path in uri; a front may open "
                    + "WebSockets by itself, or for another program: let it pass those for the path of uri on to wstand")
        case .unusableServerKey:
            Row(
                "server-key-unusable", "The server's key cannot be used",
                "the server's public key in the key is not valid",
                advice: "copy the key again from the server")
        case .dismissed(.keyRevoked):
            Row(
                "key-revoked", "The key is revoked or has expired",
                "the server says that the key of this client is revoked or has expired",
                advice: "install another one: wstanctl client-config --key NAME prints it at the server, and wstanctl rotate-key "
                    + "--key-file - takes it here; wstanctl rejects there lists the NAME")
        case .dismissed(.draining): Self.busy("the server says that it is draining")
        case .dismissed(.overLimit): Self.busy("the server says that a limit is reached")
        case .dismissed(.other(let code)):
            Row(
                "dismissed", "The server opens no tunnel for this client",
                "the server has proven itself and ended the tunnel at once, with code \(code)"
                    + (ResetCode(rawValue: code).map { " (\($0.words))" } ?? ""),
                advice: "see the server's log; a code without words is a later release's: update wstan here")
        case .overtaken:
            Row(
                "server-slow", "The server does not answer", "the server did not answer within a second",
                advice: "the network may be slow, or something on the way may drop the packets"
            ).late
        case .at(let server, let failure):
            failure.row.with { $0.cause = "\(server): \($0.cause)" }
        }
    }

    /// A server that takes on nothing new; in version 1 a front may say so, too.
    static func busy(_ cause: String) -> Row {
        Row(
            "server-busy", "The server is draining or full", cause,
            advice: "wait: tunnels are tried again by themselves, and a restart passes within seconds; wstanctl status at "
                + "the server says whether it drains (wstanctl undrain ends that), and rejects whether a limit is reached")
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
}
