@testable import WstanBase
@testable import WstanCore

/// What both ends of a version 2 tunnel have after a handshake.
struct AgreementV2 {
    var cipher = RecordCipher.sealed(.aes128GCM)
    var firstRecord: UInt64 = 0
    var limit = LimitsV2.plaintext
    var shape: TrafficShape?

    var chains: TunnelChains {
        var state = NoiseState(protocolName: "test", by: HMAC())
        state.mixKey([UInt8](repeating: 7, count: 32))
        return TunnelChains(state, cipher: cipher)
    }

    func tunnel(_ role: WebSocketRole, _ stream: WstanCore.Stream, owner: RecordingOwner) -> Tunnel {
        let agreement = TunnelV2.Agreement(
            keyID: KeyID(value: 1), chains: chains, peerLimit: limit, shape: shape, firstRecord: firstRecord)
        return Tunnel(
            id: stream.worker.nextID(), role: role, stream: stream,
            version: { .v2(TunnelV2($0, agreement, frames: $1)) }, pings: Tunnel.Pings(), owner: owner,
            acceptor: role == .server ? owner : nil)
    }
}

/// A client's tunnel and a server's of version 2, over a connection within this host, both running.
struct TunnelPairV2: @unchecked Sendable {
    let worker: Worker
    let client: Tunnel
    let server: Tunnel
    let clientOwner = RecordingOwner()
    let serverOwner = RecordingOwner()
    private let runs: [Task<Void, Never>]

    init(on worker: Worker, _ agreement: AgreementV2 = AgreementV2()) async throws {
        self.worker = worker
        let (near, far) = try await Loopback.pair(on: worker)
        let client = agreement.tunnel(.client, near, owner: clientOwner)
        let server = agreement.tunnel(.server, far, owner: serverOwner)
        runs = [worker.spawn { await client.receiveLoop() }, worker.spawn { await server.receiveLoop() }]
        self.client = client
        self.server = server
    }

    /// Asks for a connection and waits until the server has the request.
    func request(_ data: [UInt8] = [], end: (any ByteEnd)? = nil) async -> (client: Connection, server: Connection) {
        let connection = Connection(worker: worker, end: end, to: TunnelPair.target)
        let before = serverOwner.served.count
        client.request(Request(time: 0, target: TunnelPair.target, data: data), for: connection)
        await worker.until { serverOwner.served.count > before }
        return (connection, serverOwner.served[before].connection)
    }

    /// A connection with a user agent and a target, both relays at work as the services have them.
    func connect(_ data: [UInt8] = []) async throws -> CarriedConnection {
        let userAgent = try await Loopback.pair(on: worker)
        let target = try await Loopback.pair(on: worker)
        let (near, far) = await request(data, end: userAgent.far)
        guard server.connected(far, to: target.near) else { throw TunnelPair.NotConnected() }
        return CarriedConnection(
            userAgent: userAgent.near, target: target.far, client: near, server: far,
            relays: [relay(near, userAgent.far, client), relay(far, target.near, server)])
    }

    private func relay(_ connection: Connection, _ end: WstanCore.Stream, _ tunnel: Tunnel) -> Task<Void, Never> {
        worker.spawn {
            switch await tunnel.sendLoop(connection, from: end) {
            case .finished:
                _ = tunnel.finish(connection)
                while tunnel.carries(connection), await connection.waitForNews() {}
            case .broken: tunnel.end(connection, .targetBroken)
            case .over: break
            }
            end.closeOrderly(awaitingPeer: false)
        }
    }

    func untilIdle() async {
        await worker.until { client.isIdle && server.isIdle }
    }

    func close() async {
        client.close(CloseCode.normal)
        for run in runs { await run.value }
    }
}

/// A hand-made peer of one tunnel of version 2: it says what it likes and reads everything up to the end. Confined to
/// its worker.
final class RawPeerV2: @unchecked Sendable {
    let tunnel: Tunnel
    let owner = RecordingOwner()
    let stream: WstanCore.Stream
    var sealer: RecordSealer
    private var opener: RecordOpener
    private let role: WebSocketRole
    private let run: Task<Void, Never>

    /// - Parameter role: the tunnel's.
    init(to role: WebSocketRole, on worker: Worker, _ agreement: AgreementV2 = AgreementV2()) async throws {
        let (near, far) = try await Loopback.pair(on: worker)
        self.role = role == .client ? .server : .client
        let chains = agreement.chains
        let (ours, theirs) =
            role == .server
            ? (chains.clientToServer, chains.serverToClient) : (chains.serverToClient, chains.clientToServer)
        sealer = RecordSealer(Epoch(cipher: chains.cipher, chain: ours), now: worker.now)
        opener = RecordOpener(Epoch(cipher: chains.cipher, chain: theirs))
        stream = far
        let tunnel = agreement.tunnel(role, near, owner: owner)
        self.tunnel = tunnel
        run = worker.spawn { await tunnel.receiveLoop() }
    }

    var worker: Worker { stream.worker }

    /// A frame as this end sends it.
    func frame(_ payload: [UInt8], _ opcode: Opcode = .binary, isFinal: Bool = true) -> [UInt8] {
        var frame = RawFrame(opcode: opcode.rawValue, payload: payload, isFinal: isFinal)
        if role == .server { frame.mask = nil }
        return frame.bytes
    }

    /// A record of whatever is given.
    func record(_ plaintext: [UInt8]) -> [UInt8] {
        var record = plaintext + [UInt8](repeating: 0, count: sealer.epoch.cipher.tagSize)
        record.withUnsafeMutableBytes { sealer.epoch.seal($0, plaintextLength: plaintext.count) }
        let message = plaintext.withUnsafeBytes { try? MessageV2.read($0) }
        if case .rekey = message { sealer.epoch.begin() }
        return record
    }

    func say(_ messages: MessageV2...) async {
        for message in messages { stream.write(frame(sealer.seal(message))) }
        await worker.settle()
    }

    static func connect(_ data: [UInt8] = []) -> MessageV2 {
        .request(RequestV2(.connect, RequestBody(address: AddressV2(TunnelPair.target), data: data)))
    }

    /// The types of all that the tunnel has said up to its end, and whether that was a WebSocket close.
    func everything() async throws -> (messages: [String], closed: UInt16??) {
        let bytes = await stream.readAll().bytes
        stream.close()
        await run.value
        let heard = try HeardFrames.reading(bytes, as: role)
        var messages: [String] = []
        var closed: UInt16??
        for event in heard.all {
            switch event {
            case .payload(let payload, _, _):
                var record = payload
                messages.append(try record.withUnsafeMutableBytes { Self.words(try opener.open($0)) })
            case .close(let code): closed = .some(code)
            case .ping, .pong: messages.append("\(event)")
            }
        }
        return (messages, closed)
    }

    private static func words(_ message: MessageV2) -> String {
        switch message {
        case .reset(let reset): "reset \(reset.connection) \(reset.code)"
        case .bye(let bye): "bye \(bye.code)"
        case .data(let bytes): "data \(bytes.count)"
        case .fin(let bytes): "fin \(bytes.count)"
        default: "\(message.type)"
        }
    }
}
