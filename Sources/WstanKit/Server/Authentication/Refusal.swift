import Logging

/// Why a connection got the plain answer. The peer is never told which.
enum Refusal: Error, Equatable {
    /// Plain HTTP, or something else altogether.
    case notARequest
    /// Left without a word.
    case silent
    case wire(WireError)
    /// Too many tunnels, or too many requests remembered.
    case overLimit
    /// The server is about to end.
    case draining
    case timedOut
    /// No TLS, so no answer either.
    case tls(TLSFailure)

    /// How a refusal is counted and logged: the one place to say it for a new cause.
    struct Traits {
        /// The reason in log lines.
        let code: String
        /// Nil: what every server on the internet gets, and what is the server's own doing, is not counted.
        var counter: RefusalCounts.Counter?
        var level: Logger.Level = .notice
        var text = "request refused"
        var id: MessageID?
    }

    var traits: Traits {
        switch self {
        case .notARequest: Traits(code: "not-a-request", level: .info, text: "not a request")
        case .silent: Traits(code: "silent", level: .info, text: "not a request")
        case .timedOut: Traits(code: "timed-out", level: .info, text: "not a request")
        case .tls(.notTLS(.webSocket)):
            Traits(
                code: "plain-websocket",
                text:
                    "request refused: it came without TLS, which this port requires; the client's uri says ws://, not wss://"
            )
        case .tls(let failure): Traits(code: failure.code, level: .info, text: "no TLS with a peer")
        case .draining: Traits(code: "draining")
        case .overLimit: Traits(code: "over-limit", counter: .overLimit, id: .limitReached)
        case .wire(let error): Self.traits(of: error)
        }
    }

    private static func traits(of error: WireError) -> Traits {
        switch error {
        case .malformed, .tooLarge, .unexpectedCommand: Traits(code: error.code, counter: .malformed)
        case .badAuthentication: Traits(code: error.code, counter: .badAuthentication, id: .wrongKey)
        case .sealedForOtherScheme:
            Traits(
                code: error.code, counter: .malformed, level: .warning,
                text: "right key, unreadable request: one end says ws:// and the other wss://, or only one has -z")
        case .expired:
            Traits(
                code: error.code, counter: .expired, text: "request refused: it has expired, or a clock is wrong")
        case .replayed: Traits(code: error.code, counter: .replay, id: .replayRefused)
        case .incompleteUpgrade:
            Traits(
                code: error.code, counter: .malformed,
                text:
                    "request refused: the key is right, but a front or a proxy on the way does not pass on all of the request"
            )
        }
    }
}
