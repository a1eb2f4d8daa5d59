@testable import WstanCore

/// A hand-made peer of one tunnel: it sends what it likes and reads everything up to the end. Confined to its worker.
final class RawPeer: @unchecked Sendable {
    let tunnel: Tunnel
    let owner = RecordingOwner()
    let sealer: Sealer
    private let role: WebSocketRole
    private let stream: WstanCore.Stream
    private let secrets: TunnelSecrets
    private let run: Task<Void, Never>

    /// - Parameter role: the tunnel's.
    init(
        to role: WebSocketRole, on worker: Worker, usesCipher: Bool = true, allowsBareDatagrams: Bool = false
    ) async throws {
        let (near, far) = try await Loopback.pair(on: worker)
        let secrets = TunnelSecrets(usesCipher: usesCipher)
        self.role = role == .client ? .server : .client
        self.secrets = secrets
        sealer = secrets.sealer(of: self.role)
        stream = far
        let tunnel = secrets.tunnel(role, near, allowsBareDatagrams: allowsBareDatagrams, owner: owner)
        self.tunnel = tunnel
        run = worker.spawn { await tunnel.receiveLoop() }
    }

    var worker: Worker { stream.worker }

    /// - Parameter dripped: byte by byte, each read before the next is sent.
    func send(_ bytes: [UInt8], dripped: Bool = false) async {
        guard dripped else {
            stream.write(bytes)
            return await worker.settle()
        }
        for byte in bytes {
            stream.write([byte])
            await worker.settle()
        }
    }

    /// A frame as this end sends it, masked or not.
    func frame(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        var frame = RawFrame(opcode: opcode.rawValue, payload: payload, isFinal: isFinal)
        if role == .server { frame.mask = nil }
        return frame.bytes
    }

    func message(_ sealed: [UInt8]) -> [UInt8] { frame(.binary, sealed) }

    /// A sealed DAT message.
    func data(_ data: [UInt8]) -> [UInt8] {
        sealer.seal(data: data)
    }

    func request(_ data: [UInt8] = [], time: Double = 1_763_683_200) -> [UInt8] {
        sealer.seal(request: Request(time: time, target: TunnelPair.target, data: data))
    }

    /// Reads up to the tunnel's end, ends its own side and waits for the tunnel.
    func everything() async throws -> HeardFrames {
        let bytes = await stream.readAll().bytes
        stream.close()
        await run.value
        return try HeardFrames.reading(bytes, as: role)
    }

    /// Reads so many frames.
    func frames(_ count: Int) async throws -> HeardFrames {
        var bytes: [UInt8] = []
        while true {
            let heard = try HeardFrames.reading(bytes, as: role)
            if heard.all.count >= count, heard.isBetweenFrames { return heard }
            let more = await stream.take(1)
            guard !more.isEmpty else { return heard }
            bytes += more
        }
    }

    /// What the tunnel has sealed in those frames.
    func messages(_ heard: HeardFrames) throws -> HeardMessages {
        var opener = secrets.opener(from: role == .client ? .server : .client)
        var messages = HeardMessages()
        for case .payload(let bytes, _, _) in heard.all { try messages.hear(bytes, piecesOf: .max, &opener) }
        return messages
    }
}
