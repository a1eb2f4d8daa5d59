import WstanBase

/// The tunnels of a client's worker: those in use, those that are open and free, and those that are being opened for
/// the next connections. Confined to its worker.
final class TunnelPool: TunnelOwner, @unchecked Sendable {
    let worker: Worker
    private(set) var machine: PoolMachine
    private(set) var tunnels: [UInt64: Tunnel] = [:]
    /// Tunnels that are no more.
    private var past = TunnelTotals()
    /// See `PoolReport`.
    private(set) var hits: UInt64 = 0
    private(set) var misses: UInt64 = 0
    var droppedDatagrams: UInt64 = 0
    var impostors: UInt64 = 0
    var unproven: UInt64 = 0
    /// Without one nothing is opened ahead.
    weak var opener: PoolFiller?
    private var pings: Tunnel.Pings
    private var bounds: PoolBounds
    let log: EventLog
    private var isDraining = false
    private var look: (at: Instant, timer: Timers.ID)?
    /// Connections that would like a tunnel that is about to fall idle.
    private var waiting: [UInt64: Wait<Void>] = [:]
    /// Connections that wait for a tunnel that is being opened, by its number.
    private var claims: [UInt64: Wait<Tunnel?>] = [:]
    private var tunnelHasEnded: (() -> Void)?
    /// Whether new connections may go on a tunnel that is free: not on one to a server to which another is preferred.
    var isWanted: (Tunnel) -> Bool = { _ in true }
    /// Called with a tunnel whose server says that the key is revoked or has expired.
    var whenRevoked: (Tunnel) -> Void = { _ in }
    /// Called with each tunnel that has ended.
    var whenEnded: (Tunnel) -> Void = { _ in }
    /// Tunnels of another key carry nothing new; nil: of any.
    var keyInUse: KeyID?
    /// Of that key: tunnels opened, and requests on those of the pool.
    private(set) var keyUses: [KeyID: KeyUse] = [:]
    /// Called when the network is another.
    var whenStartingAnew: () -> Void = {}
    private var clock = SuspendClock()
    /// Tunnels in use for whose peer there was no route when the network changed last.
    private(set) var cutOff: Set<UInt64> = []

    init(
        worker: Worker, size: Int, minimum: Int = 0, maxIdle: Duration, pings: Tunnel.Pings = Tunnel.Pings(),
        log: EventLog
    ) {
        self.worker = worker
        self.pings = pings
        self.log = log
        bounds = PoolBounds(size: size, minimum: minimum, maxIdle: maxIdle)
        machine = PoolMachine(
            size: size, minimum: minimum, maxIdle: maxIdle, jitter: Jitter(seed: worker.randomness.next()))
    }

    /// Whether `obtain` would find one.
    var mayServe: Bool { hasIdle || machine.mayClaim }

    var hasIdle: Bool { machine.ready > 0 }

    /// Keeps track of a tunnel from its handshake on.
    func add(_ tunnel: Tunnel) {
        worker.assertIsCurrent()
        tunnels[tunnel.id] = tunnel
        past.opened &+= 1
        countUse(of: tunnel)
    }

    private func countUse(of tunnel: Tunnel) {
        guard isOfKeyInUse(tunnel) else { return }
        keyUses[tunnel.keyID, default: KeyUse()].count(at: CalendarTime(seconds: WallClock.now()))
    }

    private func isOfKeyInUse(_ tunnel: Tunnel) -> Bool { keyInUse.map { $0 == tunnel.keyID } ?? true }

    private func mayCarry(_ tunnel: Tunnel) -> Bool { isOfKeyInUse(tunnel) && isWanted(tunnel) }

    var totals: TunnelTotals { past.adding(tunnels.values) }

    /// Others are in force from now on.
    func apply(_ options: ClientOptions) {
        pings = options.pings
        bounds.own = PoolBounds.Limits(size: options.poolSize, minimum: options.poolMin, maxIdle: options.poolMaxIdle)
        applyBounds()
    }

    /// Version 2: a server's answer has proven that it is the server's.
    func heard(_ reply: ReplyPayload) {
        log.heard(reply, now: worker.now)
        if bounds.adopt(reply.options) { applyBounds() }
    }

    private func applyBounds() {
        let limits = bounds.inForce
        let surplus = machine.apply(size: limits.size, minimum: limits.minimum, maxIdle: limits.maxIdle)
        for id in surplus { tunnels[id]?.close(CloseCode.normal) }
        replenish()
    }

    // MARK: Connections

    /// Somebody wants a connection that could go through the pool.
    func connectionBegan() {
        machine.connectionBegan(now: worker.now)
        replenish()
    }

