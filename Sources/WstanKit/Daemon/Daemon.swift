import Glibc
import Logging
import WstanBase
import WstanConfig
import WstanControl
import WstanControlSocket
import WstanCore

/// The life of the process: start, serve, drain, stop. Confined to the main worker.
public final class Daemon: @unchecked Sendable {
    public enum ExitStatus {
        public static let success: Int32 = 0
        public static let failure: Int32 = 1
        public static let configuration: Int32 = 78
    }

    public static let version = Release.version

    private static let otherSignals = [SIGHUP, SIGUSR1]

    private let parts: Composition
    private let listeners: ListenerSet
    /// What a signal or the control socket can ask for, and what is in force.
    private lazy var reloader = Reloader(
        parts, listen: { [unowned self] (plan) throws(ListenAddresses.Failure) in try listen(plan) },
        rehearse: { [unowned self] (plan) throws(ListenAddresses.Failure) in try listeners.rehearse(plan) },
        admitToControl: { [unowned self] in control?.admit(group: $0) })
    private var signals: SignalSource?
    private lazy var reporter = StatusReporter(parts, reloader, listeners)
    private var operations: ControlOperations?
    private var control: ControlServer?
    /// When what is in flight has to be over; nil while it is not stopping.
    private var stopDeadline: Instant?
    private var isStoppingAtOnce = false
    private var startFailure: (any Error)?

    private var context: DaemonContext { parts.context }
    private var services: Services { parts.services }
    private var main: Worker { parts.context.main }
    private var log: EventLog { parts.context.log }

    private init(_ parts: Composition) {
        self.parts = parts
        listeners = ListenerSet(serving: parts.services, parts.context)
    }

    /// Runs until a signal ends it.
    ///
    /// - Parameter arguments: that have led to the settings, without the program's name.
    /// - Returns: the exit status.
    public static func run(_ settings: Settings, arguments: SecretArguments, warnings: [Diagnostic]) -> Int32 {
        // Before any thread is started, so that all inherit it.
        SignalSource.block(EndingSignals.numbers + otherSignals)
        SignalSource.ignoreOthers()
        Descriptors.raiseLimit()

        let threshold = LogThreshold(settings.logLevel.forLogger)
        let output = LogOutput(settings.logFormat, .look())
        let log = EventLog(Logger(label: "wstand") { _ in OutputLogHandler(output, threshold: threshold) })
        defer {
            ServiceManager.flush()
            output.flush()
        }
        do {
            let parts = try Composition(settings, arguments: arguments, found: warnings, log: log, threshold: threshold)
            Descriptors.countOthers()
            return try Daemon(parts).run()
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
            is TLSContext.Problem, is UnusableProxy:
            ("\(error)", ExitStatus.configuration)
        case is ReplayStorage.Failure, is ListenAddresses.Failure: ("\(error)", ExitStatus.failure)
        default: ("cannot start: \(error)", ExitStatus.failure)
        }
    }

    // MARK: Starting

    /// - Throws: why it could not start.
    private func run() throws -> Int32 {
        main.spawn { [self] in
            do {
                try await start()
            } catch {
                startFailure = error
                listeners.close()
                main.stop()
            }
        }
        for worker in context.workers.dropFirst() { worker.start() }
        main.run()
        for role in services.roles { role.close() }
        if let startFailure { throw startFailure }
        return isStopping ? ExitStatus.success : ExitStatus.failure
    }

    private func start() async throws {
        let plan = parts.configuration.plan
        for (setting, places) in plan.unused { log.listensOnPassed(setting, places) }
        reloader.place = try listen(plan)
        signals = try SignalSource(Self.otherSignals, on: main) { [unowned self] in received($0) }
        try EndingSignals.listen { [main, unowned self] in main.execute { [unowned self] in stopSooner() } }
        await openControl()
        announce()
        parts.keys.start()
        for role in services.roles { role.start() }
        startHeartbeat()
        // Last: each step of a start needs code that is not used again.
        StartupMemory.giveBack()
    }

    /// - Returns: what it is and where it listens, in words.
    private func listen(_ plan: ListenPlan) throws(ListenAddresses.Failure) -> String {
        try listeners.apply(plan)
        for role in services.roles { role.setListening(listeners.addresses) }
        return plan.text(of: listeners.places)
    }

    /// Without one the daemon serves as well, so what is wrong with it is a warning.
    private func openControl() async {
        let configuration = parts.configuration
        guard configuration.hasControlSocket else { return }
        let operations = ControlOperations(parts, reloader, reporter) { [unowned self] waits in
            stop(within: waits ? nil : .zero)
        }
        do throws(ListenAddresses.Failure) {
            control = try await ControlServer.open(for: operations, configuration, context)
            self.operations = operations
        } catch {
            reloader.warnings.append("there is no control socket: \(error)")
        }
    }

    private func announce() {
        for warning in reloader.warnings + parts.told.news { log.warning(warning) }
        log.started("wstand \(Self.version) \(reloader.place)")
        if Erasure.unlockedBytes > 0 { log.keysNotLocked(bytes: Erasure.unlockedBytes) }
        ServiceManager.tell(.ready(reloader.place))
        Erasure.eraseStack()
        Erasure.end()
    }

    private func startHeartbeat() {
        guard ServiceManager.listens else { return }
        let status = { [unowned self] snapshot in StatusLine(snapshot, state: state, reporter.concerns(snapshot)).text }
        let timeLeft = { [unowned self] in stopDeadline.map { $0 - main.now } }
        let heartbeat = SystemdHeartbeat(of: services, on: main, rhythm, log: log, status: status, timeLeft: timeLeft)
        context.statusNews.listen { [main] in main.execute { heartbeat.stateChanged() } }
        heartbeat.start()
    }

    /// What it is doing, unless that is its usual business.
    private var state: String? {
        if isStopping { return "Stopping" }
        return reporter.drain != nil ? "Draining" : nil
    }

    private var rhythm: SystemdHeartbeat.Rhythm { SystemdHeartbeat.Rhythm(patience: ServiceManager.watchdogPatience) }

    // MARK: Stopping

    private var isStopping: Bool { stopDeadline != nil }

    private func received(_ signal: Int32) {
        if signal == SIGHUP { reloader.reloadSoon() } else { logStatus() }
    }

    /// A second signal does not wait for what is in use, and a third one for nothing. See `EndingSignals` for a worker that hangs.
    private func stopSooner() {
        guard isStopping else { return stop() }
        guard !isStoppingAtOnce else { return main.stop() }
        isStoppingAtOnce = true
        main.spawn { [self] in
            await services.close(until: main.now)
            main.stop()
        }
    }

    private func logStatus() {
        main.spawn { [self] in
            let snapshot = await services.snapshot()
            log.status(StatusLine(snapshot, state: state).text)
        }
    }

    /// - Parameter patience: for what is in use; nil: what the configuration says.
    private func stop(within patience: Duration? = nil) {
        guard !isStopping else { return }
        let patience = patience ?? reloader.settings.drainTimeout
        let deadline = main.now + patience
        stopDeadline = deadline
        reporter.isStopping = true
        let start = CalendarTime(seconds: WallClock.now())
        reporter.drain = StatusReporter.Drain(
            since: reporter.drain?.since ?? start, deadline: start + patience, exits: true)
        reloader.isOver = true
        log.draining(patience)
        ServiceManager.tell(.stopping(nextWord: rhythm.nextWord(left: patience)))
        listeners.close()
        main.spawn { [self] in
            await services.drain(until: deadline)
            await services.close(until: deadline)
            await parts.keys.close()
            await control?.close()
            log.stopped()
            main.stop()
        }
    }
}
