import Logging

/// Why a connection got the plain answer, or the busy one. The peer is never told more.
enum Refusal: Error, Equatable {
    /// Plain HTTP, or something else altogether.
    case notARequest
    /// Left without a word.
    case silent
    case wire(WireError)
    /// By version 2.
    case handshake(HandshakeRefusal)
    /// The request has held otherwise, so a client of version 2 is told.
    case keyExpired
    case overLimit(Bound)
    /// It is from a time whose requests are forgotten, since our clock was set back; for so many seconds.
    case forgotten(seconds: Double)
    /// The server is about to end, or was told to take nothing on.
    case draining
    case timedOut
    /// No TLS, so no answer either.
    case tls(TLSFailure)

    /// What there was no more room in. The raw value is one word: the log's, which filters read.
    enum Bound: String, CaseIterable {
        case tunnels = "max-tunnels"
        case tunnelsOfAddress = "max-tunnels-per-address"
        case handshakes = "max-handshakes"
        case memory = "memory-limit"
        /// So few are left that they are for others, who have fewer tunnels.
        case descriptors = "descriptors"
        /// As many requests of its key's name are remembered as may be. So it is not known whether this one was seen before.
        case requests = "seen-requests"
        /// Its key's name opens tunnels faster than it may.
        case rate = "max-tunnel-rate"
        case lookUps = "look-ups"
        case connects = "connects"
        /// Looking for the keys that strangers' requests were made with has a share of the time, and it did not suffice for this one.
        case searches = "key-searches"

        /// For people.
        var cause: String {
            switch self {
            case .requests: "its key's share of the remembered requests"
            case .rate: "\(rawValue) of its key"
            case .lookUps: "look-ups of names"
            case .connects: "connections being made"
            case .searches: "searches for the keys of requests"
            case .descriptors: "file descriptors"
            case .tunnels, .tunnelsOfAddress, .handshakes, .memory: rawValue
            }
        }
    }

    /// How a refusal is counted and logged: the one place to say it for a new cause.
    struct Traits {
        /// The reason in log lines.
        let code: String
        /// Nil: what every server on the internet gets, and what is the server's own doing, is not counted.
        var counter: RefusalCounts.Counter?
        var level: Logger.Level = .notice
        var text = "request refused"
        /// What was seen, in the list of refusals.
        let cause: String
        var id: MessageID?
    }

    /// Whether the client is told that this is only for now, as a busy web server does. It has to have made a valid request: to
    /// others a server looks always the same.
    var isBusy: Bool {
        switch self {
        case .draining: true
        // What cannot be remembered may have been seen before; what was not searched to its end may be a stranger's.
        case .overLimit(let bound): bound != .requests && bound != .searches
        case .notARequest, .silent, .wire, .handshake, .keyExpired, .forgotten, .timedOut, .tls: false
        }
    }

    var traits: Traits {
        switch self {
        case .notARequest:
            Traits(code: "not-a-request", level: .info, text: "not a request", cause: "not a wstan request")
        case .silent: Traits(code: "silent", level: .info, text: "not a request", cause: "nothing was sent")
        case .timedOut:
            Traits(code: "timed-out", level: .info, text: "not a request", cause: "no complete request in time")
        case .tls(.notTLS(.webSocket)):
            Traits(
                code: "plain-websocket",
                text: "request refused: it came without TLS, which this port requires; the client's uri says ws://, not wss://",
                cause: "ws:// on a port that requires TLS")
        case .tls(let failure):
            Traits(code: failure.code, level: .info, text: "no TLS with a peer", cause: "no TLS connection")
        case .draining: Traits(code: "draining", counter: .draining, cause: "refused while draining")
        case .overLimit(let bound):
            Traits(
                code: "over-limit", counter: .overLimit, cause: "over a limit: \(bound.cause)", id: .limitReached)
        case .forgotten(let seconds):
            Traits(
                code: "clock-set-back", counter: .replay, level: .warning,
                text: "request refused: this host's clock was set back to a time whose requests are forgotten; check the clock",
                cause: Self.forgotten(seconds), id: .replayRefused)
        case .wire(let error): Self.traits(of: error)
        case .handshake(let refusal): Self.traits(of: refusal)
        case .keyExpired:
            Traits(
                code: "key-expired", counter: .badAuthentication, text: "request refused: the key has expired",
                cause: "wrong key: it has expired", id: .wrongKey)
        }
    }

    static func traits(of error: WireError) -> Traits {
        switch error {
        case .malformed, .tooLarge, .unexpectedCommand:
            Traits(code: error.code, counter: .malformed, cause: unreadable(error.code.replacing("-", with: " ")))
        case .violation:
            Traits(code: error.code, counter: .malformed, cause: unreadable("against the protocol"))
        case .badAuthentication:
            Traits(
                code: error.code, counter: .badAuthentication, text: "request refused: wrong key", cause: "wrong key",
                id: .wrongKey)
        case .sealedForOtherScheme:
            Traits(
                code: error.code, counter: .malformed, level: .warning,
                text: "right key, unreadable request: one end says ws:// and the other wss://, or only one has -z",
                cause: unreadable("ws:// at one end, wss:// or -z at the other"))
        case .expired(let seconds):
            Traits(
                code: error.code, counter: .expired, text: "request refused: it has expired, or a clock is wrong",
                cause: expired(ahead: seconds))
        case .replayed: Traits(code: error.code, counter: .replay, cause: "replayed", id: .replayRefused)
        case .incompleteUpgrade:
            Traits(
                code: error.code, counter: .malformed,
                text: "request refused: the key is right, but a front or a proxy on the way does not pass on all of the request",
                cause: unreadable("a front or a proxy removed part of the request"))
        }
    }

    private static func forgotten(_ seconds: Double) -> String {
        let cause = "may be replayed: this host's clock was set back"
        guard let whole = Int(exactly: seconds.rounded(.up)) else { return cause }
        return "\(cause); requests are refused for \(whole) s more"
    }

    /// Its tag fits a key.
    static func unreadable(_ why: String) -> String { "unreadable (right key): \(why)" }

    /// - Parameter seconds: of the client's clock, by the request.
    private static func expired(ahead seconds: Double) -> String {
        guard let whole = Int(exactly: seconds.rounded()) else { return "expired" }
        return "expired: its time is \(whole.magnitude) s \(whole < 0 ? "behind" : "ahead")"
    }
}
