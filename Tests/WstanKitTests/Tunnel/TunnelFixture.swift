@testable import WstanBase
@testable import WstanCore

/// Whom the tunnel of a test belongs to: it writes down what it is told. Confined to its worker.
final class RecordingOwner: TunnelOwner, RequestAcceptor, @unchecked Sendable {
    /// What a request that came as a message is refused with.
    var refusal: WireError?
    /// Judges instead, and may take its time.
    var verdict: Admission.Verdict?
    /// Of the requests that were judged.
    private(set) var stamps: [RequestStamp] = []
    private(set) var refused: [WireError] = []
    private(set) var served: [(request: Request, connection: Connection)] = []
    private(set) var associations: [RecordingDatagramEnd] = []
    /// Called for each request that is served.
    var serving: ((Connection) -> Void)?
    /// Makes the end of an association instead of a recording one.
    var makeAssociation: ((Tunnel) -> any DatagramEnd)?
    private(set) var idleCount = 0
    private(set) var endedCount = 0

    func tunnel(_ tunnel: Tunnel, admissionOf stamp: RequestStamp) -> Admission {
        stamps.append(stamp)
        if let verdict { return .pending(verdict) }
        return refusal.map { .refused($0) } ?? .admitted
    }

    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection) {
        served.append((request, connection))
        serving?(connection)
    }

    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)? {
        if let makeAssociation { return makeAssociation(tunnel) }
        let end = RecordingDatagramEnd()
        associations.append(end)
        return end
    }

    func tunnel(_ tunnel: Tunnel, refused error: WireError) { refused.append(error) }
    func tunnelIsIdle(_ tunnel: Tunnel) { idleCount += 1 }
    func tunnelEnded(_ tunnel: Tunnel) { endedCount += 1 }
}

/// The end of a test's association: it keeps what it is given. Confined to its worker.
final class RecordingDatagramEnd: DatagramEnd, @unchecked Sendable {
    private(set) var delivered: [Datagram] = []
    private(set) var endedCount = 0
    var lastUsed = Instant(nanoseconds: 0)

    func deliver(_ datagram: Datagram) { delivered.append(datagram) }
    func associationEnded() { endedCount += 1 }
}

/// What both ends of a tunnel know before its first message.
struct TunnelSecrets {
    let key = Key(text: "WY+yKqwlAlxSubNXVLrJsw==")
    let usesCipher: Bool

    private static let fromClient = Nonce(high: 0x0123_4567_89ab_cdef, low: 0x7fff_ffff_ffff_fffe)
    private static let fromServer = Nonce(high: 0xfedc_ba98_7654_3210, low: .max)

    /// - Parameter role: whose sealer; the opener of the other one goes with it.
    func sealer(of role: WebSocketRole) -> Sealer {
        Sealer(authenticator: authenticator, stream: stream(from: role))
    }

    /// Opens what comes from the end with that role.
    func opener(from role: WebSocketRole) -> Opener {
        Opener(authenticator: authenticator, stream: stream(from: role))
    }

    private var knownKey: Key {
        guard let key else { preconditionFailure("the key of the tests is none") }
        return key
    }

    private var authenticator: Authenticator { Authenticator(key: knownKey) }

    private func stream(from role: WebSocketRole) -> KeyStream? {
        usesCipher ? KeyStream(key: knownKey, nonce: role == .client ? Self.fromClient : Self.fromServer) : nil
    }

    func tunnel(
        _ role: WebSocketRole, _ stream: WstanCore.Stream, allowsBareDatagrams: Bool = false, owner: RecordingOwner
    ) -> Tunnel {
        let peer: WebSocketRole = role == .client ? .server : .client
        let opener = opener(from: peer)
        if allowsBareDatagrams { opener.allowBareDatagrams() }
        return Tunnel(
            id: stream.worker.nextID(), role: role, stream: stream, sealer: sealer(of: role),
            opener: opener, pings: Tunnel.Pings(), owner: owner, acceptor: role == .server ? owner : nil)
    }
}

