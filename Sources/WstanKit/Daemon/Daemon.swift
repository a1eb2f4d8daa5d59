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
    private var listeners: [Listener] = []
    private var signals: SignalSource?
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
        Descriptors.raiseLimit()

        let log = EventLog(makeLogger(settings.logLevel))
        defer { LogWriter.standardError.flush() }
        do {
            let (key, keyWarnings) = try KeyLoader.load(settings.key)
            let daemon = try Daemon(settings, log: log)
            daemon.warnings = warnings.map(\.textWithPlace) + keyWarnings
            daemon.makeServices(key)
            return daemon.run()
        } catch let error as KeyLoader.Failure {
            return fail(error.description, ExitStatus.configuration)
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

    private func makeServices(_ key: Key) {
        let resolver = Resolver(pool: BlockingPool())
        switch settings.mode {
        case .client:
            let options = ClientOptions(settings, key: key, workers: workers.count)
            clients = workers.map { ClientService(worker: $0, options: options, resolver: resolver, log: log) }
        case .server:
            let options = ServerOptions(settings, key: key, workers: workers.count)
            let replayGuard = ReplayGuard()
            servers = workers.map {
                ServerService(worker: $0, options: options, replayGuard: replayGuard, resolver: resolver, log: log)
            }
        }
    }

    private func run() -> Int32 {
        var status = ExitStatus.success
        main.execute { [self] in
            do {
                try listen()
                signals = try SignalSource(Self.endingSignals, on: main) { [unowned self] in received($0) }
                announce()
                startClients()
            } catch {
                LogWriter.standardError.write("wstand: \(error)")
                main.stop()
            }
        }
        for worker in workers.dropFirst() { worker.start() }
        main.run()
        if !isStopping { status = ExitStatus.failure }
        return status
    }

    private struct StartFailure: Error, CustomStringConvertible {
        let description: String
    }

    private func listen() throws {
        for wanted in settings.listen {
            for entry in try ListenPlan.entries(for: wanted) {
                do {
                    listeners.append(
                        try Listener(entry.address, on: main, dealingTo: workers) { [unowned self] in happened($0) })
                } catch {
                    if entry.mayBeMissing, error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT { continue }
                    throw StartFailure(description: ListenPlan.text(error, for: entry.address))
                }
            }
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

    private func happened(_ event: Listener.Event) {
        switch event {
        case .accepted(let arrival):
            let index = arrival.worker.index
            if arrival.worker === main {
                serve(arrival, index)
            } else {
                arrival.worker.execute { [self] in serve(arrival, index) }
            }
        case .paused(let error):
            log.acceptPaused(error, now: main.now)
        }
    }

    private func serve(_ arrival: Listener.Arrival, _ index: Int) {
        switch settings.mode {
        case .client: clients[index].serve(arrival)
        case .server: servers[index].serve(arrival)
        }
    }

    private func announce() {
        let places = listeners.map(\.address.description).joined(separator: ", ")
        let text =
            switch settings.mode {
            case .client: "client: SOCKS5 and HTTP proxy on \(places), server \(settings.uri)"
            case .server: "server: listening on \(places)"
            }
        for warning in warnings { log.warning(warning) }
        log.started("wstand \(Self.version) \(text)")
        ServiceManager.ready(text)
    }

    // MARK: Stopping

    private func received(_ signal: Int32) {
        // A second one means it.
        guard !isStopping else { return main.stop() }
        isStopping = true
        log.draining(settings.drainTimeout)
        ServiceManager.stopping(drain: settings.drainTimeout)
        for listener in listeners { listener.close() }
        let deadline = main.now + settings.drainTimeout
        main.spawn { [self] in
            let drains = workers.map { worker in
                worker.spawn { [self] in
                    switch settings.mode {
                    case .client: await clients[worker.index].drain(until: deadline)
                    case .server: await servers[worker.index].drain(until: deadline)
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
