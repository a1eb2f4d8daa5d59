import WstanBase

/// When to ask a silent peer whether it is there, and when to give it up.
///
/// A missing pong proves nothing on a tunnel in use: it travels behind data, and a peer that we have stopped reading,
/// or that has stopped reading, cannot answer. There the caller looks at what TCP knows.
struct KeepaliveMachine {
    enum Action: Equatable {
        case wait(until: Instant)
        /// Send a ping, and come back at the given time: where the interval is shorter than the patience, one that has answered
        /// is to be asked again before one that has not is given up.
        case ping(until: Instant)
        /// No byte since the ping: find out whether TCP heard from the peer since, and call `examined`.
        case examine(since: Instant)
    }

    private enum State {
        case quiet
        /// Can become: quiet.
        case pinged(Instant, patience: Duration)
    }

    let interval: Duration
    /// How long a pinged peer may stay silent.
    let patience: Duration
    private var state = State.quiet

    init(interval: Duration, patience: Duration) {
        self.interval = interval
        self.patience = patience
    }

    mutating func timePassed(now: Instant, lastReceived: Instant) -> Action {
        if case .pinged(let time, let patience) = state {
            if lastReceived < time {
                let deadline = time + patience
                return now < deadline ? .wait(until: deadline) : .examine(since: time)
            }
            state = .quiet
        }
        let due = lastReceived + interval
        guard now >= due else { return .wait(until: due) }
        state = .pinged(now, patience: patience)
        return .ping(until: now + min(patience, interval))
    }

    /// Something has happened that the peer may not have survived: a ping is due at once.
    ///
    /// - Returns: when to come back.
    mutating func probe(now: Instant, patience: Duration) -> Instant {
        state = .pinged(now, patience: patience)
        return now + min(patience, interval)
    }

    /// The peer is alive though it is silent: it gets as long again.
    ///
    /// - Returns: when to come back.
    mutating func examinedAlive(now: Instant) -> Instant {
        state = .pinged(now, patience: patience)
        return now + patience
    }
}
