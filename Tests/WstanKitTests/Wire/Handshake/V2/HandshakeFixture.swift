import Testing

@testable import WstanBase
@testable import WstanCore

/// Both ends of a handshake of version 2, with the keys and the randomness of the vectors.
struct HandshakeFixture {
    static let serverKey = ServerKey(privateKey: SecretBytes(Array(0x20...0x3f)))
    static let userKey = UserKey(secret: SecretBytes(Array(0x40...0x5f)))
    static let user = RingUser(name: .configured, key: userKey)
    static let time = WireTime(milliseconds: 1_795_000_000_000)
    static let now = WireTime(milliseconds: 1_795_000_000_250)
    static let randomness = ClientHandshakeV2.Randomness(
        salt: Array(0xa0...0xaf), ephemeralKey: SecretBytes([UInt8](repeating: 1, count: 32)))
    static let replyKey = SecretBytes([UInt8](repeating: 2, count: 32))
    static let allCiphers = CipherChoice(ciphers: Set(AEADCipher.allCases))

    static func connect(_ data: [UInt8] = Array("hello".utf8)) -> [UInt8] {
        MessageV2.request(
            RequestV2(.connect, RequestBody(address: .name("example.com", port: 443), data: data))
        ).encoded()
    }

    static let nop = MessageV2.nop.encoded()

    static func options(_ ciphers: [UInt8] = [1], binding: [UInt8]? = nil) -> Options {
        var options = Options()
        options.set(.ciphers, ciphers)
        if let binding { options.set(.binding, binding) }
        return options
    }

    static func client(
        _ options: Options = options(), message: [UInt8] = connect(), padding: Int = 5, server: ServerKey = serverKey,
        user: UserKey = userKey, realm: Realm = .none, time: WireTime = time,
        _ randomness: ClientHandshakeV2.Randomness = randomness
    ) throws -> ClientHandshakeV2 {
        let credentials = ClientKey(server: server.publicKey, user: user, realm: realm)
        return try #require(
            ClientHandshakeV2(
                credentials, at: time, options: options, message: message, padding: padding, randomness))
    }

    /// With a payload that the client would not make.
    static func client(payload: [UInt8], _ options: Options = options()) throws -> ClientHandshakeV2 {
        let credentials = ClientKey(server: serverKey.publicKey, user: userKey)
        return try #require(
            ClientHandshakeV2(credentials, at: time, payload: payload, options: options, randomness))
    }

    static func server(
        _ keys: LiveServerKeys = LiveServerKeys(current: serverKey), users: [RingUser] = [user], realm: Realm = .none,
        ciphers: CipherChoice = allCiphers
    ) throws -> ServerHandshakeV2 {
        ServerHandshakeV2(keys: keys, realm: realm, users: try UserRing(users), ciphers: ciphers)
    }

    static func candidate(_ bytes: [UInt8]) -> RequestCandidate {
        RequestCandidate(.cookie, Array(Base64.encodeUnpadded(bytes).utf8))
    }
}

extension ServerHandshakeV2 {
    func judge(
        _ bytes: [UInt8], at now: WireTime = HandshakeFixture.now, binding: [UInt8]? = nil,
        seen: Set<HandshakeIdentity> = []
    ) throws(HandshakeRefusal) -> JudgedRequest {
        try judge(HandshakeFixture.candidate(bytes), in: Circumstances(now: now, binding: binding)) { seen.contains($0) }
    }
}

extension JudgedRequest {
    func reply(_ options: Options = Options(), padding: Int = 7) -> (reply: HandshakeReply, secrets: TunnelChains) {
        reply(
            at: HandshakeFixture.now, options: options, padding: padding, ephemeralKey: HandshakeFixture.replyKey)
    }
}

extension TunnelChains {
    func expectSame(as other: TunnelChains) {
        #expect(cipher == other.cipher)
        #expect(clientToServer == other.clientToServer)
        #expect(serverToClient == other.serverToClient)
    }
}
