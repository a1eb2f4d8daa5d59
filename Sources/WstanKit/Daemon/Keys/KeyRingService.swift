import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// Keeps the key ring: changes it, stores it, writes the configuration's key file where it may, and hands the ring to the
/// services. One change after the other. Confined to its worker; what blocks is done elsewhere.
final class KeyRingService: @unchecked Sendable {
    private(set) var ring: KeyRing
    /// What works by the ring. To be set before the first change.
    var users = Services() {
        didSet { uses.users = users }
    }
    private(set) var told = StartNotes()

    /// What is in the file, or would be: without what was to last until a restart only.
    private var stored: KeyRing
    private var configured: ConfiguredKey
    private let file: KeyRingFile?
    private let uses: KeyUseRecord
    private let isClient: Bool
    private let worker: Worker
    private let blocking: BlockingPool
    private let clock: @Sendable () -> CalendarTime
    /// The change that was asked for last, and how many are not through.
    private var last: Task<Void, Never>?
    private var waiting = 0
    private var expiry: Timers.ID?

    private static let maxWaiting = 32
    /// The calendar's clock may be set, so an expiry is looked for at least so often.
    private static let longestLook: Duration = .seconds(3600)

    /// At the start only: it blocks. The configured key wins when it was edited since the ring grew from it.
    ///
    /// - Parameter stateDirectory: nil: nothing outlives the process.
    /// - Throws: when there is a ring that cannot be read.
    init(
        _ configured: ConfiguredKey, stateDirectory: String?, isClient: Bool, worker: Worker, blocking: BlockingPool,
        clock: @escaping @Sendable () -> CalendarTime = { CalendarTime(seconds: WallClock.now()) }
    ) throws(KeyRingFile.Failure) {
        self.configured = configured
        self.isClient = isClient
        self.worker = worker
        self.blocking = blocking
        self.clock = clock
        file = stateDirectory.map { KeyRingFile(in: $0) }
        uses = KeyUseRecord(stateDirectory: stateDirectory, worker: worker, blocking: blocking)
        told.warnings = [file?.warning].compactMap { $0 } + (file?.exposures ?? []) + [uses.warning].compactMap { $0 }
        ring = KeyRing(configured: configured.key, source: configured.ringSource)
        stored = ring
        guard let file, var found = try file.load() else { return }
        let before = found
        told.news = [Self.adopt(configured, into: &found, of: file)].compactMap { $0 }
        if isClient { found.keepConfigured(configured.key, source: configured.ringSource) }
        found.expire(now: clock())
        // When it cannot be written the next start comes to the same.
        if found != before { try? file.store(found) }
        ring = found
        stored = found
    }

    /// On the worker: former keys are forgotten when they have expired.
    func start() {
        lookForExpiry()
        uses.start { [unowned self] in Set(ring.names.keys) }
    }

    /// The last thing, while the services still answer: stores how often the keys were used.
    func close() async { await uses.store(Set(ring.names.keys)) }

    /// What a client sends.
    var sendingKey: Key { ring.current(of: .configured)?.key ?? configured.key }

    /// Whether a reload that finds this key in the configuration would change nothing: it is as it was read or written since, or as a
    /// rotation has left it to an administrator, whose program writes what wstand may not.
    func isConfigured(_ key: Key) -> Bool { key == configured.key || key == sendingKey }

    /// - Returns: what to tell when the configured key has won.
    private static func adopt(_ configured: ConfiguredKey, into ring: inout KeyRing, of file: KeyRingFile?) -> String? {
        switch ring.adopt(configured: configured.key, source: configured.ringSource) {
        case .stands: nil
        case .replaced(let former, let names): KeyWarning.replaced(former, names, path: file?.path)
        }
    }

    // MARK: What is asked for

    /// Every key that is in the ring, in the order in which they are tried.
    func list() async -> [ListedKey] {
        let uses = await uses.uses()
        var ring = ring
        ring.expire(now: clock())
        return ring.entries.flatMap { entry in
            entry.keys.map { key in
                ListedKey(
                    id: key.id, name: entry.name, source: key.source, created: key.created, expiry: key.expiry,
                    use: uses[key.id] ?? KeyUse())
            }
        }
    }

