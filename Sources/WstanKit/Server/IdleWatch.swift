import WstanBase

/// Whether anything has moved on a connection, looked at now and then.
struct IdleClock {
    enum Action: Equatable {
        case wait(until: Instant)
        /// There is no limit.
        case rest
        case over
    }

    /// Zero: forever.
    private let patience: Duration
    private var lastMoved: Instant
    private var lastWaiting = 0

    init(patience: Duration, now: Instant) {
        self.patience = patience
        lastMoved = now
    }

    /// One direction has ended, which is a movement. What is silent in the other is not waited for forever.
    func halfClosed(now: Instant) -> IdleClock {
        let most = ServerLimits.halfClosedIdle
        return IdleClock(patience: patience > .zero ? min(patience, most) : most, now: now)
    }

    /// - Parameters:
    ///   - lastMoved: when bytes were last taken over from either side.
    ///   - waiting: bytes that were taken over and are held here; another number than before means that some have left.
    mutating func look(now: Instant, lastMoved: Instant, waiting: Int) -> Action {
        guard patience > .zero else { return .rest }
        self.lastMoved = max(self.lastMoved, waiting == lastWaiting ? lastMoved : now)
        lastWaiting = waiting
        let end = self.lastMoved + patience
        return now < end ? .wait(until: end) : .over
    }
}

/// Ends a connection on which nothing moves: the driver of `IdleClock`. One timer, which is not touched while bytes
/// flow. Confined to its worker.
final class IdleWatch {
    private let connection: Connection
    private let target: Stream
    private let tunnel: Tunnel
    private var clock: IdleClock
    private var timer: Timers.ID?

    init(of connection: Connection, between tunnel: Tunnel, and target: Stream, patience: Duration) {
        self.connection = connection
        self.tunnel = tunnel
        self.target = target
        clock = IdleClock(patience: patience, now: target.worker.now)
        look()
    }

    func halfClosed() {
        cancel()
        clock = clock.halfClosed(now: target.worker.now)
        look()
    }

    func cancel() {
        if let timer { target.worker.cancel(timer) }
        timer = nil
    }

    private func look() {
        let waiting = target.pendingCount + tunnel.stream.pendingCount
        let lastMoved = max(target.lastReceived, connection.lastDelivery)
        switch clock.look(now: target.worker.now, lastMoved: lastMoved, waiting: waiting) {
        case .wait(let time):
            timer = target.worker.schedule(at: time) { [weak self] in
                self?.timer = nil
                self?.look()
            }
        case .rest: break
        case .over: tunnel.end(connection, .idle)
        }
    }
}
