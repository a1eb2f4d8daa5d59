import WstanBase

/// Keeps the peer's pulse: the driver of `KeepaliveMachine`. Confined to its worker.
final class Keepalive {
    private let stream: Stream
    private let ping: () -> Void
    private var heartbeat: KeepaliveMachine
    private var trustsTCP = true
    /// Within a probe: no sign of life is a sign of death.
    private var wantsSign = false
    private var timer: Timers.ID?
    /// When the tunnel began to carry what it carries, or to rest.
    private(set) var restarted: Instant
    /// The peer was found dead, or its stream was given up for another reason.
    private(set) var hasGivenUp = false

    /// - Parameter ping: sends a ping. A dead peer's stream is aborted.
    init(of stream: Stream, _ heartbeat: KeepaliveMachine, ping: @escaping () -> Void) {
        self.stream = stream
        self.heartbeat = heartbeat
        self.ping = ping
        restarted = stream.worker.now
        beat()
    }

    /// Begins anew.
    ///
    /// - Parameter trustsTCP: whether a peer that is silent, but whose kernel answers, is alive. An idle peer has
    ///   nothing that its pong could be stuck behind, so of that one a pong is wanted.
    func restart(_ heartbeat: KeepaliveMachine, trustsTCP: Bool = true) {
        self.heartbeat = heartbeat
        self.trustsTCP = trustsTCP
        wantsSign = false
        restarted = stream.worker.now
        beat()
    }

    /// The network has changed, or stood still: asks at once, and gives the peer less time than usual.
    ///
    /// - Parameter isSparing: whether the peer may be reachable still. TCP waits longer and longer before it sends again what was
    ///   not acknowledged, and what is new waits behind that: then it gets that time too. And one that has stopped reading
    ///   answers nothing. Otherwise only a sign of life counts.
    func probe(patience: Duration, isSparing: Bool) {
        guard !stream.isClosed else { return }
        let delay = isSparing ? stream.retransmissionDelay : .zero
        ping()
        let allowed = min(patience + delay, TunnelLimits.longestProbe)
        wantsSign = !isSparing
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
            // Whatever was probed has answered meanwhile.
            wantsSign = false
            ping()
            beat(at: time)
        case .examine(let time):
            let isAlive = wantsSign ? stream.hasHeardPeer(since: time) : stream.peerIsAlive(since: time)
            guard trustsTCP, isAlive else { return giveUp() }
            wantsSign = false
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
