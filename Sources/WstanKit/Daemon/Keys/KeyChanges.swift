import WstanBase
import WstanConfig
import WstanControl
import WstanCore

// What changes the ring, as it is asked for.

extension KeyRingService {
    /// Gives a name another key.
    ///
    /// - Parameters:
    ///   - name: nil: the configured one.
    ///   - version: of the key; nil: that which the name has, or the given key.
    ///   - text: nil: one is made.
    ///   - grace: how long the former one is still accepted. A client accepts none.
    ///   - runtimeOnly: nothing is written.
    ///   - acceptsV1: whether a client could use a key of version 1.
    func rotate(
        name: String? = nil, version: KeyVersion? = nil, key text: String? = nil, grace: Duration = .seconds(86_400),
        runtimeOnly: Bool = false, acceptsV1: Bool = true
    ) async throws(KeyFailure) -> KeyChange {
        guard let known = name.map({ KeyName($0) }) ?? .configured else { throw .noSuchName(name ?? "") }
        if isClient { return try await replaceSent(known, by: text, runtimeOnly: runtimeOnly) }
        return try await inTurn { [self] () throws(KeyFailure) in
            let made = try await make(text, try rotated(known, version, isGiven: text != nil))
            let now = clock()
            var steps = try await prepare(runtimeOnly: runtimeOnly, of: known) { (ring) throws(KeyRing.Problem) in
                try ring.rotate(known, to: made.key, grace: grace, now: now)
            }
            var change = KeyChange(id: made.key.id, isPersisted: steps.isStored, warnings: made.warnings)
            if text == nil { change.made = made.text(of: known, in: steps.ring) }
            if !runtimeOnly {
                let given = made.key.version == .v1 ? made.given : nil
                let isConfigured = await follow(given, &steps, &change, hasFormer: grace > .zero)
                if file == nil, !isConfigured { change.warnings.append(KeyWarning.forgotten(known)) }
            }
            if made.key.version == .v1, !acceptsV1 {
                change.warnings.append(KeyWarning.uselessV1(known, hasV2: steps.ring.versions(of: known).contains(.v2)))
            }
            await install(steps)
            change.former = await list().filter {
                $0.name == known && $0.kind == made.key.kind && $0.expiry != nil
            }
            return change
        }
    }

    /// The version that a rotation is about; nil: the given key says it.
    private func rotated(
        _ name: KeyName, _ version: KeyVersion?, isGiven: Bool
    ) throws(KeyFailure) -> KeyVersion? {
        let versions = ring.versions(of: name)
        guard let first = versions.first else { throw .noSuchName(name.text) }
        guard let version else {
            if versions.count == 1 { return first }
            guard isGiven else { throw .versionNeeded(name.text) }
            return nil
        }
        guard versions.contains(version) else { throw .noKey(name.text, version) }
        return version
    }

    /// A client's key is its server's.
    private func replaceSent(
        _ name: KeyName, by text: String?, runtimeOnly: Bool
    ) async throws(KeyFailure) -> KeyChange {
        guard name == .configured else { throw .noSuchName(name.text) }
        guard let text else {
            throw .invalidKey("a client's key is its server's: give the one that rotate-key has made there")
        }
        return try await inTurn { [self] () throws(KeyFailure) in
            let read = try await read(text, asClient: true)
            let now = clock()
            var steps = try await prepare(runtimeOnly: runtimeOnly, of: .configured) { (ring) throws(KeyRing.Problem) in
                try ring.send(read.key, now: now)
            }
            var change = KeyChange(
                id: read.key.ringID, isPersisted: steps.isStored, warnings: read.warnings, replaced: sending.ringID)
            if !runtimeOnly { await follow(read.text, &steps, &change, hasFormer: false) }
            await install(steps)
            return change
        }
    }

    /// Gives a name its first key of a version, and the server its own, if version 2 needs one.
    ///
    /// - Parameters:
    ///   - version: nil: that of the given key; of one that is made, version 2 where the server speaks it.
    ///   - acceptsV1: whether a client could use a key of version 1.
    func add(
        name: String, version: KeyVersion? = nil, key text: String? = nil, runtimeOnly: Bool = false, acceptsV1: Bool = true
    ) async throws(KeyFailure) -> KeyChange {
        guard !isClient else { throw .notPossible("names and their keys are a server's: add it there") }
        guard let known = KeyName(name) else { throw .invalidName(name) }
        return try await inTurn { [self] () throws(KeyFailure) in
            let spoken: KeyVersion = ring.server.isEmpty && acceptsV1 ? .v1 : .v2
            let made = try await make(text, version ?? (text == nil ? spoken : nil))
            guard acceptsV1 || made.key.version == .v2 else {
                throw .notPossible(KeyWarning.refusedV1(isGiven: text != nil))
            }
            let serverKey = made.key.version == .v2 && ring.server.isEmpty ? ServerKey.random() : nil
            let now = clock()
            let steps = try await prepare(runtimeOnly: runtimeOnly, of: known) { (ring) throws(KeyRing.Problem) in
                if let serverKey, ring.server.isEmpty {
                    try ring.rotateServerKey(to: serverKey, grace: .zero, now: now)
                }
                try ring.add(known, made.key, now: now)
            }
            await install(steps)
            return KeyChange(
                id: made.key.id, made: text == nil ? made.text(of: known, in: steps.ring) : nil,
                isPersisted: steps.isStored,
                warnings: made.warnings + (file == nil && !runtimeOnly ? [KeyWarning.forgotten(known)] : []),
                others: await list().filter { $0.name == known && $0.id != made.key.id })
        }
    }

