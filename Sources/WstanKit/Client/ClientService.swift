/// The client's part of one worker: takes user agents over and gives each its session. Confined to its worker.
final class ClientService: @unchecked Sendable {
    private let worker: Worker
    private let dialer: Dialer
    private let pool: TunnelPool
    private let log: EventLog
    private var sessions = 0
    private var drain: Wait<Void>?

    init(worker: Worker, options: ClientOptions, resolver: Resolver, log: EventLog) {
        self.worker = worker
        self.log = log
        pool = TunnelPool(worker: worker, size: options.poolSize, maxIdle: options.poolMaxIdle, log: log)
        dialer = Dialer(
            worker: worker, options: options, connector: Connector(worker: worker, resolver: resolver),
            authenticator: Authenticator(key: options.key), pool: pool)
    }

    /// On the worker.
    func serve(_ arrival: Listener.Arrival) {
        guard let userAgent = try? Stream(descriptor: arrival.descriptor, worker: worker) else { return }
        if !arrival.peer.isLoopback { userAgent.watchForVanishedPeer() }
        sessions += 1
        UserAgentSession(userAgent: userAgent, dialer: dialer, pool: pool, log: log, ended: sessionEnded).start()
    }

    private func sessionEnded() {
        sessions -= 1
        if sessions == 0 { drain?.fulfill(()) }
    }

    /// Lets what is in flight finish.
    func drain(until deadline: Instant) async {
        pool.drain()
        if sessions > 0 {
            let wait = Wait<Void>(worker: worker)
            drain = wait
            await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        }
        await worker.flushed(until: deadline)
    }
}
