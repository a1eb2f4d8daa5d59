import CLinux
import Glibc
import Logging
import WstanControl

/// The life of the process: start, serve, drain, stop.
public final class Daemon: @unchecked Sendable {
    public enum ExitStatus {
        public static let success: Int32 = 0
        public static let failure: Int32 = 1
        public static let configuration: Int32 = 78
    }

    public static let version = Release.version

    private static let signalNumbers = [SIGTERM, SIGINT, SIGHUP]

    private let settings: Settings
    private let log: EventLog
    private let threshold: LogThreshold
    private let workers: [Worker]
    /// Sockets that are open already.
    private let passed: [PassedSocket]
    private let activation: SocketActivation
    private var services = Services()
    private lazy var listeners = ListenerSet(on: main, dealingTo: workers, client: clients.first) { [unowned self] in
        happened($0, $1)
    }
    /// What it is and where it listens, in words.
    private var place = ""
    /// A server's.
    private var hostAddresses: HostAddresses?
    private var signals: SignalSource?
    /// A server's.
    private var certificate: CertificateWatch?
    private let blocking = BlockingPool()
    private var keys: KeyRingService?
    /// A server's.
    private var replayGuard: ReplayGuard?
    private var reloading: Reloader?
    private var operations: ControlOperations?
    private var control: ControlServer?
    private var network: NetworkWatcher?
    private var wakeTimer: WakeTimer?
    /// When what is in flight has to be over; nil while it is not stopping.
    private var stopDeadline: Instant?
    private var startFailure: (any Error)?
    /// Said once the start has succeeded; a failed one is explained by its error alone.
    private var warnings: [String] = []

    /// The worker of the main thread: it accepts and takes the signals.
    private var main: Worker { workers[0] }

    private var clients: [ClientService] { services.clients }
    private var servers: [ServerService] { services.servers }

    private init(
        _ settings: Settings, _ passed: [PassedSocket], _ activation: SocketActivation, log: EventLog, threshold: LogThreshold
    ) throws(SystemError) {
        self.settings = settings
        self.passed = passed
        self.activation = activation
        self.log = log
        self.threshold = threshold
        let count = settings.threads ?? (settings.mode == .server ? MachineSize.processors : 1)
        let budget = MachineSize.bufferBudget(settings) / count
        var workers: [Worker] = []
        for index in 0..<count { workers.append(try Worker(index: index, memoryLimit: budget)) }
        self.workers = workers
    }

    /// Runs until a signal ends it.
    ///
    /// - Parameter arguments: that have led to the settings, without the program's name.
    /// - Returns: the exit status.
    public static func run(_ settings: Settings, arguments: [String], warnings: [Diagnostic]) -> Int32 {
        // Before any thread is started, so that all inherit it.
        SignalSource.block(signalNumbers)
        signal(SIGPIPE, SIG_IGN)
        // A limit on the size of files makes a write fail, and ends nobody.
        signal(SIGXFSZ, SIG_IGN)
        Descriptors.raiseLimit()

        let threshold = LogThreshold(settings.logLevel.forLogger)
        let output = LogOutput(settings.logFormat, .look())
        let log = EventLog(Logger(label: "wstand") { _ in OutputLogHandler(output, threshold: threshold) })
        defer {
            ServiceManager.flush()
            output.flush()
        }
        do {
            let forwards = settings.mode == .client ? settings.forwards : []
            let passed = try PassedSockets.adopt()
            let activation = try SocketActivation(passed, forwards: forwards)
            let key = try KeyLoader.load(settings.key)
            let (admission, admissionWarnings) = try AdmissionLoader.load(settings)
            let daemon = try Daemon(settings, passed, activation, log: log, threshold: threshold)
            let environment = ProxyEnvironment { getenv($0).map { String(cString: $0) } }
            let keys = try KeyRingService(
                key, stateDirectory: settings.stateDirectory, isClient: settings.mode == .client, worker: daemon.main,
                blocking: daemon.blocking)
            daemon.warnings =
                warnings.map(\.textWithPlace) + key.warnings + keys.warnings + admissionWarnings
                + ServerEndpoint.warnings(settings, environment)
            try daemon.makeServices(keys, admission, environment)
            return try daemon.run(arguments, environment)
        } catch {
            let (text, status) = explanation(of: error)
            output.writeFailure(text)
            ServiceManager.tell(.status(text))
            return status
        }
    }

    /// - Returns: why it does not run, and the exit status that says whether another try may help.
    private static func explanation(of error: any Error) -> (text: String, status: Int32) {
        switch error {
        case is SocketActivation.Failure, is KeyLoader.Failure, is KeyRingFile.Failure, is AdmissionLoader.Failure,
            is TLSContext.Problem:
            ("\(error)", ExitStatus.configuration)
        case is ReplayStorage.Failure, is ListenAddresses.Failure: ("\(error)", ExitStatus.failure)
        default: ("cannot start: \(error)", ExitStatus.failure)
        }
    }

