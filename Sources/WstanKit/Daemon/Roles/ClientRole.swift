import WstanCore

/// A client: its services, and what tells them that the network or the clock has changed.
final class ClientRole: Role, @unchecked Sendable {
    let services: [any WorkerService]
    let told = StartNotes()
    private(set) var certificate: ShownCertificate?
    private let clients: [ClientService]
    let limiter: HandshakeLimiter?
    private let context: DaemonContext
    private var network: NetworkWatcher?
    private var wakeTimer: WakeTimer?
    private var key: SentKey

    /// A sleep of the machine is noticed within this many seconds, and at once when it was longer. Memory is given back as often.
    private static let wakeInterval = 10

    init(_ configuration: LoadedConfiguration, key: SentKey, _ context: DaemonContext) {
        self.context = context
        self.key = key
        let options = ClientOptions(configuration, key: key, context)
        let passwords = PasswordChecks(threads: BlockingPool(maxThreads: ClientLimits.passwordThreads, isPolite: true))
        let failures = RecentFailures()
        let links = ServerLinks(whenChanged: context.statusNews.tell)
        let limiter = HandshakeLimiter(capacity: Descriptors.handshakes(0))
        self.limiter = limiter
        clients = context.workers.map {
            ClientService(
                worker: $0, options: options, resolver: context.resolver, passwords: passwords, failures: failures,
                links: links, limiter: limiter, log: context.log)
        }
        certificate = ShownCertificate(configuration.trust, configuration.next)
        services = clients
    }

    var forwarder: ClientService? { clients.first }
    var recentRefusals: RecentRefusals? { nil }

    func setListening(_ addresses: [SocketAddress]) {
        for client in clients { client.setOwnListeners(addresses) }
    }

    func start() {
        // Without these, dead tunnels are found by their pings, within a minute.
        network = try? NetworkWatcher(on: context.main) { [unowned self] change in tell { $0.networkChanged(change) } }
        wakeTimer = try? WakeTimer(every: Self.wakeInterval, on: context.main) { [unowned self] in
            tell { $0.lookForSleep() }
            context.giveBackMemory()
        }
        context.giveBackMemory()
        tell { $0.start() }
    }

    /// Tells every client, on its worker.
    private func tell(_ action: @escaping @Sendable (ClientService) -> Void) {
        for client in clients { client.worker.execute { action(client) } }
    }

    func install(_ ring: KeyRing) {
        key = ring.sending.flatMap { SentKey($0) } ?? key
    }

    func apply(_ configuration: LoadedConfiguration) async {
        let options = ClientOptions(configuration, key: key, context)
        let tasks = clients.map { client in client.worker.spawn { client.apply(options) } }
        for task in tasks { await task.value }
        certificate = ShownCertificate(configuration.trust, configuration.next)
    }

    func close() {}
}

extension ClientService: WorkerService {
    var snapshot: ServiceSnapshot { ServiceSnapshot(totals: totals, pool: poolReport, servers: serverReports) }
}

extension ClientOptions {
    fileprivate init(_ configuration: LoadedConfiguration, key: SentKey, _ context: DaemonContext) {
        self.init(
            configuration.next, key: key, trust: configuration.trust, workers: context.workers.count,
            environment: context.environment)
        users = configuration.admission.users
        allowedUsers = configuration.admission.allowedUsers
    }
}
