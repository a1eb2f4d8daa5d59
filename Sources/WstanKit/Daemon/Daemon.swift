import CLinux
import Glibc
import Logging

/// The life of the process: start, serve, drain, stop.
public final class Daemon: @unchecked Sendable {
    public enum ExitStatus {
        public static let success: Int32 = 0
        public static let failure: Int32 = 1
        public static let configuration: Int32 = 78
    }

    public static let version = "0.1.0"

    /// SIGHUP too, as long as there is no reload: a terminal that closes must not leave a daemon behind.
    private static let endingSignals = [SIGTERM, SIGINT, SIGHUP]

    private let settings: Settings
    private let log: EventLog
    private let workers: [Worker]
    private var clients: [ClientService] = []
    private var servers: [ServerService] = []
    private lazy var entrances = Entrances(on: main, dealingTo: workers) { [unowned self] in happened($0, $1) }
    /// What it is and where it listens, in words.
    private var place = ""
    /// A server's.
    private var hostAddresses: HostAddresses?
    private var signals: SignalSource?
    /// Of a server that speaks TLS itself.
    private var certificate: CertificateWatch?
    private let blocking = BlockingPool()
    private var keys: KeyKeeper?
    /// A server's.
    private var replayGuard: ReplayGuard?
    private var network: NetworkWatcher?
    private var wakeTimer: WakeTimer?
    private var isStopping = false
    /// Said once the start has succeeded; a failed one is explained by its error alone.
    private var warnings: [String] = []

    /// The worker of the main thread: it accepts and takes the signals.
    private var main: Worker { workers[0] }

    private init(_ settings: Settings, log: EventLog) throws(SystemError) {
        self.settings = settings
        self.log = log
        let count = settings.threads ?? (settings.mode == .server ? MachineSize.processors : 1)
        let budget = (settings.memoryLimit ?? MachineSize.bufferBudget) / count
        var workers: [Worker] = []
        for index in 0..<count { workers.append(try Worker(index: index, memoryLimit: budget)) }
        self.workers = workers
    }

    /// Runs until a signal ends it.
    ///
    /// - Returns: the exit status.
    public static func run(_ settings: Settings, warnings: [Diagnostic]) -> Int32 {
        // Before any thread is started, so that all inherit it.
        SignalSource.block(endingSignals)
        signal(SIGPIPE, SIG_IGN)
        // A limit on the size of files makes a write fail, and ends nobody.
        signal(SIGXFSZ, SIG_IGN)
        Descriptors.raiseLimit()

        let log = EventLog(makeLogger(settings.logLevel))
        defer { LogWriter.standardError.flush() }
        do {
            let key = try KeyLoader.load(settings.key)
            let (admission, admissionWarnings) = try AdmissionLoader.load(settings)
            let daemon = try Daemon(settings, log: log)
            let environment = ProxyEnvironment { getenv($0).map { String(cString: $0) } }
            let keys = try KeyKeeper(
                key, stateDirectory: nil, isClient: settings.mode == .client, worker: daemon.main, blocking: daemon.blocking)
            daemon.warnings =
                warnings.map(\.textWithPlace) + key.warnings + keys.warnings + admissionWarnings
                + ServerEndpoint.warnings(settings, environment)
            try daemon.makeServices(keys, admission, environment)
            return daemon.run()
        } catch let error as KeyLoader.Failure {
            return fail(error.description, ExitStatus.configuration)
        } catch let error as KeyRingFile.Failure {
            return fail(error.description, ExitStatus.configuration)
        } catch let error as AdmissionLoader.Failure {
            return fail(error.description, ExitStatus.configuration)
        } catch let error as TLSContext.Problem {
            return fail(error.description, ExitStatus.configuration)
        } catch let error as ReplayKeeping.Failure {
            return fail(error.description, ExitStatus.failure)
        } catch {
            return fail("cannot start: \(error)", ExitStatus.failure)
        }
    }

    private static func makeLogger(_ level: Settings.LogLevel) -> Logger {
        let isForJournal = getenv("JOURNAL_STREAM") != nil
        return Logger(label: "wstand") { _ in
            StandardErrorLogHandler(level: level.forLogger, isForJournal: isForJournal)
        }
    }

