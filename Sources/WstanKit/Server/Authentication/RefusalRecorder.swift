import WstanBase

/// Counts what a worker refuses, remembers it for a while, and has it logged. Confined to its worker.
final class RefusalRecorder: @unchecked Sendable {
    private(set) var rejects = RefusalCounts()
    /// Whose each key is.
    var keyNames: [KeyID: KeyName] = [:]

    private let worker: Worker
    private let log: EventLog
    /// Of all workers.
    private let recent: RecentRefusals
    /// When the log has something to write that it has gathered.
    private var due: (time: Instant, timer: Timers.ID)?

    init(worker: Worker, log: EventLog, recent: RecentRefusals = RecentRefusals()) {
        self.worker = worker
        self.log = log
        self.recent = recent
    }

    /// - Parameter key: of the request, where that is known.
    func refused(_ refusal: Refusal, of client: ClientAddress, with key: KeyID? = nil) {
        rejects.count(refusal)
        remember(refusal, of: client, with: key)
        logGathered(refusal, client, key)
    }

    /// A message on a tunnel, which is closed.
    func refused(_ refusal: Refusal, on tunnel: Tunnel, of client: ClientAddress?) {
        rejects.count(refusal)
        remember(refusal, of: client, with: tunnel.keyID)
        if case .wire(let error) = refusal {
            log.tunnelRefused(tunnel.id, error, peer: client?.description, now: worker.now)
        } else if let client {
            logGathered(refusal, client, tunnel.keyID)
        }
    }

    private func logGathered(_ refusal: Refusal, _ client: ClientAddress, _ key: KeyID?) {
        logGathered(at: log.requestRefused(refusal, peer: client, key: name(of: key), now: worker.now))
    }

    /// Told only of requests that have held: anybody can send the field.
    func ignoredForwardedFor(of client: ClientAddress) {
        log.forwardedForIgnored(client, now: worker.now)
    }

    /// - Parameters:
    ///   - rule: a key of the configuration.
    ///   - key: of the tunnel.
    func forbade(
        _ target: Address, by rule: String, to client: ClientAddress, on tunnel: UInt64, with key: KeyID? = nil
    ) {
        rejects.increment(.forbiddenTarget)
        recent.add(
            RecentRefusals.Entry(
                source: client.source.description, reason: "forbidden-target", text: "forbidden target: \(rule)",
                key: key, at: now))
        logGathered(
            at: log.targetForbidden(tunnel, target, rule: rule, peer: client, key: name(of: key), now: worker.now))
    }

    /// A connection had to leave before it could say its request.
    func closedForRoom(in bound: Refusal.Bound = .handshakes) {
        rejects.increment(.overLimit)
        remember(.overLimit(bound), of: nil, with: nil)
    }

    func droppedDatagram() {
        rejects.increment(.droppedDatagrams)
    }

    /// Whose key it is, where something is shared out: a name's keys are one's. A key that has left the ring stands for itself.
    func holder(of key: KeyID) -> Party { name(of: key).map { .holder($0.text) } ?? .key(key.value) }

    func name(of key: KeyID?) -> KeyName? { key.flatMap { keyNames[$0] } }

    private func remember(_ refusal: Refusal, of client: ClientAddress?, with key: KeyID?) {
        let traits = refusal.traits
        let entry = RecentRefusals.Entry(
            source: client?.source.description, reason: traits.code, text: traits.cause, key: key, at: now)
        recent.add(entry, isNoise: traits.counter == nil && traits.level < .notice)
    }

    private var now: CalendarTime { CalendarTime(seconds: WallClock.now()) }

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
