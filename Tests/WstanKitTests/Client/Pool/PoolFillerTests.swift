import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct PoolFillerTests {
    private static let target = Address(host: .name("target.test"), port: 443)

    /// A server that tells empty requests from others, and a client's pool before it.
    private final class Stage: @unchecked Sendable {
        let worker: Worker
        let server: HandMadeServer
        let pool: TunnelPool
        let dialer: Dialer
        let opener: PoolFiller
        /// What came: whether the requests were empty.
        private(set) var isEmpty: [Bool] = []
        /// Answers an empty request; true when that was all.
        var answerEmpty: ((HandMadeServer.Visit) async -> Void)?

        init(on worker: Worker, size: Int = 8, minimum: Int, beside other: HandMadeServer? = nil) throws {
            self.worker = worker
            let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
            let authentication = Authentication(
                options: ServerOptions(keys: [key]), replayGuard: ReplayGuard(capacity: 100))
            let box = Box()
            server = try HandMadeServer(on: worker) { visit in await box.stage?.serve(visit, authentication) }
            let endpoints = [server, other].compactMap { $0?.address }.map {
                ServerEndpoint(address: $0, name: $0.host, hostHeader: "h", pathPrefix: "/")
            }
            pool = TunnelPool(worker: worker, size: size, minimum: minimum, maxIdle: .seconds(300), log: .silent)
            dialer = Dialer(
                worker: worker, options: ClientOptions(servers: endpoints, key: .v1(key)),
                connector: Connector(worker: worker, resolver: Resolver(pool: BlockingPool(maxThreads: 1))),
                pool: pool)
            opener = PoolFiller(dialer: dialer, log: .silent)
            box.stage = self
        }

        private final class Box: @unchecked Sendable {
            weak var stage: Stage?
        }

        private func serve(_ visit: HandMadeServer.Visit, _ authentication: Authentication) async {
            guard let head = visit.head, let verified = try? authentication.verify(head, now: WallClock.now()) else {
                return visit.stream.close()
            }
            switch verified.opening {
            case .idle:
                isEmpty.append(true)
                if let answerEmpty { await answerEmpty(visit) } else { visit.stream.write(visit.acceptance) }
            case .request, .association:
                isEmpty.append(false)
                visit.stream.write(visit.acceptance)
            }
        }

        static func refuse(_ visit: HandMadeServer.Visit) async {
            visit.stream.write(Array("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".utf8))
            visit.stream.closeOrderly(awaitingPeer: true)
        }

        func dial() async throws -> Tunnel {
            let connection = Connection(worker: worker, end: nil)
            let first = await dialer.connect()
            return try await dialer.open(connection, to: PoolFillerTests.target, early: [], first: first)
        }

        func close() async {
            pool.drain {}
            for tunnel in Array(pool.tunnels.values) { tunnel.stream.abort() }
            server.close()
            await worker.until { self.pool.isEmpty }
        }
    }

    @Test func `a server that does not take empty requests is not asked because another one may`() async throws {
        try await WorkerThread.run { worker in
            let other = try HandMadeServer(on: worker) { $0.stream.write($0.acceptance) }
            let stage = try Stage(on: worker, minimum: 1, beside: other)
            stage.answerEmpty = Stage.refuse
            stage.pool.replenish()
            await worker.until { stage.isEmpty == [true] }
            // Longer than the first pause after a failure.
            await worker.sleep(for: .milliseconds(400))
            #expect(stage.server.visits.count == 1)
            #expect(other.visits.isEmpty)
            await stage.close()
            other.close()
        }
    }

    @Test func `the minimum is open before anybody asks, and again when one was taken`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 2)
            stage.pool.replenish()
            await worker.until { stage.pool.machine.ready == 2 }
            #expect(stage.isEmpty == [true, true])
            stage.pool.connectionBegan()
            let taken = try #require(stage.pool.popIdle())
            #expect(taken.isIdle)
            taken.request(Request(time: 1, target: Self.target, data: []), for: Connection(worker: worker, end: nil))
            await worker.until { stage.pool.machine.ready == 2 }
            #expect(stage.isEmpty.count == 3)
            await stage.close()
        }
    }

    @Test func `a tunnel that the server cuts is replaced`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 1)
            stage.pool.replenish()
            await worker.until { stage.pool.hasIdle }
            let first = try #require(stage.pool.tunnels.keys.first)
            for visit in stage.server.visits { visit.stream.abort() }
            await worker.until { stage.pool.hasIdle && stage.pool.tunnels[first] == nil }
            #expect(stage.isEmpty == [true, true])
            await stage.close()
        }
    }

    @Test func `a server that refuses is asked once, and once more when a request has succeeded`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 3)
            stage.answerEmpty = Stage.refuse
            stage.pool.replenish()
            await worker.until { stage.opener.asking == .no }
            for _ in 0..<3 {
                _ = try await stage.dial()
                await worker.settle()
            }
            await worker.until { stage.isEmpty.count == 5 }
            for _ in 0..<3 { await worker.settle() }
            #expect(stage.isEmpty.count { $0 } == 2)
            guard case .notBefore = stage.opener.asking else {
                Issue.record("it would be asked again")
                return
            }
            await stage.close()
        }
    }

    @Test func `a server that is away is tried again, and the pool is there when it is back`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 1)
            stage.answerEmpty = { visit in visit.stream.abort() }
            stage.pool.replenish()
            await worker.until { stage.isEmpty.count == 1 }
            stage.answerEmpty = nil
            await worker.until { stage.pool.hasIdle }
            #expect(stage.isEmpty == [true, true])
            await stage.close()
        }
    }

    @Test func `a connection waits for a tunnel that is being opened, and is told when none comes`() async throws {
        try await WorkerThread.run { worker in
            for succeeds in [true, false] {
                let stage = try Stage(on: worker, minimum: 1)
                let gate = Wait<Void>(worker: worker)
                stage.answerEmpty = { visit in
                    await gate.value(onTimeout: (), onCancel: ())
                    if succeeds { visit.stream.write(visit.acceptance) } else { visit.stream.abort() }
                }
                stage.pool.replenish()
                await worker.until { stage.isEmpty.count == 1 }
                #expect(!stage.pool.hasIdle && stage.pool.mayServe)
                let obtained = Wait<Tunnel?>(worker: worker)
                worker.spawn { obtained.fulfill(await stage.pool.obtain()) }
                await worker.settle()
                #expect(!stage.pool.mayServe)
                #expect(await stage.pool.obtain() == nil)
                stage.answerEmpty = nil
                gate.fulfill(())
                let tunnel = await obtained.value(onTimeout: nil, onCancel: nil)
                #expect((tunnel != nil) == succeeds)
                #expect(tunnel?.isIdle ?? true)
                await stage.close()
            }
        }
    }

    @Test func `idle tunnels in doubt are given out when they have answered, and given up when not`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 1)
            stage.pool.replenish()
            await worker.until { stage.pool.hasIdle }
            let tunnel = try #require(stage.pool.tunnels.values.first)
            stage.pool.verifyIdle()
            #expect(!stage.pool.hasIdle && stage.pool.popIdle() == nil)
            #expect(tunnel.isIdle)
            let visit = try #require(stage.server.visits.first)
            visit.stream.write(RawFrame(opcode: 10, payload: [], mask: nil).bytes)
            await worker.until { stage.pool.hasIdle }
            #expect(stage.pool.popIdle() === tunnel)
            await stage.close()
        }
    }

    /// The clocks cannot be made to tell of a sleep, so the pool is told.
    @Test func `after a sleep the pool is made anew`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 1)
            stage.pool.replenish()
            await worker.until { stage.pool.hasIdle }
            let used = try await stage.dial()
            let before = Set(stage.pool.tunnels.keys)
            stage.pool.machineSlept()
            #expect(!stage.pool.hasIdle)
            await worker.until { stage.pool.hasIdle }
            #expect(!used.isClosing && stage.pool.tunnels[used.id] === used)
            #expect(Set(stage.pool.tunnels.keys).subtracting(before).count == 1)
            await stage.close()
        }
    }

    @Test func `a change of the network that does not concern the tunnels costs nothing`() async throws {
        try await WorkerThread.run { worker in
            let stage = try Stage(on: worker, minimum: 1)
            stage.pool.replenish()
            await worker.until { stage.pool.hasIdle }
            let before = Set(stage.pool.tunnels.keys)
            var change = NetworkChange()
            change.insert(.ipv4(IPv4Address(0x0a00_0001), port: 0))
            change.hasMore = true
            stage.pool.networkChanged(change)
            #expect(stage.pool.hasIdle)
            change.touchesDefaultRoute = true
            stage.pool.networkChanged(change)
            // Now it has to answer first.
            #expect(!stage.pool.hasIdle)
            #expect(Set(stage.pool.tunnels.keys) == before)
            await stage.close()
        }
    }
}