    private static func fail(_ text: String, _ status: Int32) -> Int32 {
        LogWriter.standardError.write("wstand: \(text)")
        return status
    }

    // MARK: Starting

    private func makeServices(
        _ keys: KeyKeeper, _ admission: AdmissionLoader.Admission, _ environment: ProxyEnvironment
    ) throws {
        let resolver = Resolver(pool: blocking)
        switch settings.mode {
        case .client:
            let usesTLS = settings.uris.contains { $0.scheme == .wss }
            let tls = usesTLS ? try TLSClientContext(TLSClientContext.Configuration(settings.tls)) : nil
            var options = ClientOptions(
                settings, key: keys.sendingKey, tls: tls, workers: workers.count, environment: environment)
            options.users = admission.users
            options.allowedUsers = admission.allowedUsers
            let passwords = BlockingPool(maxThreads: ClientLimits.passwordThreads)
            clients = workers.map {
                ClientService(worker: $0, options: options, resolver: resolver, passwords: passwords, log: log)
            }
        case .server:
            let tls = try makeServerContext()
            let options = ServerOptions(settings, key: keys.sendingKey, tls: tls, workers: workers.count)
            let commons = ServerCommons(replayGuard: try makeReplayGuard(options))
            hostAddresses = commons.hostAddresses
            if let failure = commons.hostAddresses.failure {
                warnings.append(
                    "cannot list the addresses of this host, so its public ones are no private targets: \(failure)")
            }
            servers = workers.map {
                ServerService(worker: $0, options: options, commons: commons, resolver: resolver, log: log)
            }
            for server in servers { server.take(keys.ring) }
        }
        keys.users = KeyUsers(workers: workers, clients: clients, servers: servers)
        self.keys = keys
    }

    /// - Returns: nil when TLS is not this server's to speak.
    private func makeServerContext() throws(TLSContext.Problem) -> TLSServerContext? {
        guard settings.uri.scheme == .wss, let configuration = TLSServerContext.Configuration(settings.tls) else {
            return nil
        }
        let watch = CertificateWatch(configuration, blocking: blocking, log: log)
        let context = try watch.load()
        warnings += [context.warning, CertificateWatch.exposure(of: configuration)].compactMap { $0 }
        certificate = watch
        return context
    }

    private func makeReplayGuard(_ options: ServerOptions) throws(ReplayKeeping.Failure) -> ReplayGuard {
        let runtimeDirectory = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        let (replayGuard, warnings) = try ReplayKeeping.open(
            runtimeDirectory: ReplayKeeping.firstPath(in: runtimeDirectory), stateDirectory: nil,
            lifetime: options.requestLifetime, blocking: blocking, log: log)
        self.warnings += warnings
        self.replayGuard = replayGuard
        return replayGuard
    }

    private func moveMarksOn() {
        guard let replayGuard else { return }
        replayGuard.moveMarksOn(now: WallClock.now())
        _ = main.schedule(after: ReplayKeeping.interval) { [self] in moveMarksOn() }
    }

    private func renew(_ context: TLSServerContext) {
        for worker in workers {
            worker.execute { [self] in servers[worker.index].renew(context) }
        }
    }

    private func run() -> Int32 {
        var status = ExitStatus.success
        main.execute { [self] in
            do {
                try listen()
                signals = try SignalSource(Self.endingSignals, on: main) { [unowned self] in received($0) }
                certificate?.start(on: main) { [unowned self] in renew($0) }
                announce()
                keys?.start()
                moveMarksOn()
                startClients()
            } catch {
                LogWriter.standardError.write("wstand: \(error)")
                entrances.close()
                main.stop()
            }
        }
        for worker in workers.dropFirst() { worker.start() }
        main.run()
        replayGuard?.close(now: WallClock.now())
        if !isStopping { status = ExitStatus.failure }
        return status
    }