    /// A tunnel that is open and free.
    func popIdle() -> Tunnel? {
        worker.assertIsCurrent()
        lookForSleep()
        // A pong is late, or will not come.
        let trusted = pings.idle + Self.pongAllowance
        let now = worker.now
        while let id = machine.popIdle(preferring: { [tunnels] id in
            tunnels[id].map { now - $0.stream.lastReceived < trusted } ?? false
        }) {
            guard let tunnel = tunnels[id], tunnel.isIdle else { continue }
            guard mayCarry(tunnel) else {
                tunnel.close(CloseCode.normal)
                continue
            }
            replenish()
            return tunnel
        }
        return nil
    }

    static let pongAllowance: Duration = .seconds(2)

    /// Closes what is free and not wanted any more.
    func closeUnwanted() {
        for tunnel in tunnels.values where tunnel.isIdle && !mayCarry(tunnel) {
            machine.drop(tunnel.id)
            tunnel.close(CloseCode.normal)
        }
        replenish()
    }

    /// The same as `popIdle`, or a tunnel that is being opened and is not promised to another request.
    func obtain() async -> Tunnel? {
        if let tunnel = popIdle() { return tunnel }
        guard let number = machine.claim() else { return nil }
        let wait = Wait<Tunnel?>(worker: worker)
        claims[number] = wait
        replenish()
        guard let tunnel = await wait.value(onTimeout: nil, onCancel: nil), tunnel.isIdle else { return nil }
        return tunnel
    }

    /// Asks for a connection on a tunnel that was given out. When the request is not even acknowledged the tunnel is given
    /// up, and the others are doubted.
    ///
    /// - Parameter isLastCopy: whether nobody could send the request again.
    func request(
        _ request: Request, on tunnel: Tunnel, for connection: Connection, isLastCopy: @escaping () -> Bool
    ) {
        hits &+= 1
        countUse(of: tunnel)
        tunnel.request(request, for: connection)
        tunnel.expectAcknowledgement(of: connection, isLastCopy: isLastCopy) { [weak self] in self?.verifyIdle() }
    }

    /// Asks for an association, with its first datagram, where a tunnel is open and free. Version 2 only.
    ///
    /// - Returns: the tunnel; nil if no tunnel is free.
    func request(_ first: Datagram, for end: any DatagramEnd) -> Tunnel? {
        guard let tunnel = popIdle() else { return nil }
        hits &+= 1
        countUse(of: tunnel)
        tunnel.request(first, time: WallClock.now(), for: end)
        return tunnel
    }

    /// Waits until a tunnel has fallen idle, or cannot any more.
    func waitForIdle(_ tunnel: Tunnel, until deadline: Instant) async {
        guard tunnels[tunnel.id] === tunnel, !tunnel.isIdle else { return }
        let wait = Wait<Void>(worker: worker)
        waiting[tunnel.id] = wait
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        if waiting[tunnel.id] === wait { waiting[tunnel.id] = nil }
    }

    // MARK: Doubts

    /// What was idle is of no more use.
    func giveUpIdle() {
        for id in machine.dropAll() { tunnels[id]?.giveUp() }
    }

    func giveUpIdle(_ tunnel: Tunnel) {
        machine.drop(tunnel.id)
        tunnel.giveUp()
    }

    /// - Parameter isCutOff: whether there is no way to the peer of a tunnel in use.
    /// - Returns: whether there was none before.
    @discardableResult
    func mark(_ tunnel: Tunnel, isCutOff: Bool) -> Bool {
        isCutOff ? !cutOff.insert(tunnel.id).inserted : cutOff.remove(tunnel.id) != nil
    }

    /// Idle tunnels are given out again when they have answered a ping.
    func verifyIdle() {
        for id in machine.idle {
            guard let tunnel = tunnels[id], machine.doubt(id) else { continue }
            tunnel.probe(patience: TunnelLimits.patienceAfterChange, isSparing: false) { [weak self] in
                self?.machine.proved(id)
                self?.replenish()
            }
        }
    }

    // MARK: The end

    var isEmpty: Bool { tunnels.isEmpty }

    /// Closes what is free, now and from now on.
    ///
    /// - Parameter ended: called whenever a tunnel has ended.
    func drain(ended: @escaping () -> Void) {
        isDraining = true
        tunnelHasEnded = ended
        if let look { worker.cancel(look.timer) }
        look = nil
        for id in machine.dropAll() { tunnels[id]?.close(CloseCode.goingAway) }
    }

    /// Keeps what is free again, and opens what is needed.
    func endDrain() {
        isDraining = false
        tunnelHasEnded = nil
        replenish()
    }

    // MARK: TunnelOwner

    func tunnelIsIdle(_ tunnel: Tunnel) {
        defer { waiting[tunnel.id]?.fulfill(()) }
        cutOff.remove(tunnel.id)
        // What the server does not take would keep the next connection waiting.
        guard !isDraining, tunnel.stream.pendingCount == 0, mayCarry(tunnel) else {
            return tunnel.close(CloseCode.goingAway)
        }
        // Whoever accepts needs the descriptors more.
        guard machine.count < machine.size || !Descriptors.areScarce else { return tunnel.close(CloseCode.normal) }
        switch machine.becameIdle(tunnel.id, now: worker.now) {
        case .keep: replenish()
        case .close: tunnel.close(CloseCode.normal)
        }
    }