    /// The key of a name as a client's configuration has it. A secret.
    func clientKey(of name: String? = nil) throws(KeyFailure) -> Secret {
        guard let name = name.map({ KeyName($0) }) ?? .configured, let key = ring.current(of: name)?.key else {
            throw .noSuchName(name ?? KeyName.configured.text)
        }
        if let text = KeyParser.text(of: key) { return Secret(text) }
        guard key == configured.key else {
            throw .notPossible("the key of \(name) is a passphrase, which is not kept: give it to the client by hand")
        }
        return configured.text
    }

    /// Gives a name another key.
    ///
    /// - Parameters:
    ///   - name: nil: the configured one.
    ///   - text: nil: one is made.
    ///   - grace: how long the former one is still accepted. A client accepts none.
    ///   - runtimeOnly: nothing is written.
    func rotate(
        name: String? = nil, key text: String? = nil, grace: Duration = .seconds(86_400), runtimeOnly: Bool = false
    ) async throws(KeyFailure) -> KeyChange {
        guard let known = name.map({ KeyName($0) }) ?? .configured else { throw .noSuchName(name ?? "") }
        if isClient {
            guard known == .configured else { throw .noSuchName(known.text) }
            guard text != nil else {
                throw .invalidKey("a client's key is its server's: give the one that rotate-key has made there")
            }
        }
        let grace = isClient ? .zero : grace
        return try await inTurn { [self] () throws(KeyFailure) in
            let made = try await make(text)
            let now = clock()
            var steps = try await prepare(runtimeOnly: runtimeOnly, of: known) { (ring) throws(KeyRing.Problem) in
                try ring.rotate(known, to: made.key, grace: grace, now: now)
            }
            var change = KeyChange(
                id: made.key.id, made: text == nil ? made.text : nil, isPersisted: steps.isStored,
                warnings: made.warnings)
            if !runtimeOnly, known == .configured {
                await follow(made, &steps, &change, hasFormer: grace > .zero)
            } else if !runtimeOnly, file == nil {
                change.warnings.append(KeyWarning.forgotten(known))
            }
            await install(steps)
            change.former = await list().filter { $0.name == known && $0.expiry != nil }
            return change
        }
    }

    /// Gives a key to a new name.
    func add(name: String, key text: String? = nil, runtimeOnly: Bool = false) async throws(KeyFailure) -> KeyChange {
        guard !isClient else { throw .notPossible("names and their keys are a server's: add it there") }
        guard let known = KeyName(name) else { throw .invalidName(name) }
        return try await inTurn { [self] () throws(KeyFailure) in
            let made = try await make(text)
            let now = clock()
            let steps = try await prepare(runtimeOnly: runtimeOnly, of: known) { (ring) throws(KeyRing.Problem) in
                try ring.add(known, made.key, now: now)
            }
            await install(steps)
            return KeyChange(
                id: made.key.id, made: text == nil ? made.text : nil, isPersisted: steps.isStored,
                warnings: made.warnings + (file == nil && !runtimeOnly ? [KeyWarning.forgotten(known)] : []))
        }
    }

    /// Ends a key now, even when that cannot be stored: who asks for it may be in need.
    ///
    /// - Parameter closing: its tunnels end too.
    func retire(id text: String, closing: Bool = false) async throws(KeyFailure) -> KeyRetirement {
        guard let id = KeyID(text: text) else { throw .noSuchKey(text) }
        return try await inTurn { [self] () throws(KeyFailure) in
            let change: Change = { (ring) throws(KeyRing.Problem) in try ring.retire(id) }
            var retirement = KeyRetirement(name: ring.names[id], isPersisted: true)
            var steps: Steps
            do throws(KeyFailure) {
                steps = try await prepare(runtimeOnly: false, of: nil, id: id, change)
                retirement.isPersisted = steps.isStored
            } catch {
                let cause: String
                switch error {
                case .keyReadOnly(let why), .notStored(let why): cause = why
                case .noSuchKey, .noSuchName, .nameTaken, .invalidName, .invalidKey, .notPossible, .busy: throw error
                }
                steps = try await prepare(runtimeOnly: true, of: nil, id: id, change)
                retirement.isPersisted = false
                retirement.warnings.append("\(cause): the key is retired until the next restart only")
            }
            retirement.warnings += KeyWarning.afterRetiring(id, await configuredNow(), path: file?.path)
            // Before idle ones close with the key, and again for those that it has opened meanwhile.
            if closing { retirement.closed = await users.closeTunnels(openedWith: id) }
            await install(steps)
            if closing { retirement.closed += await users.closeTunnels(openedWith: id) }
            return retirement
        }
    }

