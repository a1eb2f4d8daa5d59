/// The client's part of one worker: takes user agents over and gives each its session. Confined to its worker.
final class ClientService: @unchecked Sendable {
    private let worker: Worker
    private let dialer: Dialer
    private let pool: TunnelPool
    private let opener: AheadOpener
    private let direct: DirectDialer
    private let idle = IdleUserAgents()
    private let rules: DoorRules
    private let manners = ServerManners()
    private let log: EventLog
    private var datagramForwards: [DatagramForward] = []
    private var sessions = 0
    private var drain: Wait<Void>?

    /// - Parameter passwords: threads for checking them, which all workers share.
    init(worker: Worker, options: ClientOptions, resolver: Resolver, passwords: BlockingPool, log: EventLog) {
        self.worker = worker
        self.log = log
        rules = DoorRules(
            allowedUsers: options.allowedUsers,
            passwords: options.users.map { PasswordVerifier(worker: worker, users: $0, threads: passwords) }, log: log)
        pool = TunnelPool(
            worker: worker, size: options.poolSize, minimum: options.poolMin, maxIdle: options.poolMaxIdle,
            pings: options.pings, log: log)
        let connector = Connector(worker: worker, resolver: resolver)
        dialer = Dialer(
            worker: worker, options: options, connector: connector,
            authenticator: Authenticator(key: options.key), pool: pool)
        opener = AheadOpener(dialer: dialer, log: log)
        direct = DirectDialer(
            rules: options.direct, connector: connector, timeout: options.connectTimeout, listeners: OwnListeners())
        let servers = dialer.servers
        pool.isWanted = { [unowned servers] in servers.isWanted($0.mark) }
        pool.whenStartingAnew = { [unowned servers] in servers.networkChanged() }
        servers.whenReachedAgain = { [unowned self] in opener.tryOut($0) }
        servers.whenChanged = { [unowned servers, pool] change, failure in
            log.serverChanged(change, of: servers.endpoints, failure, now: worker.now)
            pool.closeUnwanted()
        }
    }

    /// Where this process listens. On any thread.
    func setOwnListeners(_ addresses: [SocketAddress]) {
        worker.execute { [self] in direct.listeners.addresses = addresses }
    }

    /// On the worker: opens the first tunnels.
    func start() {
        pool.replenish()
    }

    /// On the worker.
    func networkChanged(_ change: NetworkChange) {
        pool.networkChanged(change)
    }

    /// On the worker, now and then and when the machine may have slept.
    func lookForSleep() {
        pool.lookForSleep()
    }

    /// On the worker.
    ///
    /// - Parameter forwarded: where the connection goes if that is not for the user agent to say.
    func serve(_ arrival: Acceptor.Arrival, to forwarded: Address? = nil) {
        guard let userAgent = try? Stream(arrival) else { return }
        if !arrival.peer.isLoopback { userAgent.watchForVanishedPeer() }
        sessions += 1
        UserAgentSession(
            userAgent: userAgent, dialer: dialer, direct: direct, pool: pool, idle: idle, rules: rules,
            manners: manners, log: log, forwarded: forwarded, ended: sessionEnded
        ).start()
    }

    /// On the worker. It lasts until this drains, and is yet to be told where to listen.
    func forwardDatagrams(to target: Address) -> DatagramForward {
        let forward = DatagramForward(to: target, dialer: dialer, log: log)
        datagramForwards.append(forward)
        return forward
    }

    private func sessionEnded() {
        sessions -= 1
        finishDrainIfDone()
    }

    /// A tunnel that still waits for the server's reset may hold the end of an upload.
    private func finishDrainIfDone() {
        if sessions == 0, pool.isEmpty { drain?.fulfill(()) }
    }

    /// Lets what is in flight finish.
    func drain(until deadline: Instant) async {
        let wait = Wait<Void>(worker: worker)
        drain = wait
        idle.drain()
        for forward in datagramForwards { forward.close() }
        pool.drain { [weak self] in self?.finishDrainIfDone() }
        finishDrainIfDone()
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        await worker.flushed(until: deadline)
    }
}