    // MARK: Starting

    private func makeServices(
        _ keys: KeyRingService, _ admission: AdmissionLoader.Admission, _ environment: ProxyEnvironment
    ) throws {
        let resolver = Resolver(pool: blocking)
        services.workers = workers
        switch settings.mode {
        case .client:
            var options = ClientOptions(
                settings, key: keys.sendingKey, trust: try ClientTrust.load(settings), workers: workers.count,
                environment: environment)
            options.users = admission.users
            options.allowedUsers = admission.allowedUsers
            let passwords = BlockingPool(maxThreads: ClientLimits.passwordThreads)
            services.clients = workers.map {
                ClientService(worker: $0, options: options, resolver: resolver, passwords: passwords, log: log)
            }
        case .server:
            let options = ServerOptions(settings, keys: [keys.sendingKey], workers: workers.count)
            let commons = ServerShared(replayGuard: try makeReplayGuard(options))
            hostAddresses = commons.hostAddresses
            if let failure = commons.hostAddresses.failure {
                warnings.append(
                    "cannot list the addresses of this host, so its public ones are no private targets: \(failure)")
            }
            services.servers = workers.map {
                ServerService(worker: $0, options: options, commons: commons, resolver: resolver, log: log)
            }
            for server in servers { server.install(keys.ring) }
            try loadCertificate()
        }
        keys.users = services
        self.keys = keys
    }

    private func loadCertificate() throws(TLSContext.Problem) {
        let watch = CertificateWatch(on: main, blocking: blocking, log: log) { [unowned self] in show($0) }
        certificate = watch
        guard let found = try ServerCertificate.load(settings) else { return }
        warnings += found.warnings
        // Before anybody connects, and before the main worker turns.
        for server in servers { server.renew(found.context) }
        main.execute { watch.adopt(found) }
    }

    private func makeReplayGuard(_ options: ServerOptions) throws(ReplayStorage.Failure) -> ReplayGuard {
        let variable = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        let runtimeDirectory = ReplayStorage.firstPath(in: variable)
        // Without the journal every restart would look like a reboot, after which much is refused for a while.
        let stateDirectory = runtimeDirectory == nil ? nil : settings.stateDirectory
        let (replayGuard, warnings) = try ReplayStorage.open(
            runtimeDirectory: runtimeDirectory, stateDirectory: stateDirectory,
            lifetime: options.requestTTL, blocking: blocking, log: log)
        self.warnings += warnings
        self.replayGuard = replayGuard
        return replayGuard
    }

    private func moveReplayGuardOn() {
        guard let replayGuard else { return }
        replayGuard.moveOn(now: WallClock.now())
        _ = main.schedule(after: ReplayStorage.interval) { [self] in moveReplayGuardOn() }
    }

    private func show(_ context: TLSServerContext?) {
        for worker in workers {
            worker.execute { [self] in servers[worker.index].renew(context) }
        }
    }

    /// - Throws: why it could not start.
    private func run(_ arguments: [String], _ environment: ProxyEnvironment) throws -> Int32 {
        main.execute { [self] in
            do {
                try listen()
                signals = try SignalSource(Self.signalNumbers, on: main) { [unowned self] in received($0) }
                let group = controlGroup()
                reloading = prepareReloading(arguments, environment)
                openControl(arguments, group)
                announce()
                keys?.start()
                moveReplayGuardOn()
                startClients()
                startPulse()
            } catch {
                startFailure = error
                listeners.close()
                main.stop()
            }
        }
        for worker in workers.dropFirst() { worker.start() }
        main.run()
        replayGuard?.close(now: WallClock.now())
        if let startFailure { throw startFailure }
        return isStopping ? ExitStatus.success : ExitStatus.failure
    }

    private func startPulse() {
        guard ServiceManager.listens else { return }
        let state = { [unowned self] in
            if isStopping { return "Stopping" as String? }
            return operations?.isDraining == true ? "Draining" : nil
        }
        let timeLeft = { [unowned self] in stopDeadline.map { $0 - main.now } }
        SystemdHeartbeat(of: services, on: main, rhythm, log: log, state: state, timeLeft: timeLeft).start()
    }

    private var isStopping: Bool { stopDeadline != nil }

    private var rhythm: SystemdHeartbeat.Rhythm { SystemdHeartbeat.Rhythm(patience: ServiceManager.watchdogPatience) }

