import Testing

@testable import WstanBase
@testable import WstanCore

/// Ends that are no sockets, and tunnels whose WebSocket's server asks.
@Suite(.serialized, .timeLimit(.minutes(1))) struct NearEndTests {
    @Test func `a tunnel joins ends that are no sockets`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let userAgent = ScriptedEnd(on: worker, Array(1...100))
            let target = ScriptedEnd(on: worker, Array(101...200))
            let (near, far) = await pair.request([0], end: userAgent)
            #expect(pair.server.connected(far, to: target))
            #expect(pair.client.report().userAgent == "script")
            #expect(await pair.client.sendLoop(near, from: userAgent) == .finished)
            #expect(await pair.server.sendLoop(far, from: target) == .finished)
            await worker.until { target.received.count == 101 && userAgent.received.count == 100 }
            #expect(target.received == Array(0...100))
            #expect(userAgent.received == Array(101...200))
            pair.client.end(near, .normal)
            await pair.untilIdle()
            await pair.close()
        }
    }

    /// As a reverse forward has it: the client's end accepts what the server's end asks for, and masks all the same.
    @Test func `the WebSocket's server may ask, and its client accept`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            let secrets = TunnelSecrets(usesCipher: true)
            let accepting = RecordingOwner()
            let asking = RecordingOwner()
            let client = Tunnel(
                id: 1, role: .client, stream: near, sealer: secrets.sealer(of: .client),
                opener: secrets.opener(from: .server), pings: Tunnel.Pings(), owner: accepting, acceptor: accepting)
            let server = Tunnel(
                id: 2, role: .server, stream: far, sealer: secrets.sealer(of: .server),
                opener: secrets.opener(from: .client), pings: Tunnel.Pings(), owner: asking)
            let runs = [worker.spawn { await client.receiveLoop() }, worker.spawn { await server.receiveLoop() }]
            let visitor = ScriptedEnd(on: worker)
            let target = ScriptedEnd(on: worker)
            let connection = Connection(worker: worker, end: visitor)
            server.request(Request(time: 1, target: TunnelPair.target, data: [1]), for: connection)
            await worker.until { accepting.served.count == 1 }
            #expect(client.connected(accepting.served[0].connection, to: target))
            server.send([2, 3], for: connection)
            client.send([4, 5], for: accepting.served[0].connection)
            await worker.until { visitor.received == [4, 5] && target.received == [1, 2, 3] }
            server.end(connection, .normal)
            await worker.until { client.isIdle && server.isIdle }
            // The one who accepts does not ask.
            client.request(Request(time: 1, target: TunnelPair.target, data: []), for: connection)
            #expect(client.isIdle && client.connection == nil)
            server.close(CloseCode.normal)
            for run in runs { await run.value }
            #expect(accepting.refused.isEmpty && asking.refused.isEmpty)
        }
    }

    @Test func `a tunnel is active while bytes go either way, and pings are no activity`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let source = ScriptedEnd(on: worker, Array(1...100))
            let sink = ScriptedEnd(on: worker)
            let (near, far) = await pair.request([0], end: sink)
            #expect(pair.server.connected(far, to: source))
            let begun = worker.now
            await worker.sleep(for: .milliseconds(5))
            pair.server.output.send(.ping, [])
            await worker.until { pair.client.stream.lastReceived > begun }
            await worker.sleep(for: .milliseconds(5))
            #expect(pair.client.report().lastActivity <= begun && pair.server.report().lastActivity <= begun)
            // A download: the server's end reads, the client's writes, and nothing comes back.
            let asked = worker.now
            #expect(await pair.server.sendLoop(far, from: source) == .finished)
            await worker.until { sink.received.count == 100 }
            #expect(pair.server.report().lastActivity >= asked && pair.client.report().lastActivity >= asked)
            await worker.sleep(for: .milliseconds(5))
            let ended = worker.now
            pair.client.end(near, .normal)
            await pair.untilIdle()
            #expect(pair.server.report().lastActivity >= ended && pair.client.report().lastActivity >= ended)
            await pair.close()
        }
    }

    @Test func `tunnels are numbered over all workers`() async throws {
        let other = try Worker(index: 1, memoryLimit: 1 << 20)
        other.start()
        defer { other.stop() }
        try await WorkerThread.run { main in
            let first = main.nextID()
            let second = await Task(executorPreference: other) { other.nextID() }.value
            let third = main.nextID()
            #expect(first < second && second < third && third < 1 << 32)
        }
    }

    // MARK: The read loop

    @Test func `reading goes on until it is not wanted, and takes nothing then`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.write([1, 2, 3])
            var input = ReadLoop(near)
            guard case .bytes(let bytes) = await input.next(upTo: { 2 }, while: { true }) else {
                Issue.record("no bytes")
                return
            }
            #expect(Array(bytes) == [1, 2])
            guard case .unwanted = await input.next(while: { false }) else {
                Issue.record("wanted")
                return
            }
            guard case .bytes(let last) = await input.next(while: { true }), Array(last) == [3] else {
                Issue.record("taken")
                return
            }
            // Asked again after each wait.
            var asked = 0
            worker.execute { near.interruptReader() }
            guard
                case .unwanted = await input.next(while: {
                    asked += 1
                    return asked == 1
                })
            else {
                Issue.record("wanted")
                return
            }
            near.close()
            guard case .closed = await input.next(while: { true }) else {
                Issue.record("open")
                return
            }
            far.close()
        }
    }

    @Test func `a wait for input has its deadline`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            let deadline = worker.now + .milliseconds(1)
            guard case .timedOut = await near.readNext(upTo: { 1 }, deadline: deadline) else {
                Issue.record("not timed out")
                return
            }
            far.finish()
            guard case .end = await near.readNext(upTo: { 1 }) else {
                Issue.record("no end")
                return
            }
            near.close()
            far.close()
        }
    }
}
