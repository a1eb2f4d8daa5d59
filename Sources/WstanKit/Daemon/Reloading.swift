import Glibc
import WstanControl

/// Puts another configuration in force while the daemon runs, all of it or nothing. Confined to the main worker.
final class Reloading: @unchecked Sendable {
    /// What is in force.
    private(set) var settings: Settings
    private(set) var loaded = CalendarTime(seconds: WallClock.now())
    /// Why the last reload has changed nothing.
    private(set) var errors: [Diagnostic] = []
    private(set) var isReloading = false

    private let arguments: [String]
    private let environment: ProxyEnvironment
    private let worker: Worker
    private let services: Services
    private let keys: KeyKeeper
    private let blocking: BlockingPool
    private let threshold: LogThreshold
    private let log: EventLog
    /// A server's.
    private let replayGuard: ReplayGuard?
    /// What is said when it is ready again.
    private let place: String

    /// Whether a reload does not take over in this version what the table says that it does.
    private func isLater(_ name: String) -> Bool {
        switch name {
        case "[client] listen", "[server] listen", "memory-limit", "[control] group": true
        // Of a server; at a client they belong to the way.
        case "[tls] certificate", "[tls] key", "[tls] client-ca": settings.mode == .server
        default: name.hasPrefix("[forward ")
        }
    }

    init(
        _ settings: Settings, arguments: [String], environment: ProxyEnvironment, on worker: Worker, services: Services,
        keys: KeyKeeper, blocking: BlockingPool, threshold: LogThreshold, log: EventLog, replayGuard: ReplayGuard?,
        place: String
    ) {
        self.settings = settings
        self.arguments = arguments
        self.environment = environment
        self.worker = worker
        self.services = services
        self.keys = keys
        self.blocking = blocking
        self.threshold = threshold
        self.log = log
        self.replayGuard = replayGuard
        self.place = place
    }

    /// - Throws: `configurationInvalid`, when nothing has changed; `wrongState`, while another one is under way.
    func reload() async throws(ControlError) -> Reload.Reply {
        guard !isReloading else { throw .wrongState("reloading") }
        isReloading = true
        ServiceManager.tell(.reloading(at: .now()))
        defer {
            isReloading = false
            ServiceManager.tell(.ready(place))
        }
        let configuration: LoadedConfiguration
        switch await load() {
        case .success(let found): configuration = found
        case .failure(let failure):
            errors = failure.diagnostics.filter { $0.severity == .error }
            log.notReloaded(errors.map(\.textWithPlace))
            throw .configurationInvalid(failure.diagnostics.map(Control.Diagnostic.init))
        }
        let reply = await putInForce(configuration)
        errors = []
        loaded = CalendarTime(seconds: WallClock.now())
        log.reloaded(changed: reply.changed, needRestart: reply.requiresRestart)
        for warning in reply.warnings ?? [] { log.warning(warning) }
        return reply
    }

    private func load() async -> Result<LoadedConfiguration, ConfigurationFailure> {
        let result = await blocking.run(for: "configuration", from: worker) { [arguments] in
            Result { () throws(ConfigurationFailure) in try LoadedConfiguration.load(arguments) }
        }
        if let result { return result }
        let busy = Diagnostic(.error, at: .commandLine, "the threads for files are busy: try again")
        return .failure(ConfigurationFailure([busy], exitStatus: .configuration))
    }

    private func putInForce(_ configuration: LoadedConfiguration) async -> Reload.Reply {
        let difference = SettingsDifference(from: settings, to: configuration.settings)
        let later = difference.needsRestart + difference.takesOver.filter(isLater)
        // The other end is another program: its users, its TLS and its key are none for this one.
        guard configuration.settings.mode == settings.mode else {
            return Reload.Reply(changed: [], requiresRestart: later, warnings: configuration.warnings)
        }
        var next = settings.reloaded(with: configuration.settings)
        (next.listen, next.forwards, next.memoryLimit) = (settings.listen, settings.forwards, settings.memoryLimit)
        if next.mode == .server { next.tls = settings.tls }
        var changed = difference.takesOver.filter { !isLater($0) }
        var warnings = configuration.warnings
        settings = next

        threshold.level = next.logLevel.forLogger
        replayGuard?.take(lifetime: next.requestTTL.inSeconds)
        await services.take(next, configuration, environment)
        if let key = configuration.key {
            let former = keys.sendingKey
            do throws(KeyFailure) {
                warnings += try await keys.adopt(key)
            } catch {
                warnings.append("the configured key was not taken over: \(error)")
            }
            if keys.sendingKey != former, !changed.contains(where: { $0.hasPrefix("key") }) { changed.append("key") }
        }
        return Reload.Reply(changed: changed, requiresRestart: later, warnings: warnings.isEmpty ? nil : warnings)
    }
}

extension Services {
    fileprivate func take(
        _ settings: Settings, _ configuration: LoadedConfiguration, _ environment: ProxyEnvironment
    ) async {
        switch settings.mode {
        case .client:
            // The key has its own way in.
            guard let key = clients.first?.key else { return }
            var options = ClientOptions(
                settings, key: key, tls: configuration.tls, workers: workers.count, environment: environment)
            options.users = configuration.admission.users
            options.allowedUsers = configuration.admission.allowedUsers
            await each { [options] (client: ClientService) in client.take(options) }
        case .server:
            let options = ServerOptions(settings, keys: [], workers: workers.count)
            await each { (server: ServerService) in server.take(options) }
        }
    }
}
