import WstanBase
import WstanConfig
import WstanControl
import WstanCore

// Where a new key comes from, and where it is written beside the ring.

extension KeyRingService {
    /// A key for a name, made here or given.
    struct Made: Sendable {
        let key: NamedKey
        /// As it was given; nil: it was made here.
        var given: Secret?
        var warnings: [String] = []

        /// What a client with it has in its configuration. A secret.
        func text(of name: KeyName, in ring: KeyRing) -> Secret? {
            switch key {
            case .v1(let key): TunnelKey.v1(key).text.map { Secret($0) }
            case .v2: ring.clientKey(of: name).map { Secret($0.string.text) }
            }
        }
    }

    /// A key that was given.
    struct Given: Sendable {
        let key: TunnelKey
        let text: Secret
        var warnings: [String] = []
    }

    /// - Parameters:
    ///   - text: of a key that is given; nil: one is made.
    ///   - version: nil: that of the given one.
    func make(_ text: String?, _ version: KeyVersion?) async throws(KeyFailure) -> Made {
        guard let text else { return Made(key: .random(version ?? .v1)) }
        let given = try await read(text, asClient: true)
        let key: NamedKey =
            switch given.key {
            case .v1(let key): .v1(key)
            case .client(let key): .v2(try user(of: key))
            case .server: throw .invalidKey("this is a server's key: give a client's")
            }
        if let version, version != key.version {
            throw .invalidKey(
                "the given key is of version \(key.version.rawValue), and not of version \(version.rawValue)")
        }
        return Made(key: key, given: given.text, warnings: given.warnings)
    }

    /// A string for another server names another key.
    private func user(of key: ClientKey) throws(KeyFailure) -> UserKey {
        guard ring.server.current?.id == key.server.id, ring.realm == key.realm else {
            throw .invalidKey("this is a string for another server: only one for this server's key can be added")
        }
        return key.user
    }

    func read(_ text: String, asClient: Bool) async throws(KeyFailure) -> Given {
        let secret = Secret(text)
        let result = await apart { () -> Result<Given, KeyParser.Problem> in
            do {
                let text = try KeyText(firstLineOf: Array(secret.text.utf8))
                let (key, warning) = try KeyParser.read(text, isClient: asClient)
                return .success(Given(key: key, text: Secret(text.text), warnings: [warning].compactMap { $0 }))
            } catch {
                return .failure(KeyParser.Problem(description: "\(error)"))
            }
        }
        switch result {
        case nil: throw .busy
        case .success(let given)?: return given
        case .failure(let problem)?: throw .invalidKey("the key \(problem)")
        }
    }

    // MARK: The configuration

    /// Puts what the configuration is to give now where it gives the former key, if a change was about that, or says what follows
    /// when that cannot be. The ring is stored before: a crash in between finds the configured key unchanged, so the ring counts.
    ///
    /// - Parameters:
    ///   - given: the new key as it was given, which cannot be told from a key that a passphrase made.
    ///   - isLate: whether an earlier change may have left the configuration behind.
    /// - Returns: whether the change was about what the configuration gives.
    @discardableResult
    func follow(
        _ given: Secret?, _ steps: inout Steps, _ change: inout KeyChange, hasFormer: Bool, isLate: Bool = false
    ) async -> Bool {
        guard let next = steps.ring.configuration(like: configured.key),
            next.id != (isLate ? configured.key : configuration).id, let text = given ?? next.text.map({ Secret($0) })
        else { return false }
        guard let obstacle = await writeConfiguration(text) else {
            configured = ConfiguredKey(key: next, text: text, source: configured.source)
            steps.ring.configurationFollowed(next, source: configured.ringSource)
            steps.stored.configurationFollowed(next, source: configured.ringSource)
            // When this fails, the next start finds the configured key as the current one, which is as good.
            if let file { _ = await store(steps.stored, in: file) }
            change.isPersisted = true
            if file == nil, hasFormer { change.warnings.append(KeyWarning.formerUntilRestart) }
            return true
        }
        if obstacle == KeyWarning.notPermitted, case .file(let path) = configured.source {
            change.staleKeyFile = path
            change.wantedInKeyFile = text
        }
        change.warnings.insert(KeyWarning.notFollowed(configured.source, because: obstacle, path: file?.path), at: 0)
        return true
    }

    /// - Returns: why not.
    private func writeConfiguration(_ text: Secret) async -> String? {
        switch configured.source {
        case .text, .environment: return "wstand cannot write it"
        case .credential: return "the service manager has passed it"
        case .file(let path):
            return await apart { KeyFile.obstacle(toKey: text.text, in: path) } ?? "the threads for files are busy"
        }
    }
}
