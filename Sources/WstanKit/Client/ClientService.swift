import WstanBase

/// The client's part of one worker: takes user agents over and gives each its session. Confined to its worker.
package final class ClientService: @unchecked Sendable {
    package let worker: Worker
    private var dialer: Dialer
    private let pool: TunnelPool
    private var opener: PoolFiller
    private var direct: DirectDialer
    private let connector: Connector
    private let passwords: PasswordChecks
    private let idle: IdleUserAgents
    /// Of all workers.
    private let limiter: HandshakeLimiter
    private var rules: ClientAccess
    private let answerSupport = AnswerSupport()
    private let failures: RecentFailures
    private let log: EventLog
    private var datagramForwards: [DatagramForward] = []
    private var sessions = 0
    private let drain: Draining

    /// - Parameters:
    ///   - passwords: the checks of them, which all workers share.
    ///   - failures: which all workers share.
    ///   - links: what all workers find out about the servers.
    ///   - limiter: what bounds the user agents that do not say what they want, on all workers together.
    package init(
        worker: Worker, options: ClientOptions, resolver: Resolver, passwords: PasswordChecks, failures: RecentFailures,
        links: ServerLinks = ServerLinks(), limiter: HandshakeLimiter = HandshakeLimiter(capacity: 0), log: EventLog
    ) {
        self.limiter = limiter
        idle = IdleUserAgents(limiter: limiter)
        self.worker = worker
        self.failures = failures
        self.log = log
        self.passwords = passwords
        drain = Draining(worker: worker)
        rules = Self.rules(options, worker, passwords, log)
        pool = TunnelPool(
            worker: worker, size: options.poolSize, minimum: options.poolMin, maxIdle: options.poolMaxIdle,
            pings: options.pings, log: log)
        connector = Connector(worker: worker, resolver: resolver)
        dialer = Dialer(
            worker: worker, options: options, connector: connector, pool: pool, links: links)
        pool.keyInUse = dialer.key.id
        opener = PoolFiller(dialer: dialer, log: log)
        direct = DirectDialer(
            rules: options.direct, connector: connector, timeout: options.connectTimeout, listeners: OwnListeners())
        direct.listeners.names = OwnNames(listeners: options.listen, host: HostName.current)
        followServers()
    }

    private static func rules(
        _ options: ClientOptions, _ worker: Worker, _ passwords: PasswordChecks, _ log: EventLog
    ) -> ClientAccess {
        ClientAccess(
            allowedUsers: options.allowedUsers,
            passwords: options.users.map { PasswordChecker(worker: worker, users: $0, shared: passwords) },
            worker: worker, log: log)
    }

    /// The pool goes by what is known of the servers.
    private func followServers() {
        let servers = dialer.servers
        pool.isWanted = { [unowned servers] in servers.isWanted($0.mark) }
        pool.whenRevoked = { [unowned servers] in servers.keyRevoked($0.keyID, mark: $0.mark) }
        pool.whenEnded = { [unowned servers] in servers.heard($0.stream.lastReceived, mark: $0.mark) }
        pool.whenStartingAnew = { [unowned servers] in servers.networkChanged() }
        servers.whenReachedAgain = { [unowned self] in opener.tryOut($0) }
        servers.whenChanged = { [unowned servers, pool, log, worker] change in
            log.serverChanged(change, of: servers.endpoints, now: worker.now)
            pool.closeUnwanted()
        }
        servers.whenLinkChanged = { [unowned servers, log, worker] number, change in
            log.linkChanged(change, of: servers.endpoints[number], isOnly: servers.count == 1, now: worker.now)
        }
    }

    /// Others are in force from now on; what is under way goes on with those that it began with. The key has a way of its
    /// own.
    package func apply(_ options: ClientOptions) {
        worker.assertIsCurrent()
        rules = Self.rules(options, worker, passwords, log)
        direct = DirectDialer(
            rules: options.direct, connector: connector, timeout: options.connectTimeout, listeners: direct.listeners)
        direct.listeners.names = OwnNames(listeners: options.listen, host: HostName.current)
        let former = dialer.servers
        dialer = dialer.with(options, connector)
        for forward in datagramForwards { forward.apply(dialer, rules) }
        if dialer.servers === former {
            opener.dialer = dialer
            former.beginWays()
        } else {
            opener = PoolFiller(dialer: dialer, log: log)
            followServers()
            pool.startAnew()
            pool.closeUnwanted()
        }
        pool.apply(options)
    }

    /// Where this process listens. On any thread.
    package func setOwnListeners(_ addresses: [SocketAddress]) {
        worker.execute { [self] in direct.listeners.addresses = addresses }
    }

    package var poolReport: PoolReport { pool.report }

    package var serverReports: [ServerReport] { dialer.serverReports }

    package var totals: TunnelTotals { pool.totals }

    /// Of the tunnels that are open, in order.
    package var tunnelNumbers: [UInt64] { pool.tunnels.keys.sorted() }

    /// One for each of these that is still open.
    package func reports(of numbers: ArraySlice<UInt64>) -> [TunnelReport] {
        numbers.compactMap { pool.tunnels[$0]?.report() }
    }

    /// How often the key was used on this worker: tunnels that were opened with it, and requests on those of the pool.
    package var keyUses: [KeyID: KeyUse] { pool.keyUses }

    /// New tunnels are opened with this key; what is in use goes on. On the worker.
    package func install(_ key: SentKey) {
        worker.assertIsCurrent()
        guard dialer.key.install(key) else { return }
        opener.keyChanged()
        dialer.servers.keyChanged()
        pool.install(key.id)
    }

    /// The same, from a ring that is in force now.
    package func install(_ ring: KeyRing) {
        if let key = ring.sending.flatMap({ SentKey($0) }) { install(key) }
    }

    /// Ends the tunnels that were opened with a key, whatever they carry.
    ///
    /// - Returns: how many; not those that were closing already.
    package func closeTunnels(openedWith key: KeyID) -> Int {
        let opened = pool.tunnels.values.filter { $0.keyID == key && !$0.isClosing }
        for tunnel in opened { tunnel.close(CloseCode.goingAway) }
        return opened.count
    }

    /// - Returns: false when there is none with that number.
    package func closeTunnel(_ id: UInt64) -> Bool {
        guard let tunnel = pool.tunnels[id] else { return false }
        tunnel.close(CloseCode.goingAway)
        return true
    }

    /// On the worker: opens the first tunnels.
    package func start() {
        pool.replenish()
    }

    /// On the worker.
    package func networkChanged(_ change: NetworkChange) {
        pool.networkChanged(change)
    }

    /// On the worker, now and then and when the machine may have slept.
    package func lookForSleep() {
        pool.lookForSleep()
    }

    /// On the worker.
    ///
    /// - Parameter forwarded: where the connection goes if that is not for the user agent to say.
    package func serve(_ arrival: Acceptor.Arrival, to forwarded: Address? = nil) {
        worker.assertIsCurrent()
        guard let userAgent = try? Stream(arrival) else {
            if let ticket = arrival.ticket { limiter.leave(ticket) }
            return log.userAgentTurnedAway("its socket cannot be used")
        }
        let place = arrival.ticket.map { ticket in
            HandshakePlace(ticket, of: userAgent, from: arrival.peer.party, in: limiter) { [log, worker] in
                log.userAgentClosedForRoom(now: worker.now)
            }
        }
        guard !drain.isOn else {
            log.userAgentTurnedAway("the client is stopping")
            return userAgent.close()
        }
        if !arrival.peer.isLoopback { userAgent.watchForVanishedPeer() }
        sessions += 1
        UserAgentSession(
            userAgent: userAgent, dialer: dialer, direct: direct, pool: pool, idle: idle, rules: rules,
            answerSupport: answerSupport, failures: failures, log: log, forwarded: forwarded, place: place,
            ended: sessionEnded
        ).start()
    }

    /// On the worker: tells of a user agent that had to leave before it was served.
    package func closedForRoom() {
        log.userAgentClosedForRoom(now: worker.now)
    }

    /// On the worker. It lasts until `end`, and is yet to be told where to listen.
    package func forwardDatagrams(to target: Address) -> DatagramForward {
        let forward = DatagramForward(to: target, dialer: dialer, rules: rules, log: log)
        datagramForwards.append(forward)
        if drain.isOn { forward.drain() }
        return forward
    }

    /// On the worker.
    package func end(_ forward: DatagramForward) {
        datagramForwards.removeAll { $0 === forward }
        forward.close()
    }

    private func sessionEnded() {
        sessions -= 1
        finishDrainIfDone()
    }

    // MARK: Draining

    /// A tunnel that still waits for the server's reset may hold the end of an upload.
    private func finishDrainIfDone() {
        if sessions == 0, pool.isEmpty { drain.finish() }
    }

    /// Takes nothing new on, and lets what is in flight finish. It ends early by `endDrain`.
    package func drain(until deadline: Instant?) async {
        if !drain.isOn {
            drain.begin()
            idle.drain()
            for forward in datagramForwards { forward.drain() }
            pool.drain { [weak self] in self?.finishDrainIfDone() }
        }
        guard sessions > 0 || !pool.isEmpty else { return }
        await drain.wait(until: deadline)
    }

    package func endDrain() {
        guard drain.isOn else { return }
        drain.end()
        idle.endDrain()
        for forward in datagramForwards { forward.endDrain() }
        pool.endDrain()
    }

    /// The last thing: cuts off what has not finished.
    package func close(until deadline: Instant) async {
        for tunnel in pool.tunnels.values { tunnel.cutOff() }
        await worker.finish(until: deadline)
    }
}
