import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelPoolTests {
    /// A client's tunnel that belongs to the pool, with nobody to answer it.
    private static func tunnel(
        of pool: TunnelPool, on worker: Worker
    ) async throws -> (tunnel: Tunnel, peer: WstanCore.Stream) {
        let (near, far) = try await Loopback.pair(on: worker)
        let secrets = TunnelSecrets(usesCipher: true)
        let tunnel = Tunnel(
            id: worker.nextID(), role: .client, stream: near, sealer: secrets.sealer(of: .client),
            opener: secrets.opener(from: .server), pings: Tunnel.Pings(), owner: pool)
        pool.add(tunnel)
        worker.spawn { await tunnel.receiveLoop() }
        return (tunnel, far)
    }

    private static func pool(_ worker: Worker, size: Int = 3, maxIdle: Duration = .seconds(300)) -> TunnelPool {
        TunnelPool(worker: worker, size: size, maxIdle: maxIdle, log: .silent)
    }

    @Test func `the tunnel that fell idle last is taken first, and only once`() async throws {
        try await WorkerThread.run { worker in
            let pool = Self.pool(worker)
            #expect(pool.popIdle() == nil && !pool.hasIdle)
            let first = try await Self.tunnel(of: pool, on: worker)
            let second = try await Self.tunnel(of: pool, on: worker)
            pool.tunnelIsIdle(first.tunnel)
            pool.tunnelIsIdle(second.tunnel)
            #expect(pool.hasIdle)
            #expect(pool.popIdle() === second.tunnel)
            #expect(pool.popIdle() === first.tunnel)
            #expect(pool.popIdle() == nil && !pool.hasIdle)
        }
    }

    @Test func `what does not fit is closed in good order, after a moment`() async throws {
        try await WorkerThread.run { worker in
            let pool = Self.pool(worker, size: 1)
            let closed = try await Self.tunnel(of: pool, on: worker)
            let kept = try await Self.tunnel(of: pool, on: worker)
            pool.tunnelIsIdle(closed.tunnel)
            pool.tunnelIsIdle(kept.tunnel)
            #expect(closed.tunnel.isIdle)
            let heard = try HeardFrames.reading(await closed.peer.readAll().bytes, as: .server)
            #expect(heard.all == [.close(CloseCode.normal)])
            #expect(kept.tunnel.isIdle && !closed.tunnel.isIdle)
            #expect(pool.popIdle() === kept.tunnel)
        }
    }

    /// The server, or a middlebox, may have ended it meanwhile.
    @Test func `a tunnel that has ended, or is ending, is not given out`() async throws {
        try await WorkerThread.run { worker in
            let pool = Self.pool(worker)
            let good = try await Self.tunnel(of: pool, on: worker)
            let closing = try await Self.tunnel(of: pool, on: worker)
            let gone = try await Self.tunnel(of: pool, on: worker)
            for tunnel in [good.tunnel, closing.tunnel, gone.tunnel] { pool.tunnelIsIdle(tunnel) }
            gone.peer.abort()
            await worker.settle()
            closing.tunnel.close(CloseCode.normal)
            #expect(pool.popIdle() === good.tunnel)
            #expect(pool.popIdle() == nil)
        }
    }

    /// Timers fire in the order of their deadlines, so probes between them tell without measuring any time. The first
    /// tunnel's time was computed when it was alone, and not looked at again when the pool had filled.
    @Test func `tunnels that nobody needs are closed, sooner when the pool has filled since`() async throws {
        let order = try await WorkerThread.run { worker in
            // Alone a tunnel has 300 ms, in a full pool a third of 450.
            let pool = Self.pool(worker, size: 2, maxIdle: .milliseconds(450))
            let first = try await Self.tunnel(of: pool, on: worker)
            let second = try await Self.tunnel(of: pool, on: worker)
            let ledger = Ledger()
            pool.tunnelIsIdle(first.tunnel)
            pool.tunnelIsIdle(second.tunnel)
            for milliseconds in [140, 200] {
                _ = worker.schedule(after: .milliseconds(milliseconds)) { ledger.wasIdle.append(first.tunnel.isIdle) }
            }
            await worker.until { ledger.wasIdle.count == 2 && !second.tunnel.isIdle }
            return ledger.wasIdle
        }
        #expect(order == [true, false])
    }

    private final class Ledger: @unchecked Sendable {
        var wasIdle: [Bool] = []
    }

    @Test func `one who waits for a tunnel is woken when it falls idle, ends, or takes too long`() async throws {
        try await WorkerThread.run { worker in
            let pool = Self.pool(worker)
            let secrets = TunnelSecrets(usesCipher: true)
            for ending in 0..<3 {
                let (tunnel, peer) = try await Self.tunnel(of: pool, on: worker)
                let connection = Connection(worker: worker, end: nil)
                tunnel.request(Request(time: 1_763_683_200, target: TunnelPair.target, data: []), for: connection)
                tunnel.end(connection, .normal)
                let patience: Duration = ending == 2 ? .milliseconds(1) : .seconds(100_000)
                let waiting = worker.spawn { await pool.waitForIdle(tunnel, until: worker.now + patience) }
                await worker.settle()
                switch ending {
                case 0:
                    let sealed = secrets.sealer(of: .server).seal(reset: .normal, padding: 40)
                    peer.write(RawFrame(opcode: 2, payload: sealed, mask: nil).bytes)
                case 1: peer.abort()
                default: break
                }
                await waiting.value
                #expect(tunnel.isIdle == (ending == 0))
                #expect((pool.popIdle() === tunnel) == (ending == 0))
                // Nobody waits for what is there, or cannot come.
                if ending < 2 { await pool.waitForIdle(tunnel, until: worker.now + .seconds(100_000)) }
            }
        }
    }

    @Test func `the server may ask for nothing`() async throws {
        try await WorkerThread.run { worker in
            let pool = Self.pool(worker)
            let (tunnel, peer) = try await Self.tunnel(of: pool, on: worker)
            let request = Request(time: 1_763_683_200, target: TunnelPair.target, data: [])
            let sealed = TunnelSecrets(usesCipher: true).sealer(of: .server).seal(request: request)
            peer.write(RawFrame(opcode: 2, payload: sealed, mask: nil).bytes)
            let heard = try HeardFrames.reading(await peer.readAll().bytes, as: .server)
            #expect(heard.all == [.close(CloseCode.badMessage)])
            #expect(!tunnel.isIdle)
        }
    }
}
