import WstanBase

/// The timers of a server's tunnel of version 2: its proof (protocol-v2.md section 4.5), and the end of its life
/// (TIMERS). Confined to its worker.
final class TunnelWatch {
    enum Due {
        /// The client is asked to show that it has the keys.
        case ping
        /// It has not shown that.
        case unproven
        case life
    }

    private let worker: Worker
    private var proof: TunnelProof
    private var tell: ((Due) -> Void)?
    private var proofTimer: Timers.ID?
    private var lifeTimer: Timers.ID?

    init(worker: Worker) {
        self.worker = worker
        proof = TunnelProof(now: worker.now)
    }

    func start(_ tell: @escaping (Due) -> Void) {
        self.tell = tell
        lifeTimer = worker.schedule(after: TunnelTimers.standard.life) { [weak self] in
            self?.lifeTimer = nil
            self?.tell?(.life)
        }
        look()
    }

    func stop() {
        tell = nil
        for timer in [proofTimer, lifeTimer] { if let timer { worker.cancel(timer) } }
        (proofTimer, lifeTimer) = (nil, nil)
    }

    /// A record of the client has opened.
    @inline(__always)
    func openedRecord() {
        if !proof.isProven { proven() }
    }

    private func proven() {
        proof.openedRecord()
        if let proofTimer { worker.cancel(proofTimer) }
        proofTimer = nil
    }

    private func look() {
        switch proof.timePassed(now: worker.now) {
        case .wait(let time): look(at: time)
        case .ping(let time):
            tell?(.ping)
            look(at: time)
        case .close: tell?(.unproven)
        case .proven: break
        }
    }

    private func look(at time: Instant) {
        proofTimer = worker.schedule(at: time) { [weak self] in
            self?.proofTimer = nil
            self?.look()
        }
    }
}
