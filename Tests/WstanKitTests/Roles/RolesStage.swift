import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// A client and a server of version 2, whole, over connections within this host: user agents come by SOCKS, targets are
/// the test's. Confined to its worker.
final class RolesStage: @unchecked Sendable {
    let worker: Worker
    let server: ServerService
    let client: ClientService
    let serverLines = LogLines()
    let clientLines = LogLines()
    private var listeners: [Listener] = []
    /// Where clients reach the server, perhaps through something that changes what passes.
    let serverPlace: Address

    static let serverKey = ServerKey(privateKey: SecretBytes(Array(0x20...0x3f)))
    static let userKey = UserKey(secret: SecretBytes(Array(0x40...0x5f)))
    static let user = RingUser(name: .configured, key: userKey)
    static let keyV1 = Key(text: "WY+yKqwlAlxSubNXVLrJsw==")

    /// What the stage is made of, to be changed before it is.
    struct Plan {
        var server = ServerOptions(keys: [])
        var client: ClientOptions
        /// The client's, of version 2.
        var identity = ClientIdentity(
            credentials: ClientKey(server: serverKey.publicKey, user: userKey))
        /// Instead of it, of version 1.
        var keyV1: Key?
        /// Stands between the two.
        var middle: ((Address, Worker) throws -> Address)?
        /// Of requests that were seen, shared by two servers.
        var replayGuard = ReplayGuard(capacity: 1000)

        init() throws {
            server.identity = ServerIdentity(
                keys: LiveServerKeys(current: serverKey), users: try UserRing([RolesStage.user]))
            server.allowPrivate = true
            client = ClientOptions(servers: [], key: .v2(identity))
            client.poolMin = 0
            client.carrier = .cookie
            client.earlyDataWait = .milliseconds(1)
        }

        /// No client of its own: version 1's.
        mutating func speakV1() throws {
            guard let key = RolesStage.keyV1 else { throw NoKey() }
            keyV1 = key
            server.keys = [key]
        }
    }

    struct NoKey: Error {}

    init(on worker: Worker, _ change: (inout Plan) throws -> Void = { _ in }) throws {
        self.worker = worker
        var plan = try Plan()
        try change(&plan)
        let resolver = Resolver(pool: BlockingPool(maxThreads: 2))
        let server = ServerService(
            worker: worker, options: plan.server, shared: ServerShared(replayGuard: plan.replayGuard),
            resolver: resolver,
            log: serverLines.log)
        self.server = server
        let atServer = try Self.listen(on: worker) { server.serve($0) }
        let place = Self.place(of: atServer)
        serverPlace = try plan.middle?(place, worker) ?? place
        plan.client.key = plan.keyV1.map { .v1($0) } ?? .v2(plan.identity)
        plan.client.servers = [
            ServerEndpoint(
                address: serverPlace, name: serverPlace.host,
                hostHeader: "front.test", pathPrefix: "/t/", usesTLS: plan.client.tls != nil)
        ]
        let client = ClientService(
            worker: worker, options: plan.client, resolver: resolver,
            passwords: PasswordChecks(threads: BlockingPool(maxThreads: 1)), failures: RecentFailures(),
            log: clientLines.log)
        self.client = client
        listeners = [atServer, try Self.listen(on: worker) { client.serve($0) }]
    }

    static func listen(on worker: Worker, _ serve: @escaping (Listener.Arrival) -> Void) throws -> Listener {
        try Listener(Loopback.ipv4, on: worker, dealingTo: [worker]) { event in
            if case .accepted(let arrival) = event { serve(arrival) }
        }
    }

    static func place(of listener: Listener) -> Address { Address(listener.address) }

    /// A target that gives each of its connections to the test.
    func target(_ serve: @escaping @Sendable (WstanCore.Stream) async -> Void) throws -> Address {
        let worker = worker
        let listener = try Self.listen(on: worker) { arrival in
            guard let stream = try? WstanCore.Stream(arrival) else { return }
            worker.spawn { await serve(stream) }
        }
        listeners.append(listener)
        return Self.place(of: listener)
    }

    /// A target that says everything back, and ends when its peer does.
    func echo() throws -> Address {
        try target { stream in
            while await stream.waitReadable() == .ready {
                let body = stream.worker.scratch.body()
                switch stream.read(into: body) {
                case .bytes(let count): stream.write(UnsafeRawBufferPointer(rebasing: body[..<count]))
                case .wouldBlock: continue
                case .end, .failed: return stream.closeOrderly(awaitingPeer: true)
                }
                await stream.waitDrained()
            }
        }
    }

    /// A user agent's connection on which nothing was said.
    func userAgent() async throws -> WstanCore.Stream {
        try await .connect(to: listeners[1].address, worker: worker, deadline: worker.now + .seconds(30))
    }

    /// A user agent that has asked for a target by SOCKS5.
    ///
    /// - Returns: with the code of the reply.
    func connect(to target: Address) async throws -> (stream: WstanCore.Stream, reply: UInt8?) {
        let stream = try await userAgent()
        stream.write([5, 1, 0])
        _ = await stream.take(2)
        var request: [UInt8] = [5, 1]
        target.encode(into: &request)
        stream.write(request)
        return (stream, await stream.take(10).dropFirst().first)
    }

    /// All that comes back to a user agent which says so much and finishes.
    func exchange(_ bytes: [UInt8], with target: Address) async throws -> (
        bytes: [UInt8], ending: WstanCore.Stream.Ending
    ) {
        let (stream, _) = try await connect(to: target)
        stream.write(bytes)
        stream.finish()
        defer { stream.close() }
        return await stream.readAll()
    }

    /// A connection that has echoed, on a client whose tunnels were in use before.
    func connectionInUse() async throws -> WstanCore.Stream {
        let target = try echo()
        _ = try await exchange([1], with: target)
        let (stream, _) = try await connect(to: target)
        stream.write([2])
        #expect(await stream.take(1) == [2])
        return stream
    }

    func untilServerIsIdle() async {
        await worker.until { server.totals.active == 0 }
    }

    func close() {
        for listener in listeners { listener.close() }
        for id in server.tunnelNumbers { _ = server.closeTunnel(id) }
        for id in client.tunnelNumbers { _ = client.closeTunnel(id) }
    }
}
