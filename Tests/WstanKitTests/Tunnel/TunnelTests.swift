import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelTests {
    private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandomness(seed: seed)
        return random.bytes(count)
    }

    // MARK: Data

    @Test(arguments: [true, false], [1, 64 * 1024, 1024 * 1024])
    func `data flows both ways unchanged`(usesCipher: Bool, count: Int) async throws {
        let up = Self.bytes(count, seed: 1)
        let down = Self.bytes(count, seed: 2)
        let (first, toTarget, toUserAgent, held) = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: usesCipher)
            let carried = try await pair.connect([1, 2, 3])
            let first = await carried.target.take(3)
            carried.userAgent.write(up)
            carried.target.write(down)
            async let toTarget = carried.target.take(count)
            async let toUserAgent = carried.userAgent.take(count)
            let both = await (toTarget, toUserAgent)
            carried.userAgent.close()
            await pair.untilIdle()
            await carried.ended()
            await pair.close()
            return (first, both.0, both.1, worker.budget.held)
        }
        #expect(first == [1, 2, 3])
        #expect(toTarget == up)
        #expect(toUserAgent == down)
        #expect(held == 0)
    }

    @Test func `one connection after the other uses the same tunnel, whoever ends it`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            var random = SeededRandomness(seed: 3)
            for round in 1...100 {
                let first = random.bytes(random.below(50))
                let up = random.bytes(1 + random.below(3000))
                let down = random.bytes(1 + random.below(3000))
                let carried = try await pair.connect(first)
                carried.userAgent.write(up)
                carried.target.write(down)
                let toTarget = await carried.target.take(first.count + up.count)
                let toUserAgent = await carried.userAgent.take(down.count)
                if toTarget != first + up || toUserAgent != down { Issue.record("round \(round)") }
                switch random.below(4) {
                case 0: carried.userAgent.finish()
                case 1: carried.target.finish()
                case 2: carried.target.abort()
                default:
                    carried.userAgent.finish()
                    carried.target.finish()
                }
                await pair.untilIdle()
                await carried.ended()
                #expect(pair.clientOwner.idleCount == round)
                #expect(pair.serverOwner.idleCount == round)
            }
            await pair.close()
            #expect(pair.clientOwner.endedCount == 1)
            #expect(pair.serverOwner.endedCount == 1)
            #expect(pair.clientOwner.refused.isEmpty && pair.serverOwner.refused.isEmpty)
            #expect(worker.budget.held == 0)
        }
    }

    /// The end of one connection and the beginning of the next are often read in one piece.
    @Test func `requests that follow resets at once find the tunnel free`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            for round in 1...50 {
                let (near, far) = await pair.request([7], end: nil)
                pair.server.end(far, .normal)
                // The client answers in the turn in which it hears; nothing else is awaited before the next request.
                await worker.until { near.outcome != nil }
                #expect(near.outcome == .reset(.normal))
                #expect(pair.clientOwner.idleCount == round)
            }
            await pair.close()
        }
    }

    // MARK: Resets

    @Test(arguments: [Reset.normal, .targetBroken, Reset(reason: "can't connect", detail: "refused")])
    func `a reset of the server reaches the client's connection`(reset: Reset) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request()
            pair.server.end(far, reset)
            #expect(!pair.server.isIdle)
            await pair.untilIdle()
            #expect(near.outcome == .reset(reset))
            #expect(near.hasReceived)
            #expect(far.outcome == nil)
            await pair.close()
        }
    }

    /// A request at a block of the cipher could be sent once more, in a URI; Python's servers do not remember those.
    @Test func `a request behind a reset never begins where a key stream could begin`() async throws {
        let replayable = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            var replayable = 0
            for number in 0..<200 {
                let (near, far) = await pair.request([UInt8](repeating: 1, count: number))
                // Here the first one stands at the beginning of the stream.
                if number > 0, pair.serverOwner.stamps.last?.identity != nil { replayable += 1 }
                if number.isMultiple(of: 2) { pair.client.end(near, .normal) } else { pair.server.end(far, .normal) }
                await pair.untilIdle()
            }
            await pair.close()
            return replayable
        }
        #expect(replayable == 0)
    }

    @Test func `a reset of the client ends a connection that is being made`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request()
            let attempt = worker.spawn { await worker.sleep(for: .seconds(100_000)) }
            far.connecting = attempt
            pair.client.end(near, .userAgentBroken)
            await attempt.value
            #expect(far.outcome == .reset(.userAgentBroken))
            await pair.untilIdle()
            // The target answers all the same: nobody wants it any more.
            let target = try await Loopback.pair(on: worker)
            #expect(!pair.server.connected(far, to: target.near))
            pair.server.end(far, .targetBroken)
            #expect(pair.server.isIdle)
            await pair.close()
            #expect(pair.clientOwner.refused.isEmpty && pair.serverOwner.refused.isEmpty)
        }
    }

    @Test func `resets that cross leave both ends idle`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            for round in 1...20 {
                let (near, far) = await pair.request()
                pair.client.end(near, .normal)
                pair.server.end(far, .targetBroken)
                // Twice is once.
                pair.client.end(near, .normal)
                #expect(pair.client.connection == nil && pair.server.connection == nil)
                #expect(!pair.client.isIdle && !pair.server.isIdle)
                await pair.untilIdle()
                #expect(pair.clientOwner.idleCount == round)
                #expect(near.outcome == nil && far.outcome == nil)
            }
            await pair.close()
        }
    }

    @Test func `data for a connection that has ended goes nowhere`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request()
            pair.server.end(far, .normal)
            pair.client.send(Self.bytes(100_000, seed: 4), for: near)
            await pair.untilIdle()
            let (again, _) = await pair.request([9])
            pair.client.send([1], for: near)
            #expect(again.outcome == nil)
            #expect(pair.serverOwner.served.last?.request.data == [9])
            await pair.close()
            #expect(worker.budget.held == 0)
        }
    }

    // MARK: While the target has not answered

    @Test(arguments: [true, false])
    func `what comes before the target has answered is held and delivered in order`(usesCipher: Bool) async throws {
        let bytes = Self.bytes(1024 * 1024, seed: 5)
        let (mostHeld, delivered, held) = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: usesCipher)
            let (near, far) = await pair.request([1, 2])
            pair.client.send(bytes, for: near)
            await worker.until { far.held.count >= TunnelLimits.held }
            await worker.settle()
            let mostHeld = far.held.count
            let target = try await Loopback.pair(on: worker)
            #expect(pair.server.connected(far, to: target.near))
            let delivered = await target.far.take(2 + bytes.count)
            pair.client.end(near, .normal)
            await pair.untilIdle()
            await pair.close()
            return (mostHeld, delivered, worker.budget.held)
        }
        #expect(delivered == [1, 2] + bytes)
        #expect(mostHeld < TunnelLimits.held + MemoryBudget.smallest)
        #expect(held == 0)
    }

    /// It stood still until its deadline and then for ever: nothing told the reading side that nobody waits any more.
    @Test func `a tunnel with much held for a target that cannot be reached goes on`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            for _ in 1...2 {
                let (near, far) = await pair.request()
                pair.client.send(Self.bytes(300_000, seed: 6), for: near)
                await worker.until { far.held.count >= TunnelLimits.held }
                await worker.settle()
                pair.server.end(far, Reset(reason: "can't connect"))
                await pair.untilIdle()
                #expect(near.outcome == .reset(Reset(reason: "can't connect")))
            }
            await pair.close()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a tunnel that breaks with much held lets go of it`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request()
            pair.client.send(Self.bytes(10_000, seed: 7), for: near)
            await worker.until { far.held.count == 10_000 }
            #expect(worker.budget.held == 10_000)
            pair.client.stream.abort()
            await worker.until { pair.serverOwner.endedCount == 1 && pair.clientOwner.endedCount == 1 }
            #expect(far.outcome == .lost(nothingReceived: true))
            #expect(near.outcome == .lost(nothingReceived: true))
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `one who asks whether the target has answered is told when it has`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let userAgent = try await Loopback.pair(on: worker)
            let (near, far) = await pair.request([], end: userAgent.far)
            let relay = worker.spawn { _ = await pair.client.sendLoop(near, from: userAgent.far) }
            // More than a server holds for a target: the client asks, and waits for the answer.
            userAgent.near.write(Self.bytes(TunnelLimits.opening + 100_000, seed: 8))
            await worker.until { far.held.count >= TunnelLimits.held }
            #expect(!near.hasReceived)
            let target = try await Loopback.pair(on: worker)
            #expect(pair.server.connected(far, to: target.near))
            await worker.until { near.hasReceived }
            let delivered = await target.far.take(TunnelLimits.opening + 100_000)
            #expect(delivered == Self.bytes(TunnelLimits.opening + 100_000, seed: 8))
            pair.server.end(far, .normal)
            await relay.value
            await pair.untilIdle()
            await pair.close()
            #expect(worker.budget.held == 0)
        }
    }

    // MARK: The tunnel ends

    @Test func `a connection whose tunnel ends without a word of the peer may be tried again`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, _) = await pair.request([1], replay: [1])
            pair.client.send([2, 3], for: near)
            pair.server.close(CloseCode.normal)
            await worker.until { pair.clientOwner.endedCount == 1 }
            #expect(near.outcome == .lost(nothingReceived: true))
            #expect(near.replay == [1, 2, 3])
        }
    }

    @Test func `a connection whose peer has spoken is not tried again`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request([1], replay: [1])
            let target = try await Loopback.pair(on: worker)
            _ = pair.server.connected(far, to: target.near)
            pair.server.send([5], for: far)
            pair.server.close(CloseCode.normal)
            await worker.until { pair.clientOwner.endedCount == 1 }
            #expect(near.outcome == .lost(nothingReceived: false))
            #expect(near.replay == nil)
        }
    }

    /// Whoever waits for the one socket to take bytes must hear of the end of the other.
    @Test func `a tunnel whose client is gone ends, though the target does not read`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let carried = try await pair.connect()
            while carried.server.end?.pendingCount == 0 {
                carried.userAgent.write([UInt8](repeating: 3, count: 1 << 20))
                await worker.until { carried.userAgent.pendingCount == 0 || carried.server.end?.pendingCount != 0 }
            }
            pair.client.stream.abort()
            await worker.until { pair.serverOwner.endedCount == 1 && pair.clientOwner.endedCount == 1 }
            #expect(carried.server.outcome == .lost(nothingReceived: false))
            carried.target.close()
            carried.userAgent.close()
            await carried.ended()
            await worker.until { worker.budget.held == 0 }
        }
    }

    @Test func `a tunnel that is closing is not idle and takes no request`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            #expect(pair.client.isIdle)
            await pair.close()
            #expect(!pair.client.isIdle && !pair.server.isIdle)
            pair.client.close(CloseCode.badState)
            #expect(pair.clientOwner.endedCount == 1 && pair.serverOwner.endedCount == 1)
        }
    }

    /// The deadline itself closes the stream and nothing else.
    @Test func `a tunnel whose peer does not answer a reset ends with its stream`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            let owner = RecordingOwner()
            let tunnel = TunnelSecrets(usesCipher: true).tunnel(.client, near, owner: owner)
            let run = worker.spawn { await tunnel.receiveLoop() }
            let connection = Connection(worker: worker, end: nil)
            tunnel.carry(connection)
            tunnel.end(connection, .normal)
            #expect(!tunnel.isIdle)
            near.close()
            await run.value
            #expect(owner.endedCount == 1 && owner.idleCount == 0)
            #expect(connection.outcome == nil)
            far.close()
        }
    }

    @Test func `a tunnel that carries something already carries nothing else`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let (near, far) = await pair.request()
            let other = Connection(worker: worker, end: nil)
            pair.client.request(Request(time: 0, target: TunnelPair.target, data: []), for: other)
            pair.client.carry(other)
            #expect(pair.server.accept(Request(time: 0, target: TunnelPair.target, data: [])) == nil)
            #expect(pair.client.connection === near && pair.server.connection === far)
            pair.client.end(other, .normal)
            #expect(pair.client.connection === near)
            await pair.close()
            #expect(other.outcome == nil)
        }
    }
}
