import Glibc

/// A configuration with everything that it names, read and checked before any of it is in force.
struct LoadedConfiguration: Sendable {
    let settings: Settings
    /// Nil: it stands in the environment, which was read once.
    let key: ConfiguredKey?
    let admission: AdmissionLoader.Admission
    /// A client's, with a server behind `wss://`.
    let tls: TLSClientContext?
    let warnings: [String]

    /// Reads what a command line leads to. Blocks.
    ///
    /// - Throws: everything that is wrong, errors among it.
    static func load(_ arguments: [String]) throws(ConfigurationFailure) -> LoadedConfiguration {
        let found = ConfigurationCheck.diagnostics(of: arguments, text: nil)
        if let failure = ConfigurationFailure(of: found) { throw failure }
        guard case .run(let settings, _) = try Invocation.parse(arguments, in: .system) else {
            throw failure("it asks for something else than a run")
        }
        // What could be opened for the check may still be gone now.
        do {
            let (admission, _) = try AdmissionLoader.load(settings)
            let usesTLS = settings.mode == .client && settings.uris.contains { $0.scheme == .wss }
            return LoadedConfiguration(
                settings: settings, key: try loadKey(settings.key), admission: admission,
                tls: usesTLS ? try TLSClientContext(TLSClientContext.Configuration(settings.tls)) : nil,
                // The check has looked at all of it.
                warnings: found.map(\.textWithPlace))
        } catch {
            throw failure("\(error)")
        }
    }

    private static func loadKey(_ source: KeySource) throws(KeyLoader.Failure) -> ConfiguredKey? {
        switch source {
        case .environment(let name) where getenv(name) == nil: nil
        case .text, .file, .credential, .environment: try KeyLoader.load(source)
        }
    }

    private static func failure(_ text: String) -> ConfigurationFailure {
        ConfigurationFailure([Diagnostic(.error, at: .commandLine, text)], exitStatus: .configuration)
    }
}
