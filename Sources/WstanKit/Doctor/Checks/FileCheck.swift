import WstanBase
import WstanConfig
import WstanCore

/// Reads what the configuration names, and says what is wrong with it. Blocks.
struct FileCheck {
    private(set) var findings: [Finding] = []
    /// Nil: a server's of version 2 that has no user yet, or unreadable, and told.
    private(set) var key: SentKey?
    /// A server's own, of version 2: with it the doctor's question is no use of the user's key in whose name it asks.
    private(set) var serverKey: ServerKey?
    /// A client's; nil when none of its servers wants TLS, or when its files are wrong.
    private(set) var trust: ClientTrust?
    /// A server's that speaks TLS itself.
    private(set) var server: TLSServerContext?

    /// - Parameters:
    ///   - warnings: what has been found by reading the configuration itself.
    ///   - now: seconds since the epoch.
    init(_ settings: Settings, warnings: [Diagnostic], now: Double) {
        findings = warnings.map { .warning("configuration", $0.textWithPlace) }
        if warnings.isEmpty { findings.append(.ok("configuration", Self.summary(settings))) }
        readKey(settings)
        do throws(AdmissionLoader.Failure) {
            let (admission, warnings) = try AdmissionLoader.load(settings)
            for warning in (admission.users?.warnings ?? []).map(\.textWithPlace) + warnings {
                findings.append(.warning("users", warning))
            }
        } catch {
            findings.append(
                .failed(
                    .configuration, "users", error.description,
                    remedy: settings.usersFile.flatMap { UnreadableFile.remedy($0) }))
        }
        switch settings.mode {
        case .client: readClientFiles(settings)
        case .server: readServerFiles(settings, now)
        }
    }

    private static func summary(_ settings: Settings) -> String {
        switch settings.mode {
        case .client:
            settings.uris.count == 1
                ? "it is good, a client's" : "it is good, a client's of \(settings.uris.count) servers"
        case .server: "it is good, a server's"
        }
    }

    // MARK: The key

    /// The one that a daemon with this configuration works by: the ring may have a later one than the configuration.
    private mutating func readKey(_ settings: Settings) {
        let source = settings.key
        do throws(KeyLoader.Failure) {
            let configured = try KeyLoader.load(settings)
            let rotated = rotatedKey(since: configured, settings.stateDirectory)
            let found = rotated?.key ?? configured.key
            key = sent(found, settings.stateDirectory)
            if case .server(let own, _, _) = found { serverKey = own }
            for warning in configured.warnings { findings.append(.warning("key", warning)) }
            if let refused = try? RefusedKeys(configured, settings) { findings.append(.warning("key", refused.text)) }
            guard configured.warnings.isEmpty || rotated != nil else { return }
            findings.append(.ok("key", "\(Self.kind(of: found)), from \(rotated?.place ?? Self.place(of: source))"))
        } catch {
            findings.append(.failed(.configuration, "key", error.description, remedy: Self.remedy(source)))
        }
    }

    /// - Returns: nil when the configured key is the current one.
    private mutating func rotatedKey(since configured: ConfiguredKey, _ directory: String?) -> (
        key: TunnelKey, place: String
    )? {
        guard let file = directory.map({ KeyRingFile(in: $0) }) else { return nil }
        do throws(KeyRingFile.Failure) {
            guard var ring = try file.load() else { return nil }
            _ = ring.adopt(configured: configured.key, source: configured.ringSource)
            guard let key = ring.configuration(like: configured.key), key.id != configured.key.id else { return nil }
            return (key, "\(file.path), which is later than the configured one")
        } catch {
            findings.append(
                .warning(
                    "key", error.description,
                    remedy:
                        "if a key was rotated it is in there, and the doctor asks with the configured one: use sudo"
                ))
            return nil
        }
    }

    /// What a client of it sends. A server that shares no key with one is asked with the key of a user of its ring.
    private func sent(_ key: TunnelKey, _ directory: String?) -> SentKey? {
        guard case .server(let server, let realm, let user) = key else { return SentKey(key) }
        let ring = directory.flatMap { try? KeyRingFile(in: $0).load() }
        guard let user = user ?? ring?.entries.lazy.compactMap(\.v2.current?.key).first else { return nil }
        return SentKey(.client(ClientKey(server: server.publicKey, user: user, realm: realm)))
    }

    private static func kind(of key: TunnelKey) -> String {
        switch key {
        case .v1(let key): key.count == 16 ? "a key of 16 bytes" : "a passphrase"
        case .server(_, _, user: nil): "a server's of version 2"
        case .server: "a server's of version 2, with its first client's"
        case .client: "a client's of version 2"
        }
    }

    private static func place(of source: KeySource) -> String {
        switch source {
        case .text: "the configuration"
        case .file(let path): path
        case .environment(let name): "the variable \(name)"
        case .credential(let name): "the credential \(name)"
        }
    }

    private static func remedy(_ source: KeySource) -> String? {
        switch source {
        case .text: nil
        case .file(let path):
            UnreadableFile.remedy(path)
                ?? "put a key there: at the server, wstanctl init server makes one and prints a client's"
        case .environment(let name): "set \(name) for the doctor as the service has it"
        case .credential(let name):
            "only the service is passed it: systemd-run --pipe -p LoadCredential=\(name):FILE wstand --doctor ..."
        }
    }

    // MARK: TLS

    private mutating func readClientFiles(_ settings: Settings) {
        guard settings.uris.contains(where: { $0.scheme == .wss }) else { return }
        do throws(TLSContext.Problem) {
            trust = try ClientTrust.load(settings)
        } catch {
            findings.append(
                .failed(
                    .configuration, "TLS", error.description, remedy: error.path.flatMap { UnreadableFile.remedy($0) }))
        }
    }

    private mutating func readServerFiles(_ settings: Settings, _ now: Double) {
        guard settings.uri.scheme == .wss else { return }
        guard let configuration = TLSServerContext.Configuration(settings.tls) else {
            return findings.append(.ok("TLS", "a front ends it, since there is no certificate here"))
        }
        do throws(TLSContext.Problem) {
            let context = try TLSServerContext(configuration)
            server = context
            for exposure in ServerCertificate.exposures(of: configuration) { findings.append(.warning("TLS", exposure)) }
            findings.append(Self.judge(context, configuration.identity.certificate, now))
        } catch {
            findings.append(
                .failed(
                    .configuration, "TLS", error.description,
                    remedy: error.path.flatMap { UnreadableFile.remedy($0) }
                        ?? "correct certificate, key and client-ca in [tls]"))
        }
    }

    private static func judge(_ context: TLSServerContext, _ file: String, _ now: Double) -> Finding {
        let renew = "renew it (certbot renew); wstand takes the new file over by itself"
        if let warning = context.warning {
            return .failed(.other, "TLS", warning, remedy: "\(renew); clients take none that is not valid today")
        }
        guard let end = context.certificateEnd else { return .ok("TLS", "the certificate in \(file) fits its key") }
        guard end.seconds - now > CertificateObservation.notice else {
            let left = HumanText.seconds(end.seconds - now)
            return .warning("TLS", "the certificate in \(file) expires on \(end.day), in \(left)", remedy: renew)
        }
        return .ok("TLS", "the certificate in \(file) fits its key and is good until \(end.day)")
    }
}
