import Testing

@testable import WstanBase
@testable import WstanCore

/// What one tunnel does before it is the others' turn, however much its peer says at once.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelTurnTests {
    /// Takes bytes as if they had been read.
    private static func process(_ bytes: [UInt8], _ tunnel: Tunnel) -> Int {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { tunnel.process($0) }
    }

    private static func pair(_ number: UInt8) -> [MessageV2] {
        [RawPeerV2.connect(), .reset(ResetV2(connection: number, code: .reset))]
    }

    private static func frames(of messages: [MessageV2], _ peer: RawPeerV2) -> [UInt8] {
        messages.flatMap { peer.frame(peer.sealer.seal($0)) }
    }

    /// A connection that is being made, until it is given up and its task may end. Confined to its worker.
    private final class Slow: @unchecked Sendable {
        var mayEnd = false
        var begun = 0

        func serve(_ connection: Connection, on worker: Worker) {
            begun += 1
            connection.connecting = worker.spawn {
                while !self.mayEnd || !Task.isCancelled { await worker.yield() }
            }
        }
    }

    private static func stage(on worker: Worker) async throws -> (peer: RawPeerV2, slow: Slow) {
        let peer = try await RawPeerV2(to: .server, on: worker)
        let slow = Slow()
        peer.owner.serving = { slow.serve($0, on: worker) }
        return (peer, slow)
    }

    @Test func `a request that is reset at once lets the next one follow in another turn`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            let first = Self.frames(of: Self.pair(0), peer)
            #expect(Self.process(first + Self.frames(of: Self.pair(1), peer), peer.tunnel) == first.count)
            #expect(peer.owner.served.count == 1)

            let version1 = try await RawPeer(to: .server, on: worker)
            let request = version1.message(version1.request())
            let reset = version1.message(version1.sealer.seal(reset: .normal, padding: 41))
            let next = version1.message(version1.request())
            #expect(Self.process(request + reset + next, version1.tunnel) == request.count + reset.count)
            #expect(version1.owner.served.count == 1)
            for tunnel in [peer.tunnel, version1.tunnel] { tunnel.close(CloseCode.normal) }
            _ = try await (peer.everything(), version1.everything())
        }
    }

    @Test func `a tunnel makes one connection at a time, and answers all that it was asked`() async throws {
        try await WorkerThread.run { worker in
            let (peer, slow) = try await Self.stage(on: worker)
            peer.stream.write(Self.frames(of: (0..<50).flatMap { Self.pair(UInt8($0)) } + [.ping(1)], peer))
            await worker.until { peer.tunnel.isIdle && slow.begun > 0 }
            await worker.settle()
            #expect(slow.begun == 1)
            // What waits counts.
            #expect(worker.budget.held > 0)
            slow.mayEnd = true
            await worker.until { slow.begun == 50 && peer.tunnel.isIdle }
            await worker.settle()
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().messages == (0..<50).map { "reset \($0) none" } + ["pong"])
            #expect(worker.budget.held == 0)
        }
    }

    /// Else a client that resets a slow connection would wait for it.
    @Test func `one that may part does not keep the next one waiting`() async throws {
        try await WorkerThread.run { worker in
            let (peer, slow) = try await Self.stage(on: worker)
            peer.owner.serving = {
                $0.mayPart = { true }
                slow.serve($0, on: worker)
            }
            let end = MessageV2.fin(UnsafeRawBufferPointer(start: nil, count: 0))
            for number: UInt8 in 0..<3 {
                let reset = ResetV2(connection: number, code: .none)
                peer.stream.write(Self.frames(of: [RawPeerV2.connect(), end, .reset(reset)], peer))
            }
            await worker.until { slow.begun == 3 && peer.tunnel.isIdle }
            let partings = peer.owner.served.map(\.connection)
            #expect(partings.allSatisfy { $0.isParting })
            slow.mayEnd = true
            for connection in partings { connection.abandon() }
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
        }
    }

    @Test func `datagrams behind the request for their association are read a few at a time`() async throws {
        try await WorkerThread.run { worker in
            var gatherer = PieceGatherer(limit: LimitsV2.plaintext)
            for _ in 0..<64 { _ = gatherer.append(AddressV2(TunnelPair.target), [UInt8]()) }
            let datagrams: [UInt8] = [0x0b] + gatherer.body
            let peer = try await RawPeerV2(to: .server, on: worker)
            let first = Self.frames(of: [.request(RequestV2(.associate))], peer)
            let rest = (0..<40).flatMap { _ in peer.frame(peer.record(datagrams)) }
            #expect(rest.count > 2 * TunnelLimits.datagramTurn)
            #expect(Self.process(first + rest, peer.tunnel) == first.count)
            #expect(peer.owner.associations.first?.delivered.isEmpty == true)
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()

            let other = try await RawPeerV2(to: .server, on: worker)
            other.stream.write(Self.frames(of: [.request(RequestV2(.associate))], other))
            other.stream.write((0..<40).flatMap { _ in other.frame(other.record(datagrams)) })
            await worker.until { other.owner.associations.first?.delivered.count == 40 * 64 }
            other.tunnel.close(CloseCode.normal)
            _ = try await other.everything()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `new keys end a turn`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            let one = peer.frame(peer.sealer.rekey(now: worker.now))
            let two = peer.frame(peer.sealer.rekey(now: worker.now))
            #expect(Self.process(one + two, peer.tunnel) == one.count)
            #expect(Self.process(two, peer.tunnel) == two.count)
            let many = (0..<60).flatMap { _ in peer.frame(peer.sealer.rekey(now: worker.now)) }
            peer.stream.write(many + Self.frames(of: [.ping(1)], peer))
            await worker.until { peer.tunnel.stream.traffic.sent > 0 }
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().messages == ["pong"])
            #expect(peer.owner.refused.isEmpty)
        }
    }

    // MARK: What stays where it is

    @Test func `a record that does not grow ends its tunnel`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            peer.tunnel.patience = .milliseconds(30)
            await peer.say(.nop)
            let record = peer.sealer.seal(.nop, padding: 200)
            peer.stream.write(peer.frame(Array(record[..<100]), isFinal: false))
            await worker.until { worker.budget.stuck == 100 }
            // A ping does not make it grow.
            peer.stream.write(peer.frame([], .ping))
            #expect(try await peer.everything().closed == nil)
            #expect(peer.owner.endedCount == 1 && peer.owner.refused.isEmpty)
            #expect(worker.budget.held == 0 && worker.budget.stuck == 0)
        }
    }

    /// 64 KiB where there is room.
    @Test func `where memory is tight, less is held for a target that has not answered`() async throws {
        try await WorkerThread.run(memoryLimit: 512 * 1024) { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            await peer.say(RawPeerV2.connect())
            let data = [UInt8](repeating: 7, count: 1000)
            for _ in 0..<60 { peer.stream.write(peer.frame(peer.record([1] + data))) }
            await worker.settle()
            let connection = try #require(peer.owner.served.first?.connection)
            #expect(connection.held.count >= 10_000 && connection.held.count <= 20_000)
            #expect(worker.budget.stuck == connection.stuck + peer.tunnel.incomplete)
            let target = try await Loopback.pair(on: worker)
            #expect(peer.tunnel.connected(connection, to: target.near))
            #expect(await target.far.take(60_000).count == 60_000)
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            target.near.close()
            target.far.close()
            #expect(worker.budget.held == 0 && worker.budget.stuck == 0)
        }
    }
}
