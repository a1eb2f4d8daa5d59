import WstanBase

/// What a server's answer to a sealed request means, and what its clock says.
struct UpgradeObservation {
    let answer: UpgradeAnswer
    /// Seconds since the epoch when it came.
    let now: Double
    /// How far the time of a request may be from the server's, as far as is known.
    let requestLifetime: Duration
    let usesTLS: Bool

    /// From here on a difference of clocks is worth a word.
    static let notableDifference: Double = 30

    var findings: [Finding] { [verdict] + [clock].compactMap { $0 } }

    // MARK: The clock

    /// By how many seconds the server's clock is ahead.
    private var ahead: Double? { answer.date.map { $0 - now } }

    private var clockExplainsRefusal: Bool {
        ahead.map { abs($0) > requestLifetime.inSeconds } ?? false
    }

    private var clock: Finding? {
        guard let ahead else { return nil }
        guard abs(ahead) > Self.notableDifference else {
            // A date has no fractions.
            let text = abs(ahead) < 2 ? "agrees with the server's" : "is \(HumanText.seconds(ahead)) from the server's"
            return .ok("clock", text)
        }
        let text = "this host's is \(HumanText.seconds(ahead)) \(ahead > 0 ? "behind" : "ahead of") the server's"
        let remedy = "set whichever is wrong, best by time synchronisation: timedatectl set-ntp true"
        guard clockExplainsRefusal, !answer.isAccepted else {
            return .warning("clock", "\(text); requests expire after a minute", remedy: remedy)
        }
        return .failed(.other, "clock", "\(text), so the server takes no request of this one", remedy: remedy)
    }

    // MARK: The answer

    private var verdict: Finding {
        switch answer.status {
        case 101 where answer.isAccepted: .ok("tunnel", "the server knows the key and opens one")
        case 101 where !answer.changesProtocol:
            failed(
                "its answer has no Upgrade: websocket any more",
                "something on the way takes it out: \(wayAround)")
        case 101:
            failed(
                "its answer belongs to another Sec-WebSocket-Key",
                "a WebSocket proxy is on the way: set compatible = yes at both ends, or \(wayAround)")
        case 200, 400, 404: plain
        case 301, 302, 303, 307, 308:
            failed(
                "it sends elsewhere" + (answer.location.map { ", to \($0)" } ?? ""),
                "write that place into uri, with ws for http and wss for https, if it is yours; a network that wants a "
                    + "login first does this too: open a page in a browser")
        case 401:
            failed(
                "what is before the server wants a login",
                "take the tunnel's path out of that, or send what it asks for by header = Authorization: ...")
        case 403, 405, 406, 451:
            failed(
                "what is before the server lets nobody in here",
                "look at the front's rules for the tunnel's path, and for WebSocket; some want a header, a Host "
                    + "(host-header) or certain addresses only")
        case 407, 511:
            failed("the network wants a login first", "open a page in a browser, or set the proxy option")
        case 426:
            failed(
                "it has seen no Upgrade: websocket",
                "something on the way takes it out: \(wayAround); a front needs to be told to pass it on")
        case 413, 414, 431:
            failed(
                "the request is too long for what is before the server",
                "let it take lines of 8 KB (in nginx large_client_header_buffers), or set early-data = 0")
        case 429: failed("there were too many requests", "wait a little, or look at the front's limits")
        case 502, 503, 504:
            Finding.failed(
                .reach, "tunnel", "a front answers \(answer.description): it does not reach wstand",
                remedy: "start wstand behind it, and compare where it listens with where the front sends "
                    + "(proxy_pass, reverse_proxy, server)")
        case 500...599: failed("the front has a fault of its own", "look at its log")
        default: failed("no server of wstan says that", "check the URI's host, port and path")
        }
    }

    /// What wstan's own servers say to everything that is not a good request; web servers say it too.
    private var plain: Finding {
        if clockExplainsRefusal {
            return failed("it takes the request for an old one", "set the clock, see below")
        }
        if let kind = answer.contentType, ["json", "xml", "javascript"].contains(where: kind.lowercased().contains) {
            return failed(
                "that is some other service (\(kind))", "check the URI's host, port and path: no wstan is there")
        }
        let others =
            usesTLS
            ? "; a front has to pass Upgrade and Connection on to wstand, and to send this path there"
            : "; or something on the way takes Upgrade out: \(wayAround)"
        return failed(
            answer.status == 200 ? "that is an ordinary page" : "so it answers a wrong key, or it is no wstan server",
            "compare key, the URI's path and compatible at both ends" + others)
    }

    private var wayAround: String {
        usesTLS ? "look at the front's configuration (docs/fronts.md)" : "with wss:// it cannot"
    }

    private func failed(_ meaning: String, _ remedy: String) -> Finding {
        .failed(.other, "tunnel", "refused with \(answer.description): \(meaning)", remedy: remedy)
    }
}
