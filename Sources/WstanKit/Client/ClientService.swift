/// The client's part of one worker: takes user agents over and gives each its session. Confined to its worker.
final class ClientService: @unchecked Sendable {
    private let worker: Worker
    private let dialer: Dialer
    private let pool: TunnelPool
    private let opener: AheadOpener
    private let idle = IdleUserAgents()
    private let log: EventLog
    private var sessions = 0
    private var drain: Wait<Void>?

    init(worker: Worker, options: ClientOptions, resolver: Resolver, log: EventLog) {
        self.worker = worker
        self.log = log
        pool = TunnelPool(
            worker: worker, size: options.poolSize, minimum: options.poolMin, maxIdle: options.poolMaxIdle,
            pings: options.pings, log: log)
        dialer = Dialer(
            worker: worker, options: options, connector: Connector(worker: worker, resolver: resolver),
            authenticator: Authenticator(key: options.key), pool: pool)
        opener = AheadOpener(dialer: dialer, log: log)
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
    func serve(_ arrival: Listener.Arrival) {
        guard let userAgent = try? Stream(descriptor: arrival.descriptor, worker: worker) else { return }
        if !arrival.peer.isLoopback { userAgent.watchForVanishedPeer() }
        sessions += 1
        UserAgentSession(
            userAgent: userAgent, dialer: dialer, pool: pool, idle: idle, log: log, ended: sessionEnded
        ).start()
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
        pool.drain { [weak self] in self?.finishDrainIfDone() }
        finishDrainIfDone()
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        await worker.flushed(until: deadline)
    }
}
