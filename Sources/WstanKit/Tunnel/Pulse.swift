/// Keeps the peer's pulse: the driver of `Heartbeat`. Confined to its worker.
final class Pulse {
    private let stream: Stream
    private let ping: () -> Void
    private var heartbeat: Heartbeat
    private var trustsTCP = true
    private var timer: Timers.ID?
    /// The peer was found dead, or its stream was given up for another reason.
    private(set) var hasGivenUp = false

    /// - Parameter ping: sends a ping. A dead peer's stream is aborted.
    init(of stream: Stream, _ heartbeat: Heartbeat, ping: @escaping () -> Void) {
        self.stream = stream
        self.heartbeat = heartbeat
        self.ping = ping
        beat()
    }

    /// Begins anew.
    ///
    /// - Parameter trustsTCP: whether a peer that is silent, but whose kernel answers, is alive. An idle peer has
    ///   nothing that its pong could be stuck behind, so of that one a pong is wanted.
    func restart(_ heartbeat: Heartbeat, trustsTCP: Bool = true) {
        self.heartbeat = heartbeat
        self.trustsTCP = trustsTCP
        beat()
    }

    /// The network has changed, or stood still: asks at once, and gives the peer less time than usual.
    ///
    /// - Parameter sparingBackedOff: TCP waits longer and longer before it sends again what was not acknowledged, and what is
    ///   new waits behind that. Whether a peer gets that time too, which it needs if it can be reached again.
    func probe(patience: Duration, sparingBackedOff: Bool) {
        guard !stream.isClosed else { return }
        let delay = sparingBackedOff ? stream.retransmissionDelay : .zero
        ping()
        let allowed = min(patience + delay, TunnelLimits.longestProbe)
        stop()
        beat(at: heartbeat.probe(now: stream.worker.now, patience: allowed))
    }

    func giveUp() {
        hasGivenUp = true
        stream.abort()
    }

    func stop() {
        if let timer { stream.worker.cancel(timer) }
        timer = nil
    }

    private func beat() {
        stop()
        guard !stream.isClosed else { return }
        let now = stream.worker.now
        switch heartbeat.timePassed(now: now, lastReceived: stream.lastReceived) {
        case .wait(let time):
            beat(at: time)
        case .ping(let time):
            ping()
            beat(at: time)
        case .examine(let time):
            guard trustsTCP, stream.peerIsAlive(since: time) else { return giveUp() }
            beat(at: heartbeat.examinedAlive(now: now))
        }
    }

    private func beat(at time: Instant) {
        timer = stream.worker.schedule(at: time) { [weak self] in
            self?.timer = nil
            self?.beat()
        }
    }
}
