import Synchronization
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ReplayWatermarksTests {
    private static let now = 1_763_683_200.0
    private static let lifetime = 60.0
    private static let key = Key.random().id
    private static let other = Key.random().id

    /// The marks behind a reference, and a disk.
    private final class Subject {
        var marks: ReplayWatermarks
        private(set) var disk: ReplayWatermarks.Table
        private(set) var writes = 0

        init(_ disk: ReplayWatermarks.Table = [:], gap: Double = 0, now: Double = ReplayWatermarksTests.now) {
            self.disk = disk
            marks = ReplayWatermarks(found: disk, gap: gap, lifetime: ReplayWatermarksTests.lifetime, now: now)
        }

        init(_ marks: ReplayWatermarks) {
            disk = [:]
            self.marks = marks
        }

        func refuses(_ time: Double, _ key: KeyID = ReplayWatermarksTests.key, now: Double) -> Bool {
            marks.refuses(time, of: key, now: now)
        }

        func accepted(_ time: Double, _ key: KeyID = ReplayWatermarksTests.key, now: Double) -> Bool {
            marks.accepted(time, of: key, now: now)
        }

        func covers(_ time: Double) -> Bool { marks.covers(time, of: ReplayWatermarksTests.key) }

        /// Whether something was written.
        @discardableResult
        func write(now: Double, succeeds: Bool = true) -> Bool {
            guard let table = marks.next(now: now) else { return false }
            if succeeds { disk = ReplayWatermarkCodec.decode(ReplayWatermarkCodec.encode(table)) ?? [:] }
            marks.finished(isWritten: succeeds)
            writes += 1
            return true
        }

        func close(now: Double) {
            if let table = marks.close(now: now) {
                disk = ReplayWatermarkCodec.decode(ReplayWatermarkCodec.encode(table)) ?? [:]
            }
        }

        /// The machine goes down without a word, and comes back.
        func rebooted(now: Double) -> Subject { Subject(disk, gap: .infinity, now: now) }
    }

    // MARK: After a reboot

    @Test func `a first start, a new key and a journal that is whole refuse nothing`() {
        let now = Self.now
        #expect(!Subject(gap: .infinity).refuses(now - 60, now: now))
        #expect(!Subject([Self.other: now + 30], gap: .infinity).refuses(now, now: now))
        #expect(!Subject([Self.key: now + 30], gap: 0).refuses(now, now: now))
    }

    @Test func `at or below the mark is refused, above it is not`() {
        let now = Self.now
        let subject = Subject([Self.key: now + 20], gap: .infinity)
        #expect(subject.refuses(now - 60, now: now) && subject.refuses(now + 20, now: now + 20))
        #expect(!subject.refuses(now + 20.001, now: now + 21))
        #expect(subject.refuses(now + 19, now: now + 1000), "as long as it is worth anything")
        #expect(subject.marks.refusal(at: now) == 20)
    }

    @Test func `everything that was accepted is refused after a reboot at any moment, once the mark was ahead of it`() {
        for seed in 0..<20 {
            var random = SeededRandomness(seed: UInt64(seed))
            let subject = Subject()
            var now = Self.now
            var answered: [Double] = []
            for _ in 0..<400 {
                now += Double(random.below(300)) / 10
                let time = now + Double(random.below(119)) - 59
                if !subject.accepted(time, now: now) {
                    subject.write(now: now)
                    #expect(subject.covers(time), "one writing is enough")
                }
                answered.append(time)
                if random.below(4) == 0 { subject.write(now: now) }
                let next = subject.rebooted(now: now + 1)
                #expect(answered.suffix(40).allSatisfy { next.refuses($0, now: now + 1) }, "seed \(seed)")
                #expect(next.marks.refusal(at: now) <= Self.lifetime + ReplayWatermarks.step + 1)
            }
        }
    }

    @Test func `clients whose clock is right are refused for a step at most`() {
        let subject = Subject()
        for second in 0..<600 {
            let now = Self.now + Double(second)
            _ = subject.accepted(now - 0.5, now: now)
            if second % 4 == 0 { subject.write(now: now) }
            #expect(subject.rebooted(now: now).marks.refusal(at: now) <= ReplayWatermarks.step + 1)
        }
        #expect(subject.writes <= 600 / Int(ReplayWatermarks.step - ReplayWatermarks.reserve) + 1, "in steps")
    }

    @Test func `a client whose clock is ahead takes along the mark of its own key only`() {
        let now = Self.now
        let subject = Subject()
        _ = subject.accepted(now + 59, Self.other, now: now)
        _ = subject.accepted(now, now: now)
        subject.write(now: now)
        let next = subject.rebooted(now: now + 31)
        #expect(next.refuses(now + 59, Self.other, now: now + 31))
        #expect(!next.refuses(now + 31, now: now + 31))
    }

    @Test func `after an orderly end what was made later is let in at once`() {
        let now = Self.now
        let subject = Subject([Self.other: now - 5])
        _ = subject.accepted(now - 0.7, now: now)
        subject.write(now: now)
        subject.close(now: now + 1)
        let next = subject.rebooted(now: now + 2)
        #expect(next.refuses(now - 0.7, now: now + 2) && next.refuses(now - 5, Self.other, now: now + 2))
        #expect(!next.refuses(now + 1.1, now: now + 2))
        #expect(next.marks.refusal(at: now + 2) == 0)
    }

    /// The journal is there at the second start, and does not know what was seen before the first one.
    @Test func `a restart soon after a reboot still refuses what came before the reboot, and nothing else`() {
        let now = Self.now
        let first = Subject([Self.key: now + 20], gap: .infinity)
        #expect(first.marks.gap == now + 20)
        _ = first.accepted(now + 25, now: now + 25)
        first.write(now: now + 25)
        let second = Subject(first.disk, gap: first.marks.gap, now: now + 30)
        #expect(second.refuses(now + 20, now: now + 30))
        #expect(!second.refuses(now + 21, now: now + 30), "the journal knows these")
    }

    @Test func `marks that cannot be read refuse what was made before the start`() {
        let unreadable = Subject(ReplayWatermarks(found: nil, gap: .infinity, lifetime: 60, now: Self.now))
        #expect(unreadable.refuses(Self.now, now: Self.now))
        #expect(!unreadable.refuses(Self.now + 0.1, now: Self.now + 1))
        #expect(unreadable.marks.gap == Self.now)
        let whole = Subject(ReplayWatermarks(found: nil, gap: 0, lifetime: 60, now: Self.now))
        #expect(!whole.refuses(Self.now, now: Self.now))
    }

    // MARK: Clocks

    @Test func `a mark of a clock that was a day ahead refuses no longer than any other can`() {
        let now = Self.now
        let subject = Subject([Self.key: now + 86_400], gap: .infinity)
        #expect(subject.refuses(now, now: now))
        #expect(subject.marks.refusal(at: now) == Self.lifetime + 2 * ReplayWatermarks.step)
        #expect(!subject.refuses(now + 121, now: now + 121))
        #expect(!subject.refuses(now + 80_000, now: now + 80_000))
        // Its own time was accepted once, as far as anybody knows.
        #expect(subject.refuses(now + 86_400, now: now + 86_400) && !subject.refuses(now + 86_401, now: now + 86_401))
    }

    @Test func `a clock that is years behind at the start, and is set right, makes no difference`() {
        let subject = Subject([Self.key: Self.now + 20], gap: .infinity, now: 1000)
        #expect(subject.refuses(Self.now, now: Self.now))
        #expect(!subject.refuses(Self.now + 21, now: Self.now + 21))
    }

    /// 0.1.0 dropped a mark that the clock had not come to when it was asked, and so took it for one of a clock that was ahead.
    @Test func `a clock that is years behind for a while, and is used, drops no mark`() {
        let subject = Subject([Self.key: Self.now + 20], gap: .infinity, now: 1000)
        for second in stride(from: 1000.0, to: 2000, by: 50) { _ = subject.refuses(second, now: second) }
        #expect(subject.refuses(Self.now + 19, now: Self.now + 19))
        #expect(!subject.refuses(Self.now + 21, now: Self.now + 21))
    }

    @Test func `what was dropped from the file is refused under a clock that is set back`() {
        let now = Self.now
        let first = Subject([Self.other: now - 8000], gap: .infinity)
        _ = first.accepted(now, now: now)
        first.write(now: now)
        let next = first.rebooted(now: now + 100)
        #expect(next.refuses(now - 8010, Self.other, now: now - 8000))
        #expect(!next.refuses(now + 100, Self.other, now: now + 100))
    }

    @Test func `the mark follows a clock that is set back`() {
        let subject = Subject()
        _ = subject.accepted(Self.now, now: Self.now)
        subject.write(now: Self.now)
        let before = Self.now - 86_400
        _ = subject.accepted(before, now: before)
        subject.write(now: before)
        #expect(subject.rebooted(now: before).marks.refusal(at: before) <= ReplayWatermarks.step + 1)
        #expect(subject.rebooted(now: before).refuses(before, now: before))
    }

    // MARK: Writing

    @Test func `a server that nobody uses writes nothing`() {
        let subject = Subject()
        #expect(!subject.write(now: Self.now))
        _ = subject.accepted(Self.now, now: Self.now)
        for second in 0..<3600 { subject.write(now: Self.now + Double(second)) }
        #expect(subject.writes <= 1 + Int(ReplayWatermarks.lull / (ReplayWatermarks.step - ReplayWatermarks.reserve)))
    }

    @Test func `one writing at a time, and one that fails is tried again`() {
        let subject = Subject()
        #expect(!subject.accepted(Self.now, now: Self.now))
        #expect(subject.write(now: Self.now, succeeds: false))
        #expect(!subject.covers(Self.now))
        let (first, second) = (subject.marks.next(now: Self.now), subject.marks.next(now: Self.now))
        #expect(first != nil && second == nil)
        subject.marks.finished(isWritten: true)
        #expect(subject.covers(Self.now))
    }

    @Test func `what is long past is dropped, and the file is bounded`() {
        let old = Subject([Self.other: Self.now - 7201])
        _ = old.accepted(Self.now, now: Self.now)
        old.write(now: Self.now)
        #expect(old.disk == [Self.key: Self.now + ReplayWatermarks.step, ReplayWatermarks.anyKey: Self.now - 7201])
        let many = Subject()
        for _ in 0..<1100 { _ = many.accepted(Self.now, Key.random().id, now: Self.now) }
        many.write(now: Self.now)
        #expect(many.disk.count == ReplayWatermarks.capacity)
    }

    // MARK: The text

    @Test func `the text is as documented, and anything else is none`() throws {
        let key = try #require(KeyID(text: "0123456789abcdef"))
        let text = ReplayWatermarkCodec.encode([key: 1_763_683_229.5])
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.prefix(2) == ["wstan replay marks 1", "0123456789abcdef 1763683230"])
        #expect(ReplayWatermarkCodec.decode(text) == [key: 1_763_683_230])
        for length in text.indices { #expect(ReplayWatermarkCodec.decode(Array(text.prefix(length))) == nil) }
        for index in text.indices {
            var bytes = text
            bytes[index] ^= 1
            #expect(ReplayWatermarkCodec.decode(bytes) == nil)
        }
    }

    // MARK: The keeper

    /// It was taken for one of a clock that had been set back, and a reboot opened what was dated ahead.
    @Test func `a mark of a longer request-ttl stays until its time has come`() {
        let disk = Mutex<ReplayWatermarks.Table>([:])
        func keeper(longest: Double, now: Double) -> ReplayWatermarkWriter {
            ReplayWatermarkWriter(
                ReplayWatermarks(found: disk.withLock { $0 }, gap: 0, lifetime: longest, now: now),
                store: ReplayWatermarkWriter.Store(
                    write: { table in disk.withLock { $0 = table } },
                    submit: { work in
                        work()
                        return true
                    }, failed: { _ in }))
        }
        func admits(_ replayGuard: ReplayGuard, _ number: UInt64, at time: Double, now: Double) -> Bool {
            let claim = ReplayGuard.Claim(token: Nonce(high: 1, low: number), key: Self.key, time: time, lifetime: 600)
            return replayGuard.admit(claim, now: Moment(now)) == .new
        }
        for restarts in [false, true] {
            disk.withLock { $0 = [:] }
            var replayGuard = ReplayGuard(marks: keeper(longest: 600, now: Self.now), lifetime: 600, now: Moment(Self.now))
            #expect(admits(replayGuard, 1, at: Self.now + 595, now: Self.now))
            replayGuard.apply(lifetime: 30, now: Self.now + 1)
            if restarts {
                replayGuard.close(now: Self.now + 1)
                replayGuard = ReplayGuard(marks: keeper(longest: 600, now: Self.now + 2), lifetime: 600, now: Moment(Self.now + 2))
                replayGuard.apply(lifetime: 30, now: Self.now + 2)
            }
            for second in stride(from: 2.0, to: 560, by: 5) {
                #expect(admits(replayGuard, 10 + UInt64(second), at: Self.now + second, now: Self.now + second))
                replayGuard.moveOn(now: Self.now + second)
                #expect(disk.withLock { $0[Self.key] ?? 0 } >= Self.now + 595)
            }
        }
    }

    @Test func `a request is answered when the mark is on the disk, and others go the same way at once`() async throws {
        let held = Mutex<[@Sendable () -> Void]>([])
        let written = Mutex<[ReplayWatermarks.Table]>([])
        let now = WallClock.now()
        let keeper = ReplayWatermarkWriter(
            ReplayWatermarks(found: [:], gap: 0, lifetime: 60, now: now),
            store: ReplayWatermarkWriter.Store(
                write: { table in written.withLock { $0.append(table) } },
                submit: { work in
                    held.withLock { $0.append(work) }
                    return true
                }, failed: { _ in }))
        try await WorkerThread.run { worker in
            keeper.accepted(now, of: Self.key, now: now)
            let waiting = worker.spawn { #expect(await keeper.settle(now, of: Self.key, on: worker)) }
            await worker.settle()
            #expect(written.withLock { $0.isEmpty } && held.withLock { $0.count } == 1)
            held.withLock { $0.removeFirst() }()
            await waiting.value
            #expect(written.withLock { $0.count } == 1)
            #expect(await !keeper.settle(now, of: Self.key, on: worker), "there is nothing to wait for")
        }
    }

    @Test func `a disk that fails, or hangs, lets requests through, and is told`() async throws {
        let failures = Mutex(0)
        let now = WallClock.now()
        for hangs in [false, true] {
            let keeper = ReplayWatermarkWriter(
                ReplayWatermarks(found: [:], gap: 0, lifetime: 60, now: now),
                store: ReplayWatermarkWriter.Store(
                    write: { _ throws(SystemError) in throw SystemError(call: "fsync", code: 5) },
                    submit: { work in
                        if !hangs { Thread.start(work) }
                        return true
                    }, failed: { _ in failures.withLock { $0 += 1 } }))
            try await WorkerThread.run { worker in
                keeper.accepted(now, of: Self.key, now: now)
                let before = worker.now
                _ = await keeper.settle(now, of: Self.key, on: worker)
                #expect(worker.now - before < .seconds(5))
            }
        }
        #expect(failures.withLock { $0 } >= 1)
    }
}

/// Runs something on another thread.
private enum Thread {
    static func start(_ work: @escaping @Sendable () -> Void) {
        Task.detached { work() }
    }
}
