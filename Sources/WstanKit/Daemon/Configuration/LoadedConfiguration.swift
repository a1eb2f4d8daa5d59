import Glibc
import WstanConfig
import WstanCore

/// A configuration with everything that it names, read and checked before any of it is in force. The start and every reload
/// put one in force.
struct LoadedConfiguration: Sendable {
    /// As it was read.
    let settings: Settings
    /// As it is to be in force: without what needs a restart.
    let next: Settings
    /// Nil: it stands in the environment, which was read once, or the key ring has it.
    var key: ConfiguredKey?
    let admission: AdmissionLoader.Admission
    /// A client's, with a server behind `wss://`.
    let trust: ClientTrust?
    /// A server's that speaks TLS itself.
    let certificate: ServerCertificate?
    /// What the sockets are for that were passed instead of what the configuration says.
    let activation: SocketActivation
    let plan: ListenPlan
    /// For the buffers of all workers.
    let bufferBudget: Int
    /// The group that may use the control socket; nil when there is no such group, or no control socket.
    let controlGroup: UInt32?
    let warnings: [String]

    /// Reads and opens what the settings name. Blocks.
    ///
    /// - Parameters:
    ///   - former: what is in force; nil at the start.
    ///   - found: what reading the settings, and at a reload their check, has to say.
    ///   - passed: sockets that are there instead of what the configuration says.
    init(
        _ settings: Settings, replacing former: Settings? = nil, key: ConfiguredKey?, found: [Diagnostic],
        passed: [PassedSocket]
    ) throws {
        self.settings = settings
        self.key = key
        // Of the other end, which needs a restart, only what it names is looked at.
        let next = if let former, former.mode == settings.mode { former.reloaded(with: settings) } else { settings }
        self.next = next
        activation = try SocketActivation(passed, forwards: next.mode == .client ? next.forwards : [])
        let (admission, admissionWarnings) = try AdmissionLoader.load(next)
        self.admission = admission
        trust = try ClientTrust.load(next)
        certificate = try ServerCertificate.load(next)
        plan = try ListenPlan(next, activation)
        bufferBudget = MachineSize.bufferBudget(next)
        let hasControl = Self.hasControlSocket(next, activation)
        let (group, groupWarning) = hasControl ? LocalGroup.control(next) : (nil, nil)
        controlGroup = group
        // The check before a reload has told of these files, with their places in the configuration.
        let ofFiles =
            former == nil
            ? (key?.warnings ?? []) + (admission.users?.warnings ?? []).map(\.textWithPlace) + admissionWarnings
                + (certificate?.warnings ?? []) + (trust == nil ? [] : ClientTrust.exposures(of: next.tls))
                + [next.controlSocket.flatMap { FileExposure.change(ofDirectory: Self.directory(of: $0)) }].compactMap { $0 }
            : []
        warnings = found.map(\.textWithPlace) + ofFiles + plan.warnings + [groupWarning].compactMap { $0 }
    }

    private static func directory(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" }

    var hasControlSocket: Bool { Self.hasControlSocket(next, activation) }

    private static func hasControlSocket(_ settings: Settings, _ activation: SocketActivation) -> Bool {
        activation.control != nil || settings.controlSocket != nil
    }
}

extension LoadedConfiguration {
    /// Reads what a command line leads to, for a reload. Blocks.
    ///
    /// - Throws: everything that is wrong, errors among it.
    static func load(
        _ arguments: [String], replacing former: Settings, passed: [PassedSocket],
        in surroundings: Surroundings = .system
    ) throws(ConfigurationFailure) -> LoadedConfiguration {
        let check = try ConfigurationCheck(of: arguments, for: .reload, in: surroundings)
        if let failure = ConfigurationFailure(of: check.diagnostics) { throw failure }
        // What could be opened for the check may still be gone now.
        do {
            return try LoadedConfiguration(
                check.settings, replacing: former, key: try loadKey(check.settings), found: check.diagnostics,
                passed: passed)
        } catch {
            throw ConfigurationFailure([Diagnostic(.error, at: .commandLine, "\(error)")], exitStatus: .configuration)
        }
    }

    private static func loadKey(_ settings: Settings) throws(KeyLoader.Failure) -> ConfiguredKey? {
        switch settings.key {
        case .environment(let name) where getenv(name) == nil: nil
        case .text, .file, .credential, .environment: try KeyLoader.load(settings)
        }
    }
}