    /// The configured key as it is in its file now: a new one may have been put there since.
    private func configuredNow() async -> ConfiguredKey {
        guard case .file = configured.source else { return configured }
        return await apart { [source = configured.source] in try? KeyLoader.load(source) }.flatMap { $0 } ?? configured
    }

    /// The configuration was read again. Its key wins when it was edited.
    ///
    /// - Returns: what was done, and what is wrong.
    func adopt(_ configured: ConfiguredKey) async throws(KeyFailure) -> (news: [String], warnings: [String]) {
        try await inTurn { [self] () throws(KeyFailure) in
            var steps = Steps(ring: ring, stored: stored, isStored: false)
            let news = [Self.adopt(configured, into: &steps.ring, of: file)].compactMap { $0 }
            var warnings: [String] = []
            _ = steps.stored.adopt(configured: configured.key, source: configured.ringSource)
            self.configured = configured
            if steps.stored != stored, let file, let failure = await store(steps.stored, in: file) {
                warnings.append(failure.description)
            }
            if steps.ring != ring || steps.stored != stored { await install(steps) }
            return (news, warnings)
        }
    }

    /// - Returns: what a client would send after `adopt`, and what that would do.
    func preview(_ configured: ConfiguredKey) -> (sendingKey: Key, news: [String]) {
        var next = ring
        let news = [Self.adopt(configured, into: &next, of: file)].compactMap { $0 }
        return (next.current(of: .configured)?.key ?? configured.key, news)
    }

    // MARK: Steps

    /// Where a change leads.
    private struct Steps: Sendable {
        var ring: KeyRing
        var stored: KeyRing
        var isStored: Bool
    }

    private typealias Change = @Sendable (inout KeyRing) throws(KeyRing.Problem) -> Void

    private struct Made: Sendable {
        let key: Key
        let text: Secret
        var warnings: [String] = []
    }

