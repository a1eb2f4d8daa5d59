import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    /// Confined to the worker of the test.
    private final class Ledger: @unchecked Sendable {
        var entries: [Int] = []
        var strays = 0
    }

    @Test func `what many threads post runs exactly once, each thread's in its order`() async throws {
        let (entries, strays) = try await WorkerThread.run { worker in
            let ledger = Ledger()
            let done = Wait<Void>(worker: worker)
            for thread in 0..<8 {
                Thread.detachNewThread {
                    for number in 0..<2000 {
                        worker.execute {
                            ledger.strays += worker.isCurrent ? 0 : 1
                            ledger.entries.append(thread * 2000 + number)
                            if ledger.entries.count == 16_000 { done.fulfill(()) }
                        }
                    }
                }
            }
            await done.value(onTimeout: (), onCancel: ())
            return (ledger.entries, ledger.strays)
        }
        #expect(strays == 0)
        #expect(Set(entries).count == 16_000)
        for thread in 0..<8 {
            let own = entries.filter { $0 / 2000 == thread }
            #expect(own == own.sorted())
        }
    }

    private static func deeper(_ worker: Worker, _ depth: Int) async -> Bool {
        guard depth > 0 else { return worker.isCurrent }
        await worker.yield()
        return await deeper(worker, depth - 1) && worker.isCurrent
    }

    @Test func `a task stays on its worker across awaits, groups and async let`() async throws {
        let places = try await WorkerThread.run { worker in
            var places = [worker.isCurrent]
            await worker.yield()
            places.append(worker.isCurrent)
            await worker.sleep(for: .zero)
            places.append(worker.isCurrent)
            async let first = Self.deeper(worker, 3)
            async let second = Self.deeper(worker, 5)
            places += await [first, second]
            places.append(worker.isCurrent)
            let inGroup = await withTaskGroup(of: Bool.self) { group in
                for depth in 0..<10 { group.addTask { await Self.deeper(worker, depth) } }
                return await group.reduce(true) { $0 && $1 } && worker.isCurrent
            }
            places.append(inGroup)
            places.append(await Task(executorPreference: worker) { await Self.deeper(worker, 2) }.value)
            places.append(worker.isCurrent)
            // Back from a thread of the blocking pool.
            let resolver = Resolver(pool: BlockingPool(maxThreads: 2))
            _ = try? await resolver.resolve(
                "127.0.0.1", port: 1, family: .ipv4, for: "test", on: worker, deadline: worker.now + .seconds(30))
            places.append(worker.isCurrent)
            return places
        }
        #expect(places == Array(repeating: true, count: places.count))
    }

    @Test func `a spawned task runs on the worker`() async throws {
        let isCurrent = try await WorkerThread.run { worker in
            let wait = Wait<Bool>(worker: worker)
            worker.spawn {
                await worker.yield()
                wait.fulfill(worker.isCurrent)
            }
            return await wait.value(onTimeout: false, onCancel: false)
        }
        #expect(isCurrent)
    }

    /// A continuation that is resumed at once does not suspend, so yielding takes more than that.
    @Test func `yielding gives the others their turn`() async throws {
        let entries = try await WorkerThread.run { worker in
            let ledger = Ledger()
            await withTaskGroup(of: Void.self) { group in
                for name in 0..<3 {
                    group.addTask {
                        for _ in 0..<4 {
                            ledger.entries.append(name)
                            await worker.yield()
                        }
                    }
                }
            }
            return ledger.entries
        }
        #expect(entries == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test func `one who yields all the time does not keep sockets from being looked at`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.write([1])
            let reading = Task(executorPreference: worker) { await near.waitReadable() }
            let seen = Ledger()
            let watching = Task(executorPreference: worker) {
                #expect(await reading.value == .ready)
                seen.entries.append(1)
            }
            while seen.entries.isEmpty { await worker.yield() }
            await watching.value
        }
    }

    @Test func `timers fire in the order of their deadlines, and not after their cancellation`() async throws {
        let entries = try await WorkerThread.run { worker in
            let ledger = Ledger()
            let done = Wait<Void>(worker: worker)
            let now = worker.now
            let cancelled = worker.schedule(at: now + .milliseconds(1)) { ledger.entries.append(0) }
            _ = worker.schedule(at: now + .milliseconds(3)) { done.fulfill(()) }
            _ = worker.schedule(at: now + .milliseconds(2)) { ledger.entries.append(2) }
            _ = worker.schedule(at: now) { ledger.entries.append(1) }
            worker.cancel(cancelled)
            await done.value(onTimeout: (), onCancel: ())
            return ledger.entries
        }
        #expect(entries == [1, 2])
    }

    @Test func `a cancelled sleep ends`() async throws {
        try await WorkerThread.run { worker in
            let sleeping = Task(executorPreference: worker) { await worker.sleep(for: .seconds(100_000)) }
            await worker.settle()
            sleeping.cancel()
            await sleeping.value
        }
    }

    @Test func `random numbers are not all alike`() throws {
        let randomness = Randomness()
        var seen: Set<UInt64> = []
        for _ in 0..<1000 { #expect(seen.insert(randomness.next()).inserted) }
        #expect(randomness.nonce() != randomness.nonce())
    }
}

@Suite(.timeLimit(.minutes(1))) struct BlockingPoolTests {
    private final class Ledger: @unchecked Sendable {
        var count = 0
    }

    @Test func `all that is submitted runs once`() async throws {
        let count = try await WorkerThread.run { worker in
            let pool = BlockingPool(maxThreads: 4)
            let ledger = Ledger()
            let done = Wait<Void>(worker: worker)
            var accepted = 0
            for number in 0..<200 {
                let isIn = pool.submit(for: Asker(.key(UInt64(number % 3)))) {
                    worker.execute {
                        ledger.count += 1
                        if ledger.count == 200 { done.fulfill(()) }
                    }
                }
                accepted += isIn ? 1 : 0
            }
            #expect(accepted == 200)
            await done.value(onTimeout: (), onCancel: ())
            return ledger.count
        }
        #expect(count == 200)
    }
}