    private func listen() throws(ListenAddresses.Failure) {
        let plan = try ListenPlan(settings, activation)
        for (setting, places) in plan.unused { log.listensOnPassed(setting, places) }
        warnings += plan.warnings
        place = try open(plan)
    }

    /// - Returns: what it is and where it listens, in words.
    private func open(_ plan: ListenPlan) throws(ListenAddresses.Failure) -> String {
        try listeners.apply(plan)
        hostAddresses?.setListening(listeners.addresses)
        for client in clients { client.setOwnListeners(listeners.addresses) }
        return plan.text(of: listeners.places)
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

    private func happened(_ event: Acceptor.Event, _ destination: ListenerSet.Destination) {
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

    private func serve(_ arrival: Acceptor.Arrival, _ destination: ListenerSet.Destination) {
        let index = arrival.worker.index
        switch settings.mode {
        case .client: clients[index].serve(arrival, to: destination)
        case .server: servers[index].serve(arrival)
        }
    }

    // MARK: The control socket

    private var hasControl: Bool { activation.control != nil || settings.controlSocket != nil }

    private func controlGroup() -> UInt32? {
        guard hasControl else { return nil }
        let (group, warning) = LocalGroup.control(settings)
        if let warning { warnings.append(warning) }
        return group
    }

    /// What a signal or the control socket can ask for.
    private func prepareReloading(_ arguments: [String], _ environment: ProxyEnvironment) -> Reloader? {
        guard let keys else { return nil }
        let parts = Reloader.Parts(
            services: services, keys: keys, threshold: threshold, replayGuard: replayGuard, certificate: certificate,
            listen: { [unowned self] (plan) throws(ListenAddresses.Failure) in try open(plan) },
            admitToControl: { [unowned self] in control?.authority = ControlAuthority(user: geteuid(), group: $0) })
        return Reloader(
            settings, at: place, warnings: warnings, arguments: arguments, environment: environment, passed: passed, parts,
            on: main, blocking: blocking, log: log)
    }

    /// Without one the daemon serves as well, so what is wrong with it is a warning.
    private func openControl(_ arguments: [String], _ group: UInt32?) {
        guard let keys, let reloading, hasControl else { return }
        let operations = ControlOperations(
            of: InstancePlaces.instance(withSocket: settings.controlSocket), arguments: arguments, on: main,
            services: services, keys: keys, reloading: reloading, listeners: listeners, blocking: blocking,
            threshold: threshold
        ) { [unowned self] in stop() }
        let authority = ControlAuthority(user: geteuid(), group: group)
        let server = ControlServer(operations, on: main, authority: authority, version: Self.version) {
            [unowned self] in happened($0)
        }
        do throws(ListenAddresses.Failure) {
            try listen(for: server)
        } catch {
            return warnings.append("there is no control socket: \(error)")
        }
        self.operations = operations
        control = server
    }

    private func listen(for control: ControlServer) throws(ListenAddresses.Failure) {
        if let passed = activation.control {
            do throws(SystemError) {
                return try control.listen(on: passed)
            } catch {
                throw ListenAddresses.Failure(description: "the one that was passed cannot be used: \(error)")
            }
        }
        guard let path = settings.controlSocket else { return }
        do throws(UnixListener.Failure) {
            try control.listen(at: path)
        } catch {
            throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: path))
        }
    }

    private func happened(_ event: ControlServer.Event) {
        switch event {
        case .call(.ordered(let method, let caller)): log.commandReceived(method, by: caller.process)
        case .call(.failed(let method, let caller, let error)):
            log.commandFailed(method, by: caller.process, error.message.name)
        case .call(.denied(let method, let caller)): log.commandDenied(method, to: caller.process, now: main.now)
        // A client's own business.
        case .ended: break
        case .paused(let error): log.acceptPaused(error, now: main.now)
        }
    }

    private func announce() {
        for warning in warnings { log.warning(warning) }
        log.started("wstand \(Self.version) \(place)")
        ServiceManager.tell(.ready(place))
        StartupPages.giveBack()
    }

    // MARK: Stopping

    private func received(_ signal: Int32) {
        guard signal != SIGHUP else {
            reloading?.reloadSoon()
            return
        }
        // A second one means it.
        guard !isStopping else { return main.stop() }
        stop()
    }

    private func stop() {
        guard !isStopping else { return }
        let patience = (reloading?.settings ?? settings).drainTimeout
        let deadline = main.now + patience
        stopDeadline = deadline
        operations?.isStopping = true
        reloading?.isOver = true
        log.draining(patience)
        ServiceManager.tell(.stopping(nextWord: rhythm.nextWord(left: patience)))
        listeners.close()
        main.spawn { [self] in
            await services.drain(until: deadline)
            await services.close(until: deadline)
            control?.close()
            log.stopped()
            main.stop()
        }
    }
}