/// A client's tunnel and a server's, over a connection within this host, both running.
struct TunnelPair: @unchecked Sendable {
    let worker: Worker
    let client: Tunnel
    let server: Tunnel
    let clientOwner = RecordingOwner()
    let serverOwner = RecordingOwner()
    private let runs: [Task<Void, Never>]

    static let target = Address(host: .name("target.test"), port: 443)

    init(on worker: Worker, usesCipher: Bool) async throws {
        self.worker = worker
        let (near, far) = try await Loopback.pair(on: worker)
        let secrets = TunnelSecrets(usesCipher: usesCipher)
        let client = secrets.tunnel(.client, near, owner: clientOwner)
        let server = secrets.tunnel(.server, far, owner: serverOwner)
        runs = [worker.spawn { await client.receiveLoop() }, worker.spawn { await server.receiveLoop() }]
        self.client = client
        self.server = server
    }

    /// Asks for a connection and waits until the server has the request.
    func request(_ data: [UInt8] = [], end: (any ByteEnd)? = nil, replay: [UInt8]? = nil) async -> (
        client: Connection, server: Connection
    ) {
        let connection = Connection(worker: worker, end: end, replay: replay)
        let before = serverOwner.served.count
        client.request(Request(time: 1_763_683_200, target: Self.target, data: data), for: connection)
        await worker.until { serverOwner.served.count > before }
        return (connection, serverOwner.served[before].connection)
    }

    /// A connection with a user agent and a target, both relays at work.
    func connect(_ data: [UInt8] = []) async throws -> CarriedConnection {
        let userAgent = try await Loopback.pair(on: worker)
        let target = try await Loopback.pair(on: worker)
        let (near, far) = await request(data, end: userAgent.far)
        guard server.connected(far, to: target.near) else { throw NotConnected() }
        return CarriedConnection(
            userAgent: userAgent.near, target: target.far, client: near, server: far,
            relays: [
                relay(near, userAgent.far, client, .userAgentBroken), relay(far, target.near, server, .targetBroken),
            ])
    }

    struct NotConnected: Error {}

    /// As the two services do it, without lingering.
    private func relay(
        _ connection: Connection, _ end: WstanCore.Stream, _ tunnel: Tunnel, _ broken: Reset
    ) -> Task<Void, Never> {
        worker.spawn {
            switch await tunnel.sendLoop(connection, from: end) {
            case .finished: tunnel.end(connection, .normal)
            case .broken: tunnel.end(connection, broken)
            case .over: break
            }
            end.closeOrderly(awaitingPeer: false)
        }
    }

    func untilIdle() async {
        await worker.until { client.isIdle && server.isIdle }
    }

    /// Ends the tunnel from the client's side and waits for both ends to notice.
    func close() async {
        client.close(CloseCode.normal)
        for run in runs { await run.value }
    }
}

struct CarriedConnection: @unchecked Sendable {
    /// The far ends, which the tunnel does not know.
    let userAgent: WstanCore.Stream
    let target: WstanCore.Stream
    let client: Connection
    let server: Connection
    let relays: [Task<Void, Never>]

    func ended() async {
        for relay in relays { await relay.value }
        userAgent.close()
        target.close()
    }
}

extension Worker {
    /// Turns the loop until `condition` holds; the time limit of the suite ends a wait for what never comes.
    func until(_ condition: () -> Bool) async {
        while !condition(), !Task.isCancelled { await self.yield() }
    }
}

extension WstanCore.Stream {
    /// Waits for exactly `count` bytes; fewer when no more can come.
    func take(_ count: Int) async -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            guard await waitReadable() == .ready else { return bytes }
            let body = worker.scratch.body(min(count - bytes.count, Scratch.bodySize))
            switch read(into: body) {
            case .bytes(let count): bytes.append(contentsOf: body[..<count])
            case .wouldBlock: continue
            case .end, .failed: return bytes
            }
        }
        return bytes
    }
}