    /// Ends a key now, even when that cannot be stored: who asks for it may be in need.
    ///
    /// - Parameter closing: its tunnels end too.
    func retire(id text: String, closing: Bool = false) async throws(KeyFailure) -> KeyChange {
        guard let id = KeyID(text: text) else { throw .noSuchKey(text) }
        return try await inTurn { [self] () throws(KeyFailure) in
            let given = await configuredNow()
            // The configuration may still have a key that is retired: then it is what is left to do.
            let isLeft =
                !isClient && !ring.acceptedIDs.contains(id) && given.key.holds(id) && configuration.id != given.key.id
            let retire: Change = { (ring) throws(KeyRing.Problem) in if !isLeft { try ring.retire(id) } }
            var change = KeyChange(id: id, name: ring.name(of: id) ?? (isLeft ? .configured : nil), isPersisted: true)
            var steps: Steps
            do throws(KeyFailure) {
                steps = try await prepare(runtimeOnly: false, id: id, retire)
                change.isPersisted = steps.isStored
            } catch {
                guard let cause = error.obstacle else { throw error }
                steps = try await prepare(runtimeOnly: true, id: id, retire)
                change.isPersisted = false
                change.warnings.append("\(cause): the key is retired until the next restart only")
            }
            await leave(id, given, &steps, &change)
            // Before idle ones close with the key, and again for those that it has opened meanwhile.
            if closing { change.closed = await users.closeTunnels(openedWith: id) }
            await install(steps)
            if closing { change.closed += await users.closeTunnels(openedWith: id) }
            return change
        }
    }

    /// Takes a key that is retired out of the configuration where another one can stand instead, or says what follows.
    ///
    /// - Parameter given: by the configuration.
    private func leave(
        _ id: KeyID, _ given: ConfiguredKey, _ steps: inout Steps, _ change: inout KeyChange
    ) async {
        let isGiven = given.key.holds(id)
        // While the stored ring still has the key, the configuration does not go ahead of it.
        if isGiven, file == nil || steps.isStored {
            let told = change.warnings
            await follow(nil, &steps, &change, hasFormer: false, isLate: true)
            if change.staleKeyFile != nil { change.warnings[0] += " " + KeyWarning.writtenByRoot(id) }
            if change.warnings != told { return }
        }
        change.warnings += KeyWarning.afterRetiring(id, isGiven ? configured : given, path: file?.path)
    }

    /// The configured key as it is in its file now: a new one may have been put there since.
    private func configuredNow() async -> ConfiguredKey {
        guard case .file = configured.source else { return configured }
        return await apart { [source = configured.source, isClient] in try? KeyLoader.load(source, isClient: isClient) }
            .flatMap { $0 } ?? configured
    }

    // MARK: The server's own key

    /// Gives the server another key of its own, with which each user needs another string.
    ///
    /// - Parameters:
    ///   - grace: how long the former one is still accepted.
    ///   - isForced: users who could not connect from then on do not matter.
    func rotateServerKey(
        grace: Duration, isForced: Bool, runtimeOnly: Bool = false
    ) async throws(KeyFailure) -> KeyChange {
        guard !isClient else { throw .notPossible("a client has no server key: rotate it at the server") }
        return try await inTurn { [self] () throws(KeyFailure) in
            guard !ring.server.isEmpty else { throw KeyFailure(.noServerKey) }
            let now = clock()
            let cutOff = CutOffUsers(ring, await list().map(Control.Key.init), grace: grace, now: now)
            if let cutOff, !cutOff.names.isEmpty, !isForced { throw .notPossible(cutOff.refusal) }
            let key = ServerKey.random()
            var steps = try await prepare(runtimeOnly: runtimeOnly) { (ring) throws(KeyRing.Problem) in
                try ring.rotateServerKey(to: key, grace: grace, now: now)
            }
            var change = KeyChange(id: key.ringID, isPersisted: steps.isStored)
            if !runtimeOnly {
                await follow(nil, &steps, &change, hasFormer: grace > .zero)
                if file == nil, !change.isPersisted { change.warnings.append(KeyWarning.forgottenServerKey) }
            }
            change.warnings += cutOff?.warnings ?? []
            await install(steps)
            change.former = await list().filter { $0.kind == .server && $0.expiry != nil }
            return change
        }
    }

    // MARK: What a client is given

    /// The key of a name as a client's configuration has it. A secret.
    ///
    /// - Parameter version: nil: the later one that the name has.
    func clientKey(of name: String? = nil, version: KeyVersion? = nil) throws(KeyFailure) -> Secret {
        guard let known = name.map({ KeyName($0) }) ?? .configured else { throw .noSuchName(name ?? "") }
        if isClient {
            guard known == .configured else { throw .noSuchName(known.text) }
            return try text(of: sending, named: known)
        }
        if version != .v1, let key = ring.clientKey(of: known) { return Secret(key.string.text) }
        if version != .v2, let key = ring.current(of: known)?.key { return try text(of: .v1(key), named: known) }
        guard let version, ring.entry(known) != nil else { throw .noSuchName(known.text) }
        throw .noKey(known.text, version)
    }

    private func text(of key: TunnelKey, named name: KeyName) throws(KeyFailure) -> Secret {
        if key == configured.key { return configured.text }
        guard let text = key.text else {
            throw .notPossible("the key of \(name) is a passphrase, which is not kept: give it to the client by hand")
        }
        return Secret(text)
    }
}
