import CLinux
import Glibc
import Synchronization
import WstanBase

/// One thread with one epoll instance, on which tasks run.
///
/// A connection is a tree of tasks started with `spawn` and never leaves its worker. Everything that such tasks share
/// (streams, tunnels, pools, counters) is confined to the worker: it is marked `@unchecked Sendable`, takes no lock,
/// and checks the thread in debug builds with `assertIsCurrent`. From other threads only `execute`, `spawn`,
/// `perform`, `enqueue` and `stop` are allowed.
package final class Worker: TaskExecutor, @unchecked Sendable {
    package let index: Int
    /// How many events of strangers are handled in a turn of the loop while none waits, and how many connections are dealt out.
    let strangersAtOnce: Int
    /// The time at which this turn of the loop began.
    package private(set) var now: Instant
    /// Counts the turns of the loop.
    private(set) var turn: UInt64 = 0
    /// Read into and sealed in, between two waits: a task that uses it is done with it before it awaits.
    package let scratch: Scratch
    package let budget: MemoryBudget
    let blocks = BlockPool()
    /// Made when the first socket of this worker reads datagrams.
    private(set) lazy var datagrams = DatagramBatch()
    /// An array that was used for what was sent, and is used again for what is gathered next.
    var spare: [UInt8] = []
    /// Made when the first connection of this worker speaks TLS.
    private(set) lazy var tlsBuffers = TLSBuffers()
    /// For what strangers make it compute.
    private(set) lazy var strangers = WorkTurns(worker: self)
    /// The same for what hardly anybody honest needs: a tenth of the time.
    private(set) lazy var patientStrangers = WorkTurns(worker: self, rest: 9)
    package let randomness = Randomness()
    let socketOwner = SocketOwner()

    private let epoll: Int32
    private let waker: Int32
    private var events: UnsafeMutableBufferPointer<epoll_event>
    /// How many events of strangers may still be handled in this turn.
    private var strangersLeft = 0
    /// Strangers whose events wait for a turn; each is in it once.
    private var waitingStrangers = TurnQueue<Pollable>()
    private var pollables: [Pollable?] = []
    private var generation: UInt32 = 0
    /// Streams that are closing and not closed yet.
    var lingeringCloses = 0
    private var timers = Timers()
    private var ready: [UnownedJob] = []
    private var batch: [UnownedJob] = []
    /// Tasks that go on in the next turn.
    private var yielding: [UnsafeContinuation<Void, Never>] = []
    private var gathering: [any Gathering] = []
    /// The thread that runs the loop; 0 while none does. Read from every thread that posts.
    private let thread = Atomic<pthread_t>(0)

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable () -> Void] = []
    }

    private let inbox = Mutex(Inbox())
    /// Whether a post must ring: set before the worker looks into the inbox for the last time and sleeps.
    private let isSleeping = Atomic(false)
    private let isStopped = Atomic(false)

    /// - Parameter memoryLimit: bytes that all buffers of this worker's connections may hold together.
    package init(index: Int, memoryLimit: Int, strangersAtOnce: Int = strangersInTurn) throws(SystemError) {
        self.index = index
        self.strangersAtOnce = strangersAtOnce
        epoll = try SystemError.check("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        waker = try SystemError.check("eventfd") { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        events = .allocate(capacity: 256)
        now = .now()
        scratch = Scratch()
        budget = MemoryBudget(limit: memoryLimit)
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.wakerToken))
        _ = try SystemError.check("epoll_ctl") { epoll_ctl(epoll, EPOLL_CTL_ADD, waker, &event) }
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(waker)
        events.deallocate()
    }

    // MARK: From any thread

    /// Starts a task that lives on this worker, child tasks included. Were `body` not concurrent, each task would have two frames more.
    @discardableResult
    package func spawn(_ body: sending @escaping @concurrent () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Does `body` on this worker, for a task of another one, which goes on where it was.
    package func perform<T: Sendable>(_ body: @escaping @Sendable () async -> T) async -> T {
        await Task(executorPreference: self) { await body() }.value
    }

    /// Runs `action` on this worker in one of its next turns.
    package func execute(_ action: @escaping @Sendable () -> Void) {
        inbox.withLock { $0.actions.append(action) }
        ring()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
        } else {
            inbox.withLock { $0.jobs.append(job) }
            ring()
        }
    }

    package func stop() {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        ring()
    }

    package var isCurrent: Bool {
        thread.load(ordering: .relaxed) == pthread_self()
    }

    package func assertIsCurrent() {
        assert(isCurrent, "not on the worker that this belongs to")
    }

    private func ring() {
        guard isSleeping.exchange(false, ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        _ = Glibc.write(waker, &one, 8)
    }

    // MARK: On the worker

    /// - Returns: what `cancel` takes; cancelling late or twice is harmless.
    func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> Timers.ID {
        assertIsCurrent()
        return timers.schedule(at: deadline, action)
    }

    package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timers.ID {
        schedule(at: now + delay, action)
    }

    package func cancel(_ id: Timers.ID) {
        timers.cancel(id)
    }

    /// Of all workers: tunnels are numbered for people, who type these numbers.
    private static let lastID = Atomic<UInt64>(0)

    /// 1, 2, 3 and so on: a number that no other tunnel of this process has, or has had.
    func nextID() -> UInt64 { Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Lets the other connections have their turn, and the sockets be looked at. Resumed at once, the task would not
    /// have been suspended at all.
    package func yield() async {
        assertIsCurrent()
        await withUnsafeContinuation { yielding.append($0) }
    }

    /// The last thing before the process ends. A connection that has not come to its end is reset: the exit would end it in
    /// good order, as if what has come were all.
    package func finish(until deadline: Instant) async {
        assertIsCurrent()
        for stream in streams where !stream.isEnding { stream.abort() }
        await flushed(until: max(deadline, now + Self.lastWords))
        for stream in streams where stream.isCutShort { stream.abort() }
    }

    private var streams: [Stream] { pollables.compactMap { $0 as? Stream } }

    /// For what is on its way when the deadline has passed.
    private static let lastWords: Duration = .milliseconds(200)

    /// Waits until the streams that end by themselves have ended.
    package func flushed(until deadline: Instant) async {
        while lingeringCloses > 0, now < deadline { await sleep(for: .milliseconds(10)) }
    }

    /// Ends early when the task is cancelled.
    package func sleep(for delay: Duration) async {
        let wait = Wait<Void>(worker: self)
        await wait.value(deadline: now + delay, onTimeout: (), onCancel: ())
    }

    func register(_ pollable: Pollable) throws(SystemError) {
        assertIsCurrent()
        let descriptor = pollable.descriptor
        while pollables.count <= Int(descriptor) { pollables.append(nil) }
        generation &+= 1
        pollable.generation = generation
        // Once, for both directions, edge-triggered: no epoll_ctl per wait.
        let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        var event = epoll_event(
            events: interest,
            data: epoll_data_t(u64: UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))))
        _ = try SystemError.check("epoll_ctl") { epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
        pollables[Int(descriptor)] = pollable
    }

    func deregister(_ pollable: Pollable) {
        assertIsCurrent()
        // Closing the descriptor takes it out of the epoll set. An event of this turn that is still to come finds
        // nothing here, or another generation.
        let descriptor = Int(pollable.descriptor)
        guard pollables.indices.contains(descriptor), pollables[descriptor] === pollable else { return }
        pollables[descriptor] = nil
        // The set knows the open socket, not our descriptor: one that others keep open would go on waking this worker.
        if pollable.isShared { epoll_ctl(epoll, EPOLL_CTL_DEL, pollable.descriptor, nil) }
    }

    /// Has `gathered` send what it has, behind the event or the tasks that are being dealt with.
    func sendLater(_ gathered: any Gathering) {
        assertIsCurrent()
        gathering.append(gathered)
    }

    func takeSpare() -> [UInt8] {
        defer { spare = [] }
        return spare
    }

    private func sendGathered() {
        var index = 0
        while index < gathering.count {
            gathering[index].sendGathered()
            index += 1
        }
        if index > 0 { gathering.removeAll(keepingCapacity: true) }
    }

    // MARK: The loop

    /// Runs the loop on the calling thread until `stop`.
    package func run() {
        thread.store(pthread_self(), ordering: .relaxed)
        while !isStopped.load(ordering: .relaxed) {
            runReadyJobs()
            turn &+= 1
            poll()
            handleStrangers()
            takeInbox()
            now = .now()
            while let action = timers.popDue(at: now) { action() }
            resumeYielding()
        }
        // Tasks that still wait are never resumed; the process is about to end, or a test let them go.
        takeInbox()
        runReadyJobs()
    }

    /// Runs the loop on a thread of its own.
    package func start() {
        if let error = DetachedThread.start({ self.run() }) { preconditionFailure("cannot start a thread: \(error)") }
    }

    private func runReadyJobs() {
        // A few rounds, so that what an event set going comes to its end; not until there is nothing left, since a bulk
        // stream re-queues itself and other sockets must be looked at in between.
        for _ in 0..<4 where !ready.isEmpty {
            swap(&ready, &batch)
            for job in batch { job.runSynchronously(on: asUnownedTaskExecutor()) }
            batch.removeAll(keepingCapacity: true)
        }
        sendGathered()
    }

    private func resumeYielding() {
        guard !yielding.isEmpty else { return }
        let resumed = yielding
        yielding.removeAll()
        for continuation in resumed { continuation.resume() }
    }

    private func poll() {
        var timeout = millisecondsToWait()
        if timeout != 0 {
            isSleeping.store(true, ordering: .sequentiallyConsistent)
            // Whoever posted before the store did not ring.
            if inbox.withLock({ !$0.jobs.isEmpty || !$0.actions.isEmpty }) || isStopped.load(ordering: .relaxed) {
                timeout = 0
            }
        }
        let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), timeout)
        isSleeping.store(false, ordering: .sequentiallyConsistent)
        now = .now()
        strangersLeft = waitingStrangers.isEmpty ? strangersAtOnce : Self.strangersInTurn
        for index in 0..<max(0, Int(count)) {
            let event = events[index]
            let token = event.data.u64
            if token == Self.wakerToken {
                var drained: UInt64 = 0
                _ = Glibc.read(waker, &drained, 8)
                continue
            }
            let descriptor = Int(UInt32(truncatingIfNeeded: token))
            guard let pollable = pollables[descriptor], pollable.generation == UInt32(truncatingIfNeeded: token >> 32)
            else { continue }
            let readiness = Readiness(rawValue: event.events)
            if let place = pollable.handshakePlace {
                deferEvents(of: pollable, at: place, readiness)
            } else {
                pollable.handle(readiness)
                sendGathered()
            }
        }
    }

    /// A few that are alone need not wait.
    private func deferEvents(of stranger: Pollable, at place: HandshakePlace, _ readiness: Readiness) {
        if waitingStrangers.isEmpty, strangersLeft > 0 {
            strangersLeft -= 1
            return stranger.handle(readiness)
        }
        if stranger.deferred.isEmpty { waitingStrangers.add(stranger, of: place.source) }
        // What it has sent waits here, and it is not to give way as one that is silent. A new one is writable at once.
        if readiness.contains(.readable), !stranger.deferred.contains(.readable) { place.goOn() }
        stranger.deferred.formUnion(readiness)
    }

    /// Behind the tunnels and what they have to do; few in a turn, so that tunnels never wait long for the next one.
    private func handleStrangers() {
        guard !waitingStrangers.isEmpty else { return }
        runReadyJobs()
        for _ in 0..<min(strangersLeft, Self.strangersInTurn) {
            guard let stranger = waitingStrangers.next() else { break }
            let readiness = stranger.deferred
            stranger.deferred = []
            if !stranger.isClosed { stranger.handle(readiness) }
        }
        // What works for established tunnels on this core goes first as well.
        if !waitingStrangers.isEmpty { sched_yield() }
    }

    private func millisecondsToWait() -> Int32 {
        if !ready.isEmpty || !yielding.isEmpty || !waitingStrangers.isEmpty { return 0 }
        guard let next = timers.next() else { return -1 }
        // Rounded up: waking a fraction too early would only turn the loop once more.
        return Int32(clamping: (next.nanoseconds(since: now) &+ 999_999) / 1_000_000)
    }

    private func takeInbox() {
        let posted = inbox.withLock { inbox -> Inbox? in
            guard !inbox.jobs.isEmpty || !inbox.actions.isEmpty else { return nil }
            defer { inbox = Inbox() }
            return inbox
        }
        guard let posted else { return }
        ready.append(contentsOf: posted.jobs)
        for action in posted.actions { action() }
    }

    private static let wakerToken = UInt64.max
    /// A stranger's request costs a server about 50 microseconds. While strangers wait, so many have their turn.
    package static let strangersInTurn = 8
    /// At a client strangers are the programs of its user. They come by the dozen, and a step of theirs costs a fraction of that.
    package static let userAgentsAtOnce = 64
}