    private func make(_ text: String?) async throws(KeyFailure) -> Made {
        guard let text else {
            let key = Key.random()
            return Made(key: key, text: Secret(key.base64))
        }
        let secret = Secret(text)
        let result = await apart { () -> Result<Made, KeyText.Problem> in
            do throws(KeyText.Problem) {
                let text = try KeyText(firstLineOf: Array(secret.text.utf8))
                let (key, warning) = try KeyParser.read(text)
                return .success(Made(key: key, text: Secret(text.text), warnings: [warning].compactMap { $0 }))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case nil: throw .busy
        case .success(let made)?: return made
        case .failure(let problem)?: throw .invalidKey("the key \(problem)")
        }
    }

    /// Changes a copy of the ring, and stores it.
    private func prepare(
        runtimeOnly: Bool, of name: KeyName?, id: KeyID? = nil, _ change: Change
    ) async throws(KeyFailure) -> Steps {
        let now = clock()
        var steps = Steps(ring: ring, stored: stored, isStored: false)
        steps.ring.expire(now: now)
        do { try change(&steps.ring) } catch { throw KeyFailure(error, name: name, id: id) }
        guard !runtimeOnly else { return steps }
        steps.stored.expire(now: now)
        do {
            try change(&steps.stored)
        } catch {
            // What was changed until the restart only is built upon now, so it is to last. A key to retire that is not in
            // the file need not be taken out.
            if error != .noSuchKey { steps.stored = steps.ring }
        }
        guard let file else { return steps }
        if let failure = await store(steps.stored, in: file) {
            throw failure.isReadOnly ? .keyReadOnly(failure.description) : .notStored(failure.description)
        }
        steps.isStored = true
        return steps
    }

    private func store(_ ring: KeyRing, in file: KeyRingFile) async -> KeyRingFile.Failure? {
        let failure = await apart { () -> KeyRingFile.Failure? in
            do throws(KeyRingFile.Failure) {
                try file.store(ring)
                return nil
            } catch {
                return error
            }
        }
        return failure ?? KeyRingFile.Failure(description: "the threads for files are busy: try again")
    }

    /// The ring is in force from here on.
    private func install(_ steps: Steps) async {
        ring = steps.ring
        stored = steps.stored
        await users.install(ring)
        lookForExpiry()
    }

    // MARK: The configuration

    /// Puts the new key where the configuration has the former one, or says what follows when that cannot be. The ring
    /// is stored before: a crash in between finds the configured key unchanged, so the ring counts.
    private func follow(_ made: Made, _ steps: inout Steps, _ change: inout KeyChange, hasFormer: Bool) async {
        guard let obstacle = await writeConfiguration(made) else {
            configured = ConfiguredKey(key: made.key, text: made.text, source: configured.source)
            steps.ring.configurationFollowed(source: configured.ringSource)
            steps.stored.configurationFollowed(source: configured.ringSource)
            // When this fails, the next start finds the configured key as the current one, which is as good.
            if let file { _ = await store(steps.stored, in: file) }
            change.isPersisted = true
            if file == nil, hasFormer { change.warnings.append(KeyWarning.formerUntilRestart) }
            return
        }
        if obstacle == KeyWarning.notPermitted, case .file(let path) = configured.source { change.staleKeyFile = path }
        change.warnings.insert(KeyWarning.notFollowed(configured.source, because: obstacle, path: file?.path), at: 0)
    }

    /// - Returns: why not.
    private func writeConfiguration(_ made: Made) async -> String? {
        switch configured.source {
        case .text, .environment: return "wstand cannot write it"
        case .credential: return "the service manager has passed it"
        case .file(let path):
            return await apart { KeyFile.obstacle(toKey: made.text.text, in: path) } ?? "the threads for files are busy"
        }
    }

    // MARK: Expiry

    /// What has expired is not accepted anyway; here it is forgotten.
    private func lookForExpiry() {
        if let expiry { worker.cancel(expiry) }
        expiry = nil
        guard let next = ring.nextExpiry else { return }
        let left = next.seconds - clock().seconds
        let pause = min(max(.milliseconds(100), .seconds(left)), Self.longestLook)
        expiry = worker.schedule(after: pause) { [weak self] in
            guard let self else { return }
            expiry = nil
            worker.spawn { [weak self] in await self?.expire() }
        }
    }

    private func expire() async {
        _ = try? await inTurn { [self] () throws(KeyFailure) in
            var steps = Steps(ring: ring, stored: stored, isStored: false)
            let hasExpired = steps.ring.expire(now: clock())
            if steps.stored.expire(now: clock()), let file { _ = await store(steps.stored, in: file) }
            if hasExpired { await install(steps) } else { lookForExpiry() }
            return true
        }
    }

    // MARK: One after the other

    /// In a task of its own: the caller may leave, and what was begun is ended all the same.
    private func inTurn<T: Sendable>(
        _ body: @escaping @Sendable () async throws(KeyFailure) -> T
    ) async throws(KeyFailure) -> T {
        worker.assertIsCurrent()
        guard waiting < Self.maxWaiting else { throw .busy }
        waiting += 1
        let before = last
        let task = Task(executorPreference: worker) { [self] () -> Result<T, KeyFailure> in
            await before?.value
            defer { waiting -= 1 }
            do throws(KeyFailure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        last = Task(executorPreference: worker) { _ = await task.value }
        return try await task.value.get()
    }

    /// Does what blocks on a thread for that.
    ///
    /// - Returns: nil when there is none for it.
    private func apart<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T? {
        await blocking.run(for: "keys", from: worker) { Erasure.during(work) }
    }
}
