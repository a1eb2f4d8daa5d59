import Glibc
import WstanControl

/// Puts another configuration in force while the daemon runs, all of it or nothing. Confined to the main worker.
final class Reloader: @unchecked Sendable {
    /// What of the daemon it changes.
    struct Parts {
        let services: Services
        let keys: KeyRingService
        let threshold: LogThreshold
        /// A server's.
        let replayGuard: ReplayGuard?
        let certificate: CertificateWatch?
        /// Opens and closes listeners; says where it listens then, in words.
        let listen: (ListenPlan) throws(ListenAddresses.Failure) -> String
        let admitToControl: (_ group: UInt32?) -> Void
    }

    /// What is in force.
    private(set) var settings: Settings
    /// What it is and where it listens, in words.
    private(set) var place: String
    /// What the start or the last reload had to say.
    private(set) var warnings: [String]
    private(set) var loaded = CalendarTime(seconds: WallClock.now())
    /// Why the last reload has changed nothing.
    private(set) var errors: [Diagnostic] = []
    private(set) var isReloading = false
    /// The daemon stops: nothing is opened or put in force any more, not even what is read already.
    var isOver = false
    /// Whether somebody who does not wait has asked meanwhile: the files may have changed since they were read.
    private var isAskedAgain = false

    private let arguments: [String]
    private let environment: ProxyEnvironment
    private let passed: [PassedSocket]
    private let parts: Parts
    private let worker: Worker
    private let blocking: BlockingPool
    private let log: EventLog

    /// - Parameters:
    ///   - arguments: which have led to the settings.
    ///   - passed: sockets that are there instead of what the configuration says.
    init(
        _ settings: Settings, at place: String, warnings: [String], arguments: [String], environment: ProxyEnvironment,
        passed: [PassedSocket], _ parts: Parts, on worker: Worker, blocking: BlockingPool, log: EventLog
    ) {
        self.settings = settings
        self.place = place
        self.warnings = warnings
        self.arguments = arguments
        self.environment = environment
        self.passed = passed
        self.parts = parts
        self.worker = worker
        self.blocking = blocking
        self.log = log
    }

    /// For a signal: what comes of it is in the log.
    func reloadSoon() {
        guard !isReloading else { return isAskedAgain = true }
        guard !isOver else { return }
        worker.spawn { [self] in _ = try? await reload() }
    }

    /// - Throws: `configurationInvalid`, when nothing has changed; `wrongState`, while another one is under way.
    func reload() async throws(ControlError) -> Reload.Reply {
        guard !isReloading else { throw .wrongState("reloading") }
        isReloading = true
        ServiceManager.tell(.reloading(at: .now()))
        defer {
            isReloading = false
            if !isOver { ServiceManager.tell(.ready(place)) }
            if isAskedAgain {
                isAskedAgain = false
                reloadSoon()
            }
        }
        let reply: Reload.Reply
        do throws(ConfigurationFailure) {
            reply = try await putInForce(try await load())
        } catch {
            errors = error.diagnostics.filter { $0.severity == .error }
            log.notReloaded(errors.map(\.textWithPlace))
            throw .configurationInvalid(error.diagnostics.map(Control.Diagnostic.init))
        }
        errors = []
        warnings = reply.warnings ?? []
        loaded = CalendarTime(seconds: WallClock.now())
        log.reloaded(changed: reply.changed, needRestart: reply.requiresRestart)
        for warning in warnings { log.warning(warning) }
        return reply
    }

    private func load() async throws(ConfigurationFailure) -> LoadedConfiguration {
        let result = await blocking.run(for: "configuration", from: worker) { [arguments, settings, passed] in
            Result { () throws(ConfigurationFailure) in
                try LoadedConfiguration.load(arguments, replacing: settings, passed: passed)
            }
        }
        guard let result else { throw Self.failure("the threads for files are busy: try again") }
        return try result.get()
    }

    private static func failure(_ text: String) -> ConfigurationFailure {
        ConfigurationFailure([Diagnostic(.error, at: .commandLine, text)], exitStatus: .configuration)
    }

    private func putInForce(_ configuration: LoadedConfiguration) async throws(ConfigurationFailure) -> Reload.Reply {
        guard !isOver else { throw Self.failure("wstand is stopping") }
        let difference = SettingsDifference(from: settings, to: configuration.settings)
        var changed = difference.takesOver
        var warnings = configuration.warnings
        // The other end is another program: its users, its TLS and its key are none for this one.
        if configuration.settings.mode == settings.mode {
            // What can still fail comes first.
            do throws(ListenAddresses.Failure) {
                place = try parts.listen(configuration.plan)
            } catch {
                throw Self.failure(error.description)
            }
            warnings += configuration.plan.unusedNews(since: settings)
            if configuration.plan.hasPassedListeners { changed.removeAll { $0.hasSuffix("] listen") } }
            await apply(configuration)
            warnings += await takeKey(configuration.key, &changed)
        }
        return Reload.Reply(
            changed: changed, requiresRestart: difference.needsRestart, warnings: warnings.isEmpty ? nil : warnings)
    }

    private func apply(_ configuration: LoadedConfiguration) async {
        let next = configuration.next
        settings = next
        parts.threshold.level = next.logLevel.forLogger
        parts.replayGuard?.apply(lifetime: next.requestTTL.inSeconds, now: WallClock.now())
        // Changed files are found by the watch itself.
        if configuration.certificate?.configuration != parts.certificate?.certificate?.configuration {
            parts.certificate?.adopt(configuration.certificate)
        }
        parts.admitToControl(configuration.controlGroup)
        await parts.services.apply(next, configuration, environment)
    }

    /// - Returns: warnings.
    private func takeKey(_ key: ConfiguredKey?, _ changed: inout [String]) async -> [String] {
        guard let key else { return [] }
        let former = parts.keys.sendingKey
        do throws(KeyFailure) {
            let warnings = try await parts.keys.adopt(key)
            if parts.keys.sendingKey != former, !changed.contains(where: { $0.hasPrefix("key") }) { changed.append("key") }
            return warnings
        } catch {
            return ["the configured key was not taken over: \(error)"]
        }
    }
}

extension Services {
    fileprivate func apply(
        _ settings: Settings, _ configuration: LoadedConfiguration, _ environment: ProxyEnvironment
    ) async {
        let budget = configuration.bufferBudget / max(1, workers.count)
        for worker in workers { worker.execute { worker.budget.limit = budget } }
        switch settings.mode {
        case .client:
            // The key has its own way in.
            guard let key = clients.first?.key else { return }
            var options = ClientOptions(
                settings, key: key, trust: configuration.trust, workers: workers.count, environment: environment)
            options.users = configuration.admission.users
            options.allowedUsers = configuration.admission.allowedUsers
            await each { [options] (client: ClientService) in client.apply(options) }
        case .server:
            let options = ServerOptions(settings, keys: [], workers: workers.count)
            await each { (server: ServerService) in server.apply(options) }
        }
    }
}
