/// The tunnels of a client's worker: those in use, and those that are open and free. Confined to its worker.
final class TunnelPool: TunnelOwner, @unchecked Sendable {
    private let worker: Worker
    private var machine: PoolMachine
    private var tunnels: [UInt64: Tunnel] = [:]
    private var expiry: Timers.ID?
    private let log: EventLog
    private var isDraining = false
    /// Those who would like a tunnel that is about to fall idle.
    private var waiting: [UInt64: Wait<Void>] = [:]
    private var tunnelHasEnded: (() -> Void)?
    /// Whether new connections may go on a tunnel that is free: not on one to a server to which another is preferred.
    var isWanted: (Tunnel) -> Bool = { _ in true }

    init(worker: Worker, size: Int, maxIdle: Duration, log: EventLog) {
        self.worker = worker
        self.log = log
        machine = PoolMachine(size: size, maxIdle: maxIdle)
    }

    var hasIdle: Bool { machine.count > 0 }

    /// Keeps track of a tunnel from its handshake on.
    func add(_ tunnel: Tunnel) {
        tunnels[tunnel.id] = tunnel
    }

    /// A tunnel that is open and free.
    func take() -> Tunnel? {
        while let id = machine.take() {
            guard let tunnel = tunnels[id], tunnel.isIdle else { continue }
            if isWanted(tunnel) { return tunnel }
            tunnel.close(CloseCode.normal)
        }
        return nil
    }

    /// Closes what is free and not wanted any more.
    func closeUnwanted() {
        for tunnel in tunnels.values where tunnel.isIdle && !isWanted(tunnel) { tunnel.close(CloseCode.normal) }
    }

    /// Waits until a tunnel has fallen idle, or cannot any more.
    func waitForIdle(_ tunnel: Tunnel, until deadline: Instant) async {
        guard tunnels[tunnel.id] === tunnel, !tunnel.isIdle else { return }
        let wait = Wait<Void>(worker: worker)
        waiting[tunnel.id] = wait
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        if waiting[tunnel.id] === wait { waiting[tunnel.id] = nil }
    }

    var isEmpty: Bool { tunnels.isEmpty }

    /// Closes what is free, now and from now on.
    ///
    /// - Parameter ended: called whenever a tunnel has ended.
    func drain(ended: @escaping () -> Void) {
        isDraining = true
        tunnelHasEnded = ended
        while let tunnel = take() { tunnel.close(CloseCode.goingAway) }
    }

    // MARK: TunnelOwner

    func tunnelIsIdle(_ tunnel: Tunnel) {
        defer { waiting[tunnel.id]?.fulfill(()) }
        // What the server does not take would keep the next connection waiting.
        guard !isDraining, tunnel.stream.pendingCount == 0, isWanted(tunnel) else { return tunnel.close(CloseCode.goingAway) }
        switch machine.becameIdle(tunnel.id, now: worker.now) {
        case .keep: scheduleExpiry()
        case .close: tunnel.close(CloseCode.normal)
        }
    }

    func tunnelEnded(_ tunnel: Tunnel) {
        tunnels[tunnel.id] = nil
        waiting[tunnel.id]?.fulfill(())
        machine.ended(tunnel.id)
        tunnelHasEnded?()
    }

    func tunnel(_ tunnel: Tunnel, refused error: WireError) {
        log.tunnelRefused(tunnel.id, error, now: worker.now)
    }

    func tunnel(
        _ tunnel: Tunnel, mayServeRequestOf time: Double, replayableUnder nonce: Nonce?
    ) throws(WireError) {
        throw .unexpectedCommand
    }

    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection) {}

    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)? { nil }

    // MARK: Expiry

    /// Anew each time: the fuller the pool, the sooner.
    private func scheduleExpiry() {
        if let expiry { worker.cancel(expiry) }
        expiry = machine.nextExpiry.map { next in worker.schedule(at: next) { [weak self] in self?.expire() } }
    }

    private func expire() {
        expiry = nil
        for id in machine.takeExpired(now: worker.now) { tunnels[id]?.close(CloseCode.normal) }
        scheduleExpiry()
    }
}
