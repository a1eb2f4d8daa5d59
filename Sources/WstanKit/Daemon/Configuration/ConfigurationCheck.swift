import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// Opens what a configuration names, as a start or a reload would, so that what would fail then is known before.
struct ConfigurationCheck {
    let settings: Settings
    /// Those of the configuration itself, then in the order in which things are opened.
    private(set) var diagnostics: [Diagnostic]

    private let origins: SettingOrigins
    private let environment: ProxyEnvironment
    /// Nil where it cannot be read here.
    private var key: ConfiguredKey?

    /// Blocks while it reads the files and asks for users.
    ///
    /// - Parameter diagnostics: what there was to say of the configuration itself.
    init(
        _ settings: Settings, _ origins: SettingOrigins, after diagnostics: [Diagnostic] = [],
        environment: ProxyEnvironment = .system
    ) {
        self.settings = settings
        self.origins = origins
        self.diagnostics = diagnostics
        self.environment = environment
        checkKey()
        checkAdmission()
        checkTLS()
        checkForwards()
        if let problem = UnusableProxy(for: settings, environment) {
            // The environment has no line.
            let key = origins.place(of: "client.proxy") == nil ? "uri" : "client.proxy"
            add(.error, key, problem.description)
        }
    }

    private mutating func checkKey() {
        let identifier: String
        switch settings.key {
        case .text: identifier = "key"
        case .file: identifier = "key-file"
        case .environment(let name):
            identifier = "key-file"
            guard getenv(name) != nil else {
                return add(.warning, identifier, "the key cannot be checked here: the environment has no \(name)")
            }
        case .credential(let name):
            identifier = "key-file"
            guard getenv("CREDENTIALS_DIRECTORY") != nil else {
                return add(.warning, identifier, "the key cannot be checked outside the service that is passed \(name)")
            }
        }
        do throws(KeyLoader.Failure) {
            let key = try KeyLoader.load(settings)
            for warning in key.warnings { add(.warning, identifier, warning) }
            self.key = key
        } catch {
            add(.error, identifier, error.description)
        }
    }

    /// Looks at the keys that a start or a reload would find, too; a reload that is done does so by itself.
    ///
    /// - Parameter running: the keys in force; nil: nothing runs.
    func withKeyRing(_ running: KeyRing? = nil) -> ConfigurationCheck {
        guard let key else { return self }
        var check = self
        do throws(KeyRingFile.Failure) {
            if let refused = try RefusedKeys(key, settings, running: running) { check.add(.warning, "server.accept-v1", refused.text) }
        } catch {
            check.add(.warning, "state-directory", error.description)
        }
        return check
    }

    private mutating func checkAdmission() {
        guard settings.mode == .client else { return }
        // Each by itself, so that everything wrong is said.
        var onlyFile = settings
        onlyFile.allowUID = []
        checkAdmission(onlyFile, "client.users-file")
        for user in settings.allowUID {
            var onlyUser = settings
            onlyUser.usersFile = nil
            onlyUser.allowUID = [user]
            checkAdmission(onlyUser, "client.allow-uid")
        }
    }

    private mutating func checkAdmission(_ settings: Settings, _ identifier: String) {
        do throws(AdmissionLoader.Failure) {
            let (admission, warnings) = try AdmissionLoader.load(settings)
            diagnostics += admission.users?.warnings ?? []
            for warning in warnings { add(.warning, identifier, warning) }
        } catch {
            guard error.diagnostics.isEmpty else {
                diagnostics += error.diagnostics
                return
            }
            add(.error, identifier, error.description)
        }
    }

    private mutating func checkTLS() {
        switch settings.mode {
        case .server:
            guard settings.uri.scheme == .wss, let whole = TLSServerContext.Configuration(settings.tls) else { return }
            var alone = whole
            alone.clientCA = nil
            check(["tls.key": whole.identity.key], else: "tls.certificate") { () throws(TLSContext.Problem) in
                try TLSServerContext(alone).warning
            }
            for warning in ServerCertificate.exposures(of: whole) { add(.warning, "tls.key", warning) }
            checkTrust(whole.clientCA, "tls.client-ca")
        case .client:
            guard settings.uris.contains(where: { $0.scheme == .wss }) else { return }
            for warning in ClientTrust.exposures(of: settings.tls) { add(.warning, "tls.key", warning) }
            var alone = TLSClientContext.Configuration(settings.tls)
            checkTrust(alone.caFile, "tls.ca-file")
            alone.caFile = nil
            check(["tls.key": settings.tls.key], else: "tls.certificate") { () throws(TLSContext.Problem) in
                _ = try TLSClientContext(alone)
                return nil
            }
        }
    }

    private mutating func checkForwards() {
        guard settings.mode == .client else { return }
        for forward in settings.forwards where Address(forward.target) == nil {
            let place = origins[forward: forward].last ?? .commandLine
            let text =
                "[forward \(forward.name)]: the server cannot be told \(forward.target.host): leave the interface out"
            diagnostics.append(Diagnostic(.error, at: place, text))
        }
    }

    private mutating func checkTrust(_ file: String?, _ identifier: String) {
        guard let file else { return }
        check([:], else: identifier) { () throws(TLSContext.Problem) in
            _ = try TLSClientContext(TLSClientContext.Configuration(caFile: file))
            return nil
        }
    }

    /// - Parameters:
    ///   - paths: what a problem may be about, by the key that names it.
    ///   - standard: the key that it is about otherwise.
    ///   - make: gives a warning.
    private mutating func check(
        _ paths: [String: String?], else standard: String, _ make: () throws(TLSContext.Problem) -> String?
    ) {
        do throws(TLSContext.Problem) {
            if let warning = try make() { add(.warning, standard, warning) }
        } catch {
            let culprit = error.path.flatMap { path in paths.first { $0.value == path }?.key }
            add(.error, culprit ?? standard, error.description)
        }
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ identifier: String, _ text: String) {
        diagnostics.append(Diagnostic(severity, at: origins.place(of: identifier) ?? .commandLine, text))
    }
}

extension ConfigurationCheck {
    /// Reads the configuration of a command line again, each file once, and opens what it names. Blocks.
    ///
    /// - Parameter arguments: without the name of the program.
    /// - Throws: everything that is wrong, where so much is that nothing can be opened.
    init(
        of arguments: [String], for purpose: Invocation.Purpose, in surroundings: Surroundings = .system
    ) throws(ConfigurationFailure) {
        let invocation = try Invocation.parse(arguments, purpose: purpose, in: surroundings)
        guard case .checkConfig(let settings, let origins, let diagnostics) = invocation else {
            let problem = Diagnostic(.error, at: .commandLine, "it asks for something else than a run")
            throw ConfigurationFailure([problem], exitStatus: .configuration)
        }
        self.init(
            settings, origins, after: diagnostics, environment: ProxyEnvironment(surroundings.variable))
    }

    /// The same, for what there is to say only.
    ///
    /// - Parameters:
    ///   - text: instead of what is in the file that the arguments name.
    ///   - running: the keys in force.
    static func diagnostics(of arguments: [String], text: String?, running: KeyRing) -> [Diagnostic] {
        var surroundings = Surroundings.system
        if let text, let file = CommandLineArguments(arguments).file {
            let read = surroundings.readFile
            surroundings.readFile = { path in path == file ? Array(text.utf8) : try read(path) }
        }
        do throws(ConfigurationFailure) {
            return try ConfigurationCheck(of: arguments, for: .check, in: surroundings).withKeyRing(running).diagnostics
        } catch {
            return error.diagnostics
        }
    }
}
