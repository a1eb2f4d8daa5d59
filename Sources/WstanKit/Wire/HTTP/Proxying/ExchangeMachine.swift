/// One request and its answer, as a value. Events go in, orders come out; bytes and sockets are the driver's.
struct ExchangeMachine {
    private enum Request {
        /// Its body has not ended. Can become: sent.
        case sending
        case sent
    }

    private enum Response: Equatable {
        /// Nothing has come, or interim answers only. Can become: passing, relaying.
        case awaited
        /// Its head went to the user agent. Can become: ended.
        case passing(closing: Bool)
        /// Both sides speak another protocol now.
        case relaying
        case ended
    }

    private var request = Request.sending
    private var response = Response.awaited
    /// Whether the target has said a word, be it half a line.
    private var hasHeard = false
    private var targetPersists = true
    /// Whether the user agent asked for another protocol.
    private let asksForUpgrade: Bool
    /// Whether the user agent's connection may be used again.
    private let userAgentPersists: Bool

    init(asksForUpgrade: Bool, userAgentPersists: Bool) {
        self.asksForUpgrade = asksForUpgrade
        self.userAgentPersists = userAgentPersists
    }

    var isSending: Bool { request == .sending }
    var isAwaiting: Bool { response == .awaited }
    var isOver: Bool { response == .ended }

    mutating func requestEnded() {
        request = .sent
    }

    /// Bytes have come from the target.
    mutating func heard() {
        hasHeard = true
    }

    enum HeadAction: Equatable {
        /// `closing`: say that the connection ends with it.
        case passOn(closing: Bool)
        /// From here on bytes are relayed both ways.
        case relay
        /// It was not asked for.
        case refuse
    }

    enum HeadKind: Equatable {
        case interim
        case upgrade
        case final(endsWithConnection: Bool, persists: Bool)
    }

    mutating func receivedHead(_ kind: HeadKind) -> HeadAction {
        guard response == .awaited else { return .refuse }
        switch kind {
        case .interim:
            return .passOn(closing: false)
        case .upgrade:
            guard asksForUpgrade else { return .refuse }
            response = .relaying
            return .relay
        case .final(let endsWithConnection, let persists):
            targetPersists = persists
            // An answer that comes before its request has ended: the user agent may stop sending there, or go on, and
            // what its next bytes mean cannot be told. So the connection ends, and says so.
            let closing = !userAgentPersists || endsWithConnection || request == .sending
            response = .passing(closing: closing)
            return .passOn(closing: closing)
        }
    }

    enum EndAction: Equatable {
        /// The user agent's next request may come. `keepingTarget`: and go the same way.
        case takeNext(keepingTarget: Bool)
        case closeUserAgent
    }

    /// The answer has ended, by its own framing or with the connection.
    mutating func responseEnded() -> EndAction {
        defer { response = .ended }
        guard case .passing(let closing) = response, !closing else { return .closeUserAgent }
        return .takeNext(keepingTarget: targetPersists && request == .sent)
    }

    /// How the target's connection ended.
    struct Ending: Equatable {
        /// By the target, in good order; else it broke, or the tunnel did.
        var inOrder: Bool
        /// The answer, as far as it has come, ends where the connection does.
        var isEndOfResponse: Bool
        /// The connection was at hand before the request, so it may have ended before the request came.
        var wasAtHand: Bool
        /// The request is idempotent, all that was sent of it is at hand, and it was not sent twice already.
        var mayRepeat: Bool
    }

    enum CutAction: Equatable {
        /// It was the end of the answer.
        case complete(EndAction)
        /// Nothing has come: the request goes out once more (RFC 9112 section 9.3.1).
        case sendAgain
        /// Nothing has come: the user agent is told what happened.
        case explain
        /// Something has come, and it must not look like all.
        case cutShort
    }

    mutating func connectionEnded(_ ending: Ending) -> CutAction {
        switch response {
        case .awaited:
            return !hasHeard && ending.wasAtHand && ending.mayRepeat ? .sendAgain : .explain
        case .passing:
            return ending.isEndOfResponse && ending.inOrder ? .complete(responseEnded()) : .cutShort
        case .relaying, .ended:
            return .cutShort
        }
    }

    /// All that the user agent will ever send has come.
    enum InputEndAction: Equatable {
        /// The request is cut short, and must not be taken for whole.
        case giveUp
        /// It may still want the answer.
        case linger
    }

    func userAgentEnded() -> InputEndAction {
        switch request {
        case .sending: .giveUp
        case .sent: .linger
        }
    }
}
