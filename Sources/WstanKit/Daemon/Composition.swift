import WstanConfig
import WstanCore

/// The parts of the daemon, made from the configuration that it starts with. A reload gives the same parts another one.
struct Composition {
    let context: DaemonContext
    let configuration: LoadedConfiguration
    let keys: KeyRingService
    let services: Services
    /// What the configuration was read from.
    let files: ConfigurationFiles
    /// What an administrator should be told once the start has succeeded; a failed one is explained by its error alone.
    let told: StartNotes

    /// Blocks. No other thread may run yet: the environment is changed.
    ///
    /// - Parameters:
    ///   - arguments: those that led to the settings, without the program's name.
    ///   - found: what reading the settings has to say.
    init(
        _ settings: Settings, arguments: SecretArguments, found: [Diagnostic], log: EventLog, threshold: LogThreshold
    ) throws {
        files = ConfigurationFiles(of: arguments, naming: settings)
        let environment = ProxyEnvironment.system
        if let problem = UnusableProxy(for: settings, environment) { throw problem }
        let passed = try PassedSockets.adopt()
        let key = try KeyLoader.load(settings)
        var configuration = try LoadedConfiguration(settings, key: key, found: found, passed: passed)
        // Nothing but the ring keeps it, which lets go of it when it is retired.
        configuration.key = nil
        self.configuration = configuration
        context = try DaemonContext(
            settings, arguments: arguments, environment: environment, passed: passed,
            bufferBudget: configuration.bufferBudget, log: log, threshold: threshold)
        keys = try KeyRingService(
            key, stateDirectory: settings.stateDirectory, isClient: settings.mode == .client, worker: context.main,
            blocking: context.blocking)
        let roles: [any Role] =
            switch settings.mode {
            case .client: [ClientRole(configuration, key: keys.sent, context)]
            case .server: [try ServerRole(configuration, keys, context)]
            }
        services = Services(roles)
        keys.users = services
        let refused = RefusedKeys(keys.ring, settings, now: keys.clock())
        told = StartNotes(
            warnings: configuration.warnings + keys.told.warnings + roles.flatMap(\.told.warnings),
            news: keys.told.news + [refused?.text].compactMap { $0 } + roles.flatMap(\.told.news))
    }
}
