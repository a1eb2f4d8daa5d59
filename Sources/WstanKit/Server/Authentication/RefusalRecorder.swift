import WstanBase

/// Counts what a worker refuses, and has it logged. Confined to its worker.
final class RefusalRecorder: @unchecked Sendable {
    private(set) var rejects = RefusalCounts()

    private let worker: Worker
    private let log: EventLog
    /// When the log has something to write that it has gathered.
    private var due: (time: Instant, timer: Timers.ID)?

    init(worker: Worker, log: EventLog) {
        self.worker = worker
        self.log = log
    }

    func refused(_ refusal: Refusal, of client: ClientAddress) {
        rejects.count(refusal)
        logGathered(at: log.requestRefused(refusal, peer: client, now: worker.now))
    }

    /// A message on a tunnel, which is closed.
    func refused(_ error: WireError, on tunnel: UInt64) {
        rejects.count(Refusal.wire(error))
        log.tunnelRefused(tunnel, error, now: worker.now)
    }

    /// Told only of requests that have held: anybody can send the field.
    func ignoredForwardedFor(of client: ClientAddress) {
        log.forwardedForIgnored(client, now: worker.now)
    }

    /// - Parameter key: of the configuration.
    func forbade(_ target: Address, by key: String, to client: ClientAddress, on tunnel: UInt64) {
        rejects.increment(.forbiddenTarget)
        logGathered(at: log.targetForbidden(tunnel, target, key: key, peer: client, now: worker.now))
    }

    /// A connection had to leave before it could say its request.
    func closedForRoom() {
        rejects.increment(.overLimit)
    }

    func droppedDatagram() {
        rejects.increment(.droppedDatagrams)
    }

    /// Has all logged that was gathered, though its minute may not be over.
    func close() {
        if let due { worker.cancel(due.timer) }
        due = nil
        log.logGathered(upTo: nil)
    }

    private func logGathered(at time: Instant?) {
        guard let time else { return }
        if let due {
            guard time < due.time else { return }
            worker.cancel(due.timer)
        }
        let timer = worker.schedule(at: time) { [weak self] in
            guard let self else { return }
            due = nil
            logGathered(at: log.logGathered(upTo: worker.now))
        }
        due = (time, timer)
    }
}