    func tunnelEnded(_ tunnel: Tunnel) {
        if tunnels.removeValue(forKey: tunnel.id) != nil { past.traffic = past.traffic + tunnel.stream.traffic }
        whenEnded(tunnel)
        cutOff.remove(tunnel.id)
        waiting[tunnel.id]?.fulfill(())
        machine.ended(tunnel.id, now: worker.now)
        replenish()
        tunnelHasEnded?()
    }

    func tunnel(_ tunnel: Tunnel, refused error: WireError) {
        log.tunnelRefused(tunnel.id, error, now: worker.now)
    }

    func tunnel(_ tunnel: Tunnel, saidBye bye: Bye) {
        // It carries nothing new: for the pool it is no more, and one that has just been opened has failed. An association has no
        // end of its own to wait for: its next datagram takes another tunnel.
        machine.ended(tunnel.id, now: worker.now)
        if let association = tunnel.association {
            tunnel.leaveAssociation()
            association.associationEnded()
        }
        log.saidBye(bye, on: tunnel.id)
    }

    func tunnelKeyIsRevoked(_ tunnel: Tunnel) {
        if isOfKeyInUse(tunnel) { whenRevoked(tunnel) }
    }

    // MARK: Opening ahead

    /// Opens what is needed and closes what is not, and comes back when that has changed.
    func replenish() {
        guard !isDraining else { return }
        let now = worker.now
        let asking = opener?.asking ?? .no
        for id in machine.takeExpired(now: now, mayOpen: asking != .no) { tunnels[id]?.close(CloseCode.normal) }
        if let next = machine.nextExpiry(now: now) { lookAgain(at: next) }
        if asking != .no, Descriptors.areScarce { return lookAgain(at: now + Self.scarcityPause) }
        switch machine.replenish(now: now, asking: asking) {
        case .enough:
            if asking == .no, let next = opener?.nextTry, next > now { lookAgain(at: next) }
        case .open(let numbers):
            for number in numbers { opener?.open(number) }
            if case .later(let time) = machine.replenish(now: now, asking: asking) { lookAgain(at: time) }
        case .later(let time): lookAgain(at: time)
        }
    }

    private static let scarcityPause: Duration = .seconds(1)

    /// A look that comes too early does no harm, so one that stands is not put off: connections begin often.
    private func lookAgain(at time: Instant) {
        if let look {
            guard time < look.at else { return }
            worker.cancel(look.timer)
        }
        let timer = worker.schedule(at: time) { [weak self] in
            self?.look = nil
            self?.replenish()
        }
        look = (time, timer)
    }

    /// The server was reached, and asked.
    func asked(_ number: UInt64) {
        machine.asked(number)
    }

    func opened(_ number: UInt64, _ tunnel: Tunnel) {
        guard !isDraining, tunnels[tunnel.id] === tunnel, tunnel.isIdle, isOfKeyInUse(tunnel) else {
            tunnel.close(CloseCode.goingAway)
            return openingFailed(number, .unreachable)
        }
        switch machine.opened(number, as: tunnel.id, now: worker.now) {
        case .keep: break
        case .give:
            // Whoever has waited may not want it any more.
            if claims.removeValue(forKey: number)?.fulfill(tunnel) != true { tunnelIsIdle(tunnel) }
        case .close: tunnel.close(CloseCode.normal)
        }
        replenish()
    }

    func openingFailed(_ number: UInt64, _ failure: PoolMachine.OpeningFailure) {
        claims.removeValue(forKey: number)?.fulfill(nil)
        machine.openingFailed(number, failure, now: worker.now)
        replenish()
    }

    /// What is being opened is not waited for any more, and what has failed is tried again: the network is another.
    func startAnew() {
        whenStartingAnew()
        openAnew()
        replenish()
    }

    private func openAnew() {
        for number in machine.abandonOpenings() { claims.removeValue(forKey: number)?.fulfill(nil) }
        machine.mayTryAgain()
    }

    /// Another key is in use: what is free, or being opened, is replaced, and what is in use is closed when it falls idle.
    ///
    /// - Parameter key: may be the former ID, where it is the same user's for another key of the server.
    func install(_ key: KeyID) {
        keyInUse = key
        keyUses = keyUses.filter { $0.key == key }
        openAnew()
        for id in machine.dropAll() { tunnels[id]?.close(CloseCode.normal) }
        closeUnwanted()
    }

    /// A request of a user agent has opened a tunnel.
    func tookRequest(_ server: ServerEndpoint) {
        misses &+= 1
        guard let opener else { return }
        opener.tookRequest(server)
        machine.mayTryAgain()
        replenish()
    }

    // MARK: Sleep

    /// What is idle is of no more use after a sleep: those on the way, and the server, may have forgotten it.
    func lookForSleep() {
        if clock.hasSlept() { machineSlept() }
    }
}
