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
    /// What the configuration gives, and how it gives it.
    var configured: ConfiguredKey
    let file: KeyRingFile?
    let isClient: Bool
    private let uses: KeyUseRecord
    private let worker: Worker
    private let blocking: BlockingPool
    let clock: @Sendable () -> CalendarTime
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
        defer { if ring.entries.isEmpty { told.news.append(KeyWarning.noNames) } }
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
        uses.start { [unowned self] in ring.acceptedIDs }
    }

    /// The last thing, while the services still answer: stores how often the keys were used.
    func close() async { await uses.store(ring.acceptedIDs) }

    /// What a client sends.
    var sending: TunnelKey { ring.sending ?? configured.key }

    /// The same, as its tunnels take it.
    var sent: SentKey {
        guard let key = SentKey(sending) else { preconditionFailure("a client reads no server's key") }
        return key
    }

    /// What the configuration would give if it followed the ring.
    var configuration: TunnelKey { ring.configuration(like: configured.key) ?? configured.key }

    /// Whether a reload that finds this key in the configuration would change nothing: it is as it was read or written since, or as a
    /// rotation has left it to an administrator, whose program writes what wstand may not.
    func isConfigured(_ key: TunnelKey) -> Bool { [configured.key.id, configuration.id].contains(key.id) }

    /// - Returns: what to tell when the configured key has won.
    static func adopt(_ configured: ConfiguredKey, into ring: inout KeyRing, of file: KeyRingFile?) -> String? {
        let server = ring.server.keys.map(\.id)
        switch ring.adopt(configured: configured.key, source: configured.ringSource) {
        case .stands: return nil
        case .replaced(let former, let names):
            return KeyWarning.replaced(
                former.filter { !server.contains($0) }, ofServer: server.filter { former.contains($0) }, names,
                hasServer: !ring.server.isEmpty, path: file?.path)
        }
    }

    // MARK: Lists

    /// The keys that are accepted, the server's own first, then those of the names; not the keys themselves.
    func list() async -> [ListedKey] {
        let uses = await keyUses()
        return ring.listed(now: clock(), uses: uses)
    }

    func keyUses() async -> [KeyID: KeyUse] { await uses.uses() }

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
            if steps.ring != ring || steps.stored != stored { await install(steps, revokes: false) }
            return (news, warnings)
        }
    }

    /// - Returns: what the ring and `configuration` would be after `adopt`, and what that would do.
    func preview(_ configured: ConfiguredKey) -> (ring: KeyRing, configuration: TunnelKey, news: [String]) {
        var next = ring
        let news = [Self.adopt(configured, into: &next, of: file)].compactMap { $0 }
        return (next, next.configuration(like: configured.key) ?? configured.key, news)
    }

    // MARK: Steps

    /// Where a change leads.
    struct Steps: Sendable {
        var ring: KeyRing
        var stored: KeyRing
        var isStored: Bool
    }

    typealias Change = @Sendable (inout KeyRing) throws(KeyRing.Problem) -> Void

    /// Changes a copy of the ring, and stores it.
    func prepare(
        runtimeOnly: Bool, of name: KeyName? = nil, id: KeyID? = nil, _ change: Change
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

    func store(_ ring: KeyRing, in file: KeyRingFile) async -> KeyRingFile.Failure? {
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
    ///
    /// - Parameter revokes: whether a server's tunnels of version 2 end whose key is not in it any longer, whatever they carry. A
    ///   client's go on, since the server decides about their key.
    func install(_ steps: Steps, revokes: Bool = true) async {
        // Connections that are open outlast a key that has expired, also when it is forgotten.
        var former = ring
        former.expire(now: clock())
        let gone = former.userKeys.subtracting(steps.ring.userKeys)
        ring = steps.ring
        stored = steps.stored
        await users.install(ring)
        if revokes, !isClient { for key in gone { _ = await users.closeTunnels(openedWith: key) } }
        lookForExpiry()
    }

    // MARK: Expiry

    /// What has expired is not accepted anyway; here it is forgotten, and clients whose tunnels have its key are told.
    private func lookForExpiry() {
        if let expiry { worker.cancel(expiry) }
        expiry = nil
        let now = clock()
        guard let next = ring.nextEnd(after: now) else { return }
        let left = next.seconds - now.seconds
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
            steps.ring.expire(now: clock())
            if steps.stored.expire(now: clock()), let file { _ = await store(steps.stored, in: file) }
            await install(steps)
            return true
        }
    }

    // MARK: One after the other

    /// In a task of its own: the caller may leave, and what was begun is ended all the same.
    func inTurn<T: Sendable>(
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
    func apart<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T? {
        await blocking.run(for: "keys", from: worker) { Erasure.during(work) }
    }
}
