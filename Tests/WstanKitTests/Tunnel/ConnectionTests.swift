import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    private static func send(_ count: Int, on connection: Connection) {
        var bytes = [UInt8](repeating: 7, count: count)
        bytes.withUnsafeMutableBytes { connection.sent($0) }
    }

    @Test func `what was sent is kept up to 16 KiB and then not at all`() async throws {
        try await WorkerThread.run { worker in
            let connection = Connection(worker: worker, end: nil, replay: [UInt8](repeating: 1, count: 4096))
            Self.send(12_287, on: connection)
            Self.send(1, on: connection)
            #expect(connection.replay?.count == 16_384)
            Self.send(1, on: connection)
            #expect(connection.replay == nil)
            Self.send(1, on: connection)
            #expect(connection.replay == nil)
        }
    }

    @Test func `the peer's first word ends the replay and the flood`() async throws {
        try await WorkerThread.run { worker in
            let connection = Connection(worker: worker, end: nil, replay: [1])
            Self.send(TunnelLimits.opening, on: connection)
            #expect(!connection.mustPause)
            Self.send(1, on: connection)
            #expect(connection.mustPause)
            connection.received()
            #expect(!connection.mustPause)
            #expect(connection.replay == nil)
        }
    }

    @Test func `a word that is due is missed unless it, or the end, comes first`() async throws {
        try await WorkerThread.run { worker in
            for event in 0..<3 {
                let connection = Connection(worker: worker, end: nil)
                let missed = Wait<Bool>(worker: worker)
                connection.expectWord(within: .milliseconds(20)) { missed.fulfill(true) }
                if event == 1 { connection.received() }
                if event == 2 { connection.finish(.lost(nothingReceived: true)) }
                #expect(
                    await missed.value(deadline: worker.now + .milliseconds(60), onTimeout: false, onCancel: false)
                        == (event == 0))
                // Nothing is due any more.
                if event > 0 { connection.expectWord(within: .zero) { Issue.record("too late") } }
                await worker.settle()
            }
        }
    }

    @Test func `the first outcome is the one that counts`() async throws {
        try await WorkerThread.run { worker in
            let connection = Connection(worker: worker, end: nil)
            connection.finish(.reset(.normal))
            connection.finish(.lost(nothingReceived: true))
            #expect(connection.outcome == .reset(.normal))
            // No wait begins after the end.
            #expect(await connection.waitForNews(until: worker.now + .seconds(100_000)) == false)
            #expect(await connection.waitForNews() == false)
            await connection.pause()
        }
    }

    @Test func `the tunnel's own end is told to one who waits, though it is no outcome`() async throws {
        try await WorkerThread.run { worker in
            let connection = Connection(worker: worker, end: nil)
            let waiting = Task(executorPreference: worker) { await connection.waitForNews() }
            await worker.settle()
            connection.abandon()
            #expect(await waiting.value == false)
            #expect(connection.outcome == nil)
            #expect(await connection.waitForNews() == false)
        }
    }

    @Test func `one who waits for the peer is woken by its word, by the end and by the deadline`() async throws {
        try await WorkerThread.run { worker in
            for wake in 0..<3 {
                let connection = Connection(worker: worker, end: nil)
                let deadline = worker.now + (wake == 2 ? .milliseconds(1) : .seconds(100_000))
                let waiting = Task(executorPreference: worker) { await connection.waitForNews(until: deadline) }
                await worker.settle()
                if wake == 0 { connection.received() }
                if wake == 1 { connection.finish(.reset(.normal)) }
                #expect(await waiting.value == (wake != 1))
            }
        }
    }

    @Test func `a filter gets what the near end would have got`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            let connection = Connection(worker: worker, end: near)
            connection.filter = { bytes in near.write(bytes.map { $0 + 1 }) }
            [1, 2].withBytes { connection.deliver($0) }
            connection.filter = nil
            [3].withBytes { connection.deliver($0) }
            #expect(await far.take(3) == [2, 3, 3])
            #expect(connection.hasReceived)
            near.close()
            far.close()
        }
    }

    @Test func `what is held is counted until it is taken`() async throws {
        try await WorkerThread.run { worker in
            let connection = Connection(worker: worker, end: nil)
            for number: UInt8 in 1...3 {
                var bytes = [number, number]
                bytes.withUnsafeMutableBytes { connection.hold($0) }
            }
            #expect(worker.budget.held == 6)
            #expect(connection.takeHeld() == [1, 1, 2, 2, 3, 3])
            #expect(connection.takeHeld() == [])
            #expect(worker.budget.held == 0)
        }
    }
}
