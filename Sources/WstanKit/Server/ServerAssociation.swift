import WstanBase

/// A server's end of an association: what comes through the tunnel leaves by an exit that asks the rules of every
/// datagram, and what comes back goes into the tunnel. Confined to its worker.
final class ServerAssociation: DatagramEnd, @unchecked Sendable {
    private weak var tunnel: Tunnel?
    private let worker: Worker
    private let log: EventLog
    private var exit: DatagramExit?
    private(set) var lastUsed: Instant
    private let patience: Duration
    private var timer: Timers.ID?

    /// - Parameters:
    ///   - client: on whose behalf names are looked up.
    ///   - policy: asked of every datagram.
    ///   - patience: how long it may be unused before it ends.
    init(
        on tunnel: Tunnel, for client: ClientAddress, policy: TargetPolicy, resolver: Resolver,
        recorder: RefusalRecorder,
        log: EventLog, patience: Duration = ServerLimits.associationIdle
    ) {
        self.tunnel = tunnel
        self.patience = patience
        self.log = log
        worker = tunnel.worker
        lastUsed = worker.now
        let (id, key) = (tunnel.id, tunnel.keyID)
        let asking = DatagramExit.Gate(
            refusalOfName: { policy.refusal(ofName: $0, port: $1) },
            refusal: { policy.refusal(of: $0, name: $1) },
            forbade: { recorder.forbade($0, by: $1, to: client, on: id, with: key) },
            hadNoRoom: { recorder.droppedDatagram() })
        let asker = client.asker(for: recorder.holder(of: key))
        exit = DatagramExit(on: worker, resolver: resolver, for: asker, gate: asking) { [weak self] in
            self?.answer($0) ?? false
        }
        watch()
    }

    private func answer(_ datagram: Datagram) -> Bool {
        guard let tunnel, tunnel.send(datagram) else { return false }
        lastUsed = worker.now
        return true
    }

    // MARK: DatagramEnd

    func deliver(_ datagram: Datagram) {
        lastUsed = worker.now
        exit?.send(datagram)
    }

    func associationEnded() {
        guard let exit else { return }
        self.exit = nil
        if let timer { worker.cancel(timer) }
        exit.close()
        log.associationEnded(exit.traffic)
    }

    // MARK: Its end

    /// A client ends its associations itself; this is for one that forgets.
    private func watch() {
        timer = worker.schedule(at: lastUsed + patience) { [weak self] in
            guard let self, exit != nil else { return }
            guard worker.now >= lastUsed + patience else { return watch() }
            tunnel?.endAssociation()
            associationEnded()
        }
    }
}
