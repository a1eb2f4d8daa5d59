import Testing

@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct HandshakeLimiterTests {
    /// Streams of connections on which nothing is said.
    private static func streams(_ count: Int, on worker: Worker) async throws -> [WstanCore.Stream] {
        var streams: [WstanCore.Stream] = []
        for _ in 0..<count { streams.append(try await Loopback.pair(on: worker).near) }
        return streams
    }

    @Test func `when there are too many, the one that has been at it longest is closed`() async throws {
        try await WorkerThread.run { worker in
            let gate = HandshakeLimiter(capacity: 3)
            let streams = try await Self.streams(6, on: worker)
            let tickets = streams.map { gate.enter($0) }
            #expect(streams.map(\.isClosed) == [true, true, true, false, false, false])
            #expect(gate.count == 3)
            // Those who were closed leave too.
            for ticket in tickets { gate.leave(ticket) }
            #expect(gate.count == 0)
            #expect(streams.count { $0.isClosed } == 3)
        }
    }

    @Test func `who has left makes room, in whatever order they leave`() async throws {
        try await WorkerThread.run { worker in
            let gate = HandshakeLimiter(capacity: 3)
            let streams = try await Self.streams(6, on: worker)
            var tickets = streams.prefix(3).map { gate.enter($0) }
            gate.leave(tickets[1])
            gate.leave(tickets[1])
            tickets.append(gate.enter(streams[3]))
            #expect(gate.count == 3)
            #expect(streams.allSatisfy { !$0.isClosed })
            tickets.append(gate.enter(streams[4]))
            #expect(streams.map(\.isClosed) == [true, false, false, false, false, false])
            gate.leave(tickets[3])
            gate.leave(tickets[2])
            tickets.append(gate.enter(streams[5]))
            #expect(streams.map(\.isClosed) == [true, false, false, false, false, false])
            #expect(gate.count == 2)
        }
    }

    @Test func `a capacity of 0 is no limit`() async throws {
        try await WorkerThread.run { worker in
            let gate = HandshakeLimiter(capacity: 0)
            let streams = try await Self.streams(40, on: worker)
            for stream in streams { _ = gate.enter(stream) }
            #expect(gate.count == 40)
            #expect(streams.allSatisfy { !$0.isClosed })
            gate.closeAll()
            #expect(gate.count == 0)
            #expect(streams.allSatisfy { $0.isClosed })
        }
    }

    @Test func `it does what a list does`() async throws {
        try await WorkerThread.run { worker in
            let stream = try await Self.streams(1, on: worker)[0]
            for seed in 0..<20 {
                var random = SeededRandomness(seed: UInt64(seed))
                let capacity = 1 + random.below(20)
                let gate = HandshakeLimiter(capacity: capacity)
                // All in it are one stream, which a full gate closes: here only the numbers count.
                var inside: [(number: Int, ticket: HandshakeLimiter.Ticket)] = []
                for step in 0..<1000 {
                    if random.below(2) == 0 {
                        if inside.count == capacity { inside.removeFirst() }
                        inside.append((step, gate.enter(stream)))
                    } else if !inside.isEmpty {
                        gate.leave(inside.remove(at: random.below(inside.count)).ticket)
                    }
                    if gate.count != inside.count { Issue.record("seed \(seed), step \(step)") }
                }
            }
        }
    }

    /// How many numbers the gate remembers, those who have left included.
    private static func remembered(_ gate: HandshakeLimiter) -> Int {
        let order = Mirror(reflecting: gate).children.first { $0.label == "order" }?.value as? [UInt64]
        return order?.count ?? .max
    }

    @Test(arguments: [0, 4, 1024])
    func `it does not grow with those who come and go`(capacity: Int) async throws {
        let most = try await WorkerThread.run { worker in
            let stream = try await Self.streams(1, on: worker)[0]
            let gate = HandshakeLimiter(capacity: capacity)
            var most = 0
            for step in 0..<100_000 {
                let ticket = gate.enter(stream)
                if step % 1000 == 0 { most = max(most, Self.remembered(gate)) }
                gate.leave(ticket)
            }
            return max(most, Self.remembered(gate))
        }
        #expect(most <= 256)
    }

    @Test func `it does not grow while somebody stays`() async throws {
        let most = try await WorkerThread.run { worker in
            let stream = try await Self.streams(1, on: worker)[0]
            let gate = HandshakeLimiter(capacity: 16)
            _ = gate.enter(stream)
            for _ in 0..<100_000 { gate.leave(gate.enter(stream)) }
            return Self.remembered(gate)
        }
        #expect(most <= 1024)
    }
}
