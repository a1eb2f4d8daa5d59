import Glibc

/// A configuration with everything that it names, read and checked before any of it is in force.
struct LoadedConfiguration: Sendable {
    /// As it was read.
    let settings: Settings
    /// As it is to be in force: without what needs a restart.
    let next: Settings
    /// Nil: it stands in the environment, which was read once.
    let key: ConfiguredKey?
    let admission: AdmissionLoader.Admission
    /// A client's, with a server behind `wss://`.
    let trust: ClientTrust?
    /// A server's that speaks TLS itself.
    let certificate: ServerCertificate?
    let plan: ListenPlan
    /// For the buffers of all workers.
    let bufferBudget: Int
    /// Who may use the control socket; nil when there is no such group.
    let controlGroup: UInt32?
    let warnings: [String]

    /// Reads what a command line leads to. Blocks.
    ///
    /// - Parameters:
    ///   - former: what is in force.
    ///   - passed: sockets that are there instead of what the configuration says.
    /// - Throws: everything that is wrong, errors among it.
    static func load(
        _ arguments: [String], replacing former: Settings, passed: [PassedSocket],
        in surroundings: Surroundings = .system
    ) throws(ConfigurationFailure) -> LoadedConfiguration {
        let check = try ConfigurationCheck(of: arguments, for: .reload, in: surroundings)
        if let failure = ConfigurationFailure(of: check.diagnostics) { throw failure }
        let settings = check.settings
        // Of the other end, which needs a restart, only what it names is looked at.
        let next = settings.mode == former.mode ? former.reloaded(with: settings) : settings
        let (group, groupWarning) = LocalGroup.control(next)
        // What could be opened for the check may still be gone now.
        do {
            let plan = try ListenPlan(next, SocketActivation(passed, forwards: next.forwards))
            return LoadedConfiguration(
                settings: settings, next: next, key: try loadKey(settings.key),
                admission: try AdmissionLoader.load(next).admission, trust: try ClientTrust.load(next),
                certificate: try ServerCertificate.load(next), plan: plan, bufferBudget: MachineSize.bufferBudget(next),
                controlGroup: group,
                // The check has looked at all else.
                warnings: check.diagnostics.map(\.textWithPlace) + plan.warnings + [groupWarning].compactMap { $0 })
        } catch {
            throw ConfigurationFailure([Diagnostic(.error, at: .commandLine, "\(error)")], exitStatus: .configuration)
        }
    }

    private static func loadKey(_ source: KeySource) throws(KeyLoader.Failure) -> ConfiguredKey? {
        switch source {
        case .environment(let name) where getenv(name) == nil: nil
        case .text, .file, .credential, .environment: try KeyLoader.load(source)
        }
    }
}
