import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct WorkTurnsTests {
    private static func spend(_ time: Duration) {
        let end = Instant.now() + time
        while Instant.now() < end {}
    }

    @Test func `sources take turns, and each one's waiters come in their order`() {
        var queue = TurnQueue<String>()
        for number in 1...3 { queue.add("a\(number)", of: "a") }
        queue.add("b1", of: "b")
        var order: [String] = []
        order.append(queue.next() ?? "")
        queue.add("c1", of: "c")
        while let next = queue.next() { order.append(next) }
        #expect(order == ["a1", "b1", "c1", "a2", "a3"])
        #expect(queue.isEmpty)
    }

    @Test func `a source of which none waited is served before those that wait on`() {
        var queue = TurnQueue<UInt64>()
        for round in UInt64(0)..<4 { for source in UInt64(1)...250 { queue.add(round, of: .key(source)) } }
        for _ in 0..<500 { _ = queue.next() }
        queue.add(99, of: .key(0))
        #expect(queue.next() == 99)
        // Newcomers without end keep none out.
        var served = 0
        for newcomer in UInt64(1000)..<1100 {
            queue.add(77, of: .key(newcomer))
            if queue.next() != 77 { served += 1 }
        }
        #expect(served == 12)
    }

    @Test func `where many wait a source may have what the others leave, and one alone all`() {
        var queue = TurnQueue<Int>()
        for _ in 0..<100 {
            #expect(queue.hasRoom(for: .key(1), most: 64))
            queue.add(0, of: .key(1))
        }
        #expect(queue.hasRoom(for: .key(2), most: 64))
        queue.add(0, of: .key(2))
        #expect(!queue.hasRoom(for: .key(1), most: 64))
        #expect(!queue.hasRoom(for: .key(2), most: 64))
        // 250 sources come twice as often as one is served.
        var flooded = TurnQueue<Int>()
        var most = 0
        for step in 0..<100_000 {
            let source = Party.key(1 + UInt64(step * 7 % 250))
            if flooded.hasRoom(for: source, most: 1024) { flooded.add(0, of: source) }
            if step % 2 == 0 { _ = flooded.next() }
            most = max(most, flooded.count)
        }
        #expect(most > 512)
        #expect(most < 1024)
        flooded.add(99, of: .key(0))
        #expect(flooded.next() == 99)
    }

    /// A tunnel is a task that is woken by an event of each turn.
    @Test func `other tasks come in between, however much is waiting`() async throws {
        let worst = try await WorkerThread.run { worker in
            var tasks: [Task<Void, Never>] = []
            for number in 0..<200 {
                tasks.append(
                    worker.spawn {
                        await worker.strangers.begin(for: .key(UInt64(number % 3)))
                        Self.spend(.milliseconds(1))
                        worker.strangers.end()
                    })
            }
            var worst: Duration = .zero
            var last = Instant.now()
            for _ in 0..<100 {
                await worker.yield()
                let now = Instant.now()
                worst = max(worst, now - last)
                last = now
            }
            for task in tasks { await task.value }
            return worst
        }
        // One piece of 1 ms for each turn; a busy machine takes its part.
        #expect(worst < .milliseconds(100))
    }

    @Test func `one who comes alone is served at once`() async throws {
        try await WorkerThread.run { worker in
            let turn = worker.turn
            await worker.strangers.begin(for: .key(1))
            worker.strangers.end()
            #expect(worker.turn == turn)
        }
    }

    /// Confined to its worker.
    private final class Order: @unchecked Sendable {
        var names: [String] = []
    }

    @Test func `all are served, in turn by source`() async throws {
        let order = try await WorkerThread.run { worker in
            let order = Order()
            var tasks: [Task<Void, Never>] = []
            for name in ["a1", "a2", "a3", "b1", "c1"] {
                tasks.append(
                    worker.spawn {
                        await worker.strangers.begin(for: .own(String(name.prefix(1))))
                        Self.spend(.milliseconds(1))
                        order.names.append(name)
                        worker.strangers.end()
                    })
            }
            for task in tasks { await task.value }
            return order.names
        }
        #expect(order.first == "a1")
        #expect(order.suffix(1) == ["a3"])
        #expect(order.count == 5)
    }

    @Test func `with a rest it takes its part of the time and no more`() async throws {
        let (work, time) = try await WorkerThread.run { worker in
            let began = Instant.now()
            for _ in 0..<20 {
                await worker.patientStrangers.begin(for: .key(1))
                Self.spend(.milliseconds(1))
                worker.patientStrangers.end()
            }
            return (20.0, (Instant.now() - began).inSeconds * 1000)
        }
        // The last rest is not waited for.
        #expect(time > work * 9)
    }
}
