import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct TunnelAcceptorTests {
    /// Confined to its worker. A stranger's large request, which waits for its turn.
    private final class Waiting: @unchecked Sendable {
        let worker: Worker
        let near: WstanCore.Stream
        let far: WstanCore.Stream
        let recorder: RefusalRecorder
        private let acceptor: TunnelAcceptor
        private let ended: Wait<Void>

        /// The strangers' turn is another's until `end`.
        init(on worker: Worker, timeout: Duration = .seconds(30)) async throws {
            self.worker = worker
            (near, far) = try await Loopback.pair(on: worker)
            var options = ServerOptions(keys: [Key.random()])
            options.handshakeTimeout = timeout
            recorder = RefusalRecorder(worker: worker, log: .silent)
            acceptor = TunnelAcceptor(
                worker: worker, options: options,
                authentication: Authentication(options: options, replayGuard: ReplayGuard(capacity: 10)),
                recorder: recorder)
            ended = Wait(worker: worker)
            let limiter = HandshakeLimiter(capacity: 10)
            let place = HandshakePlace(limiter.enter(now: worker.now), of: far, from: .key(1), in: limiter)
            await worker.strangers.begin(for: .key(1))
            worker.spawn { [self] in
                let accepted = await acceptor.accept(far, from: .network(Loopback.ipv4), at: place)
                #expect(accepted == nil)
                ended.fulfill(())
            }
            let target = Address(host: .name("example.com"), port: 443)
            let request = RequestHead(Key.random(), nonce: Nonce(high: 1, low: 2)) {
                $0.seal(request: Request(time: 0, target: target, data: [UInt8](repeating: 7, count: 40_000)))
            }
            let bytes = request.bytes
            near.write(bytes)
            // The head, the last segment of its path, and the message that this stands for.
            await worker.until { far.heldHead > 2 * bytes.count }
        }

        func end() async {
            await ended.value(onTimeout: (), onCancel: ())
            #expect(worker.budget.heads == 0)
            worker.strangers.end()
            near.close()
            // The acceptor is told of it.
            await worker.until { far.isClosed }
        }
    }

    @Test func `a request that waits for its turn counts as a head, and gives way to others`() async throws {
        try await WorkerThread.run { worker in
            let waiting = try await Waiting(on: worker)
            worker.budget.limit = 4 * (worker.budget.heads - 1)
            worker.budget.changeHeads(by: 1)
            #expect(waiting.far.isClosed)
            worker.budget.changeHeads(by: -1)
            // Its turn has not come.
            await waiting.end()
            #expect(waiting.recorder.rejects == RefusalCounts([.overLimit: 1]))
        }
    }

    @Test func `a request whose peer is gone while it waits is no wrong key, and holds nothing`() async throws {
        try await WorkerThread.run { worker in
            let waiting = try await Waiting(on: worker)
            waiting.near.abort()
            await waiting.end()
            #expect(waiting.recorder.rejects == RefusalCounts())
        }
    }

    /// It is complete, and what it is has not been found out.
    @Test func `a request that waits for too long is refused by a limit, as any stranger's is`() async throws {
        try await WorkerThread.run { worker in
            let waiting = try await Waiting(on: worker, timeout: .milliseconds(500))
            let answer = await waiting.near.readAll().bytes
            #expect(String(decoding: answer.prefix(12), as: UTF8.self) == "HTTP/1.1 404")
            await waiting.end()
            #expect(waiting.recorder.rejects == RefusalCounts([.overLimit: 1]))
        }
    }
}