    private func listen() throws(ListenPlan.Failure) {
        let listening = try entrances.open(settings.listen).joined(separator: ", ")
        for address in entrances.addresses { hostAddresses?.add(address) }
        for client in clients { client.setOwnListeners(entrances.addresses) }
        switch settings.mode {
        case .client: place = "client: SOCKS5 and HTTP proxy on \(listening), \(servers(settings.uris))"
        case .server: place = "server: listening on \(listening)"
        }
        for forward in settings.forwards where settings.mode == .client {
            let places = try open(forward).joined(separator: ", ")
            place += "; forward \(forward.name): \(forward.transport.rawValue) on \(places) to \(forward.target)"
        }
    }

    /// A sleep is noticed within so many seconds, and as soon as the machine is awake if it was longer.
    private static let wakeInterval = 10

    private func startClients() {
        guard !clients.isEmpty else { return }
        // Without them tunnels that are dead are found by their pings, within a minute.
        network = try? NetworkWatcher(on: main) { [unowned self] change in tell { $0.networkChanged(change) } }
        wakeTimer = try? WakeTimer(every: Self.wakeInterval, on: main) { [unowned self] in tell { $0.lookForSleep() } }
        tell { $0.start() }
    }

    /// Tells every client, on its worker.
    private func tell(_ action: @escaping @Sendable (ClientService) -> Void) {
        for (worker, client) in zip(workers, clients) { worker.execute { action(client) } }
    }

    private func open(_ forward: Forward) throws(ListenPlan.Failure) -> [String] {
        guard let target = Address(forward.target) else {
            throw ListenPlan.Failure(
                description: "[forward \(forward.name)]: the server cannot be told \(forward.target.host): leave the "
                    + "interface out")
        }
        switch forward.transport {
        case .tcp: return try entrances.open(forward.listen, to: target)
        case .udp:
            if !settings.allowUID.isEmpty {
                warnings.append(
                    "allow-uid says nothing about [forward \(forward.name)]: datagrams do not tell whose they are")
            }
            return try entrances.open(forward.listen, for: clients[main.index].forwardDatagrams(to: target))
        }
    }

    private func happened(_ event: Acceptor.Event, _ destination: Entrances.Destination) {
        switch event {
        case .accepted(let arrival):
            if arrival.worker === main {
                serve(arrival, destination)
            } else {
                arrival.worker.execute { [self] in serve(arrival, destination) }
            }
        case .paused(let error):
            log.acceptPaused(error, now: main.now)
        }
    }

    private func serve(_ arrival: Acceptor.Arrival, _ destination: Entrances.Destination) {
        let index = arrival.worker.index
        switch settings.mode {
        case .client: clients[index].serve(arrival, to: destination)
        case .server: servers[index].serve(arrival)
        }
    }

    private func announce() {
        for warning in warnings { log.warning(warning) }
        log.started("wstand \(Self.version) \(place)")
        ServiceManager.ready(place)
    }

    private func servers(_ uris: [ServerURI]) -> String {
        (uris.count == 1 ? "server " : "servers ") + uris.map(\.description).joined(separator: ", ")
    }

    // MARK: Stopping

    private func received(_ signal: Int32) {
        // A second one means it.
        guard !isStopping else { return main.stop() }
        isStopping = true
        log.draining(settings.drainTimeout)
        ServiceManager.stopping(drain: settings.drainTimeout)
        entrances.close()
        let deadline = main.now + settings.drainTimeout
        main.spawn { [self] in
            let drains = workers.map { worker in
                worker.spawn { [self] in
                    switch settings.mode {
                    case .client:
                        await clients[worker.index].drain(until: deadline)
                        await clients[worker.index].close(until: deadline)
                    case .server:
                        await servers[worker.index].drain(until: deadline)
                        await servers[worker.index].close(until: deadline)
                    }
                }
            }
            for drain in drains { await drain.value }
            log.stopped()
            main.stop()
        }
    }
}

extension Settings.LogLevel {
    fileprivate var forLogger: Logger.Level {
        switch self {
        case .error: .error
        case .warning: .warning
        case .notice: .notice
        case .info: .info
        case .debug: .debug
        }
    }
}
