import WstanBase

/// How often a tunnel that could not be opened is tried again: on each server once, and then, in another round, where
/// that is worth it. A value: failures go in, what to do comes out.
struct DialRounds {
    enum Action: Equatable {
        /// On the servers that are not in `tried`.
        case go
        /// The same, after this time.
        case pause(Duration)
        case fail(DialFailure)
    }

    /// The servers that have failed in this round.
    private(set) var tried: Set<Int> = []
    private var isRoundOver = false
    /// The first failure of the round, which is that of the server that was to be used, and the last one.
    private var first: DialFailure?
    private var last: DialFailure?
    private var resets = 0
    private var pause = ClientLimits.restartPause
    private var waitsUntil: Instant?
    private var jitter: Jitter

    init(jitter: Jitter = .none) {
        self.jitter = jitter
    }

    mutating func failed(_ server: Int, of count: Int, _ failure: DialFailure) {
        tried.insert(server)
        note(failure)
        if tried.count == count { isRoundOver = true }
    }

    mutating func failedEverywhere(_ failure: DialFailure) {
        note(failure)
        isRoundOver = true
    }

    private mutating func note(_ failure: DialFailure) {
        first = first ?? failure
        last = failure
    }

    /// A reset is often done by something on the way that tires of it; a server that is being restarted comes back.
    ///
    /// - Parameter mayBeRestarting: whether one of the servers has worked and fails as it would then.
    mutating func next(mayBeRestarting: Bool, _ now: Instant) -> Action {
        guard isRoundOver, let failure = first, let last else { return .go }
        if last.bare == .reset, resets < ClientLimits.retries {
            resets += 1
            beginRound()
            return .go
        }
        let deadline = waitsUntil ?? now + ClientLimits.restart
        guard mayBeRestarting, now < deadline else { return .fail(failure) }
        waitsUntil = deadline
        defer { pause = pause * 2 }
        beginRound()
        return .pause(min(jitter.spread(pause), deadline - now))
    }

    private mutating func beginRound() {
        tried = []
        isRoundOver = false
        first = nil
        last = nil
    }
}
