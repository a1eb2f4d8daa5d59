@testable import WstanBase
@testable import WstanCore

/// The head of a request of version 2, as a client would send it.
struct RawRequest {
    let handshake: ClientHandshakeV2
    let bytes: [UInt8]

    enum Server {
        case known
        /// Another one's key.
        case random
    }

    struct NoRequest: Error {}

    /// - Parameter ahead: by how many seconds its clock is ahead of the server's.
    init(server: Server = .known, ahead: Double = 0) throws {
        let key = server == .known ? RolesStage.serverKey : ServerKey(privateKey: .random(count: 32))
        let credentials = ClientKey(server: key.publicKey, user: RolesStage.userKey)
        var options = Options()
        options.set(.ciphers, [1])
        let randomness = ClientHandshakeV2.Randomness(
            salt: SecretBytes.random(count: 16).withBytes { Array($0) }, ephemeralKey: .random(count: 32))
        guard
            let handshake = ClientHandshakeV2(
                credentials, at: WireTime(CalendarTime(seconds: WallClock.now() + ahead)), options: options,
                message: MessageV2.nop.encoded(), padding: 64, randomness)
        else { throw NoRequest() }
        self.handshake = handshake
        bytes = RequestCarrier.cookie.head(
            of: handshake.request, asking: ClientHandshake.Server(pathPrefix: "/t/", host: "front.test"),
            of: key.publicKey,
            key: Nonce(high: 1, low: 2))
    }
}

extension RolesStage {
    /// A connection to the server on which nothing was said.
    func atServer() async throws -> WstanCore.Stream {
        try await .connect(to: Self.socket(serverPlace), worker: worker, deadline: worker.now + .seconds(30))
    }

    private static func socket(_ place: Address) -> SocketAddress { .ipv4(IPv4Address(0x7f00_0001), port: place.port) }
}
