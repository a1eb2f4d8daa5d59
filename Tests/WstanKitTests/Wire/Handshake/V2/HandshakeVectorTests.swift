import Testing

@testable import WstanBase
@testable import WstanCore

/// Every handshake of the vectors, with every value on the way.
@Suite struct HandshakeVectorTests {
    private typealias Vector = HandshakeVectors.Handshake

    /// The options of P1 in each vector, and its padding: the file tells what came of them.
    private static let offers: [String: (options: Options, padding: Int)] = {
        let (aes, kem) = (HandshakeFixture.options(), [UInt8]((0..<1184).map { UInt8(truncatingIfNeeded: $0 * 3) }))
        var otherBinding = Options()
        otherBinding.set(.binding, [UInt8](repeating: 8, count: 32))
        otherBinding.set(.ciphers, [1])
        var withKEM = aes
        withKEM.set(.kem, kem)
        return [
            "connect with early data, AES-128-GCM": (aes, 5), "ChaCha20-Poly1305": (HandshakeFixture.options([2]), 5),
            "AES-256-GCM": (HandshakeFixture.options([3]), 5), "empty": (aes, 64), "realm": (aes, 5),
            "hello with options": (aes, 5),
            "TLS carries the records": (
                HandshakeFixture.options([1, 128], binding: [UInt8](repeating: 9, count: 32)), 5
            ),
            "binding of another TLS connection is no reason to refuse": (otherBinding, 5),
            "early data over two cookies": (aes, 0),
            "a critical option of the request that is not known: the tunnel is made, RESET 7 follows": (aes, 5),
            "ML-KEM-768 (made-up key and ciphertext)": (withKEM, 5),
        ]
    }()

    /// Type and body of the message in M1.
    private static func message(of vector: Vector) throws -> [UInt8] {
        let types: [String: UInt8] = ["NOP": 0x00, "CONNECT": 0x10]
        return [try #require(types[vector.request])] + vector.body.bytes
    }

    /// P2 with the options as they are, the unknown ones too.
    private static func replyPayload(of vector: Vector) -> [UInt8] {
        var options: [UInt8] = []
        for (type, value) in vector.hello.options.sorted(by: { $0.key < $1.key }) {
            options += Hexadecimal(type).bytes
            options.append(integer: UInt16(value.bytes.count))
            options += value.bytes
        }
        // The file leaves this one out, since who reads it skips it.
        if vector.name == "hello with options" {
            options += [0x00, 0x55, 0, 16] + Array("unknown, skipped".utf8)
        }
        var payload: [UInt8] = []
        payload.append(integer: vector.hello.time)
        payload += [vector.hello.cipher, vector.hello.flags, 0, 7]
        payload.append(integer: UInt16(options.count))
        return payload + options + [UInt8](repeating: 0, count: 7)
    }

    @Test func `the vectors are all there`() {
        let all = HandshakeVectors.all
        #expect(all.handshakes.count == 11)
        #expect(Set(all.handshakes.map(\.name)) == Set(Self.offers.keys))
        #expect(all.refused.count == 31)
        #expect(all.refusedHellos.count == 7)
    }

    @Test func `M1 is made as in the vectors, by way of the same keys`() throws {
        for vector in HandshakeVectors.all.handshakes {
            let offer = try #require(Self.offers[vector.name])
            let client = try Self.client(vector, offer.options, offer.padding)
            #expect(client.request.bytes == vector.m1.bytes, "\(vector.name)")

            let hmac = HMAC()
            let secrets = RequestSecrets(
                salt: vector.salt.bytes, server: HandshakeFixture.serverKey.publicKey, by: hmac)
            #expect(secrets.replyMask == vector.maskM2.secret)
            let box = AEAD(.aes256GCM, key: vector.keyM1.secret)
            let header = try #require(RequestHeader.open(client.request.box, with: secrets))
            #expect(box.opened(Array(client.request.box), AEADNonce(counter: 0)) != nil)
            #expect(header.keyID == HandshakeFixture.userKey.id)
            #expect(header.time.milliseconds == vector.time)
            #expect(header.ephemeralKey == X25519KeyPair(privateKey: vector.eClient.secret).publicKey)
        }
    }

    @Test func `M1 is judged, M2 is made and opened, and both ends have the keys of the vectors`() throws {
        for vector in HandshakeVectors.all.handshakes where vector.kemSecret == nil {
            let offer = try #require(Self.offers[vector.name])
            let client = try Self.client(vector, offer.options, offer.padding)
            let server = try HandshakeFixture.server(realm: try #require(Realm(vector.realm.utf8)))
            let binding = vector.binding.bytes.isEmpty ? nil : vector.binding.bytes
            let judged = try server.judge(vector.m1.bytes, binding: binding)
            #expect(judged.user == HandshakeFixture.user)
            #expect(judged.time.milliseconds == vector.time)
            #expect(judged.payload.options == offer.options)
            try Self.expect(judged.payload.request, vector)

            let (reply, secrets) = judged.reply(
                Self.replyPayload(of: vector), ephemeralKey: vector.eServer.secret)
            #expect(reply.bytes == vector.m2.bytes, "\(vector.name)")
            let answer = try client.open(vector.m2.bytes)
            answer.secrets.expectSame(as: secrets)
            try Self.expect(answer.payload, vector)
            try Self.expect(secrets, vector)
        }
    }

    /// The message was sealed, so it is compared as it came, except that an unknown option is left out.
    private static func expect(_ request: RequestV2?, _ vector: Vector) throws {
        guard let request else {
            #expect(vector.request == "NOP" && vector.body.bytes.isEmpty)
            return
        }
        #expect(request.type == .connect && vector.request == "CONNECT")
        if request.body.options.unknownCritical != nil {
            #expect(request.body.options.unknownCritical == 0x8055)
        } else {
            #expect(MessageV2.request(request).encoded() == (try message(of: vector)))
        }
        #expect(request.body.address == .name("example.com", port: 443))
    }

    private static func expect(_ payload: ReplyPayload, _ vector: Vector) throws {
        #expect(payload.time.milliseconds == vector.hello.time)
        #expect(payload.cipher == vector.hello.cipher)
        #expect(payload.flags == vector.hello.flags)
        #expect(payload.isInGrace == (vector.hello.flags == 1))
        #expect(payload.options.entries.count == vector.hello.options.count)
        for (type, value) in vector.hello.options {
            let known = try #require(UInt16(type, radix: 16).flatMap { OptionType(rawValue: $0) })
            #expect(payload.options[known] == value.bytes)
        }
    }

    private static func expect(_ secrets: TunnelChains, _ vector: Vector) throws {
        #expect(secrets.cipher.byte == vector.hello.cipher)
        #expect(secrets.clientToServer == vector.chainC2S.secret)
        #expect(secrets.serverToClient == vector.chainS2C.secret)
        let directions = [
            (secrets.clientToServer, vector.keyC2S, vector.ivC2S), (secrets.serverToClient, vector.keyS2C, vector.ivS2C),
        ]
        for (chain, key, iv) in directions {
            guard case .sealed(let cipher) = secrets.cipher else {
                #expect(key == nil && iv == nil)
                continue
            }
            let info = Array("key".utf8) + [secrets.cipher.byte]
            #expect(HKDF.expand(prk: chain, info: info, length: cipher.keySize) == key?.secret)
            #expect(HKDF.expand(prk: chain, info: Array("iv".utf8), length: AEADNonce.size) == iv?.secret)
        }
    }

    /// By what the handshake is made of: it shows the hash, and a key encapsulation that nothing here offers yet.
    @Test func `Noise comes to the hash of the vectors, and to their keys with the secret of a key encapsulation`() throws {
        for vector in HandshakeVectors.all.handshakes {
            let hmac = HMAC()
            let (fixture, cipher) = (HandshakeFixture.self, try #require(RecordCipher(byte: vector.hello.cipher)))
            let request = try #require(HandshakeRequest(vector.m1.bytes))
            let secrets = RequestSecrets(salt: request.salt, server: fixture.serverKey.publicKey, by: hmac)
            let header = try #require(RequestHeader.open(request.box, with: secrets))
            let prologue = HandshakePrologue.of(
                header, salt: request.salt, realm: try #require(Realm(vector.realm.utf8)))
            var initiator = NoiseNKpsk0.Initiator(
                psk: fixture.userKey.psk, prologue: prologue, responder: fixture.serverKey.publicKey.point,
                ephemeral: X25519KeyPair(privateKey: vector.eClient.secret), by: hmac)
            var responder = NoiseNKpsk0.Responder(
                psk: fixture.userKey.psk, prologue: prologue, key: fixture.serverKey.pair, by: hmac)

            let read = responder.readFirst(ephemeral: header.ephemeralKey, request.ciphertext)
            let one = try #require(read)
            let written = initiator.writeFirst(one)
            #expect(written == request.ciphertext)
            let offer = try #require(Self.offers[vector.name])
            #expect(
                RequestPayload.encode(offer.options, message: try Self.message(of: vector), padding: offer.padding) == one)

            let pair = X25519KeyPair(privateKey: vector.eServer.secret)
            let answer = responder.writeSecond(Self.replyPayload(of: vector), ephemeral: pair)
            let two = try #require(answer)
            #expect(secrets.masked(pair.publicKey) + two == vector.m2.bytes, "\(vector.name)")
            let heard = initiator.readSecond(ephemeral: pair.publicKey, two)
            #expect(heard == Self.replyPayload(of: vector))
            for state in [initiator.state, responder.state] {
                var state = state
                #expect(state.hash == vector.handshakeHash.bytes)
                if let secret = vector.kemSecret { state.mixKey(secret.secret) }
                try Self.expect(TunnelChains(state, cipher: cipher), vector)
            }
        }
    }

    @Test func `a request for a key encapsulation is answered without it`() throws {
        let vector = try #require(HandshakeVectors.all.handshakes.first { $0.kemSecret != nil })
        let judged = try HandshakeFixture.server().judge(vector.m1.bytes)
        #expect(judged.payload.options[.kem]?.count == KEMSizes.encapsulationKey)
        let offer = try #require(Self.offers[vector.name])
        let client = try Self.client(vector, offer.options, offer.padding)
        let (reply, secrets) = judged.reply()
        try client.open(reply.bytes).secrets.expectSame(as: secrets)
        // What a server answers that has it: this client cannot have asked.
        #expect(throws: ReplyRefusal.kemNotOffered) { try client.open(vector.m2.bytes) }
    }

    @Test func `M1 rides in the cookies of the vectors, and is found there`() throws {
        let keys = LiveServerKeys(current: HandshakeFixture.serverKey)
        for vector in HandshakeVectors.all.handshakes {
            let text = Base64.encodeUnpadded(vector.m1.bytes)
            #expect(RequestCookie.field(text, name: keys.current.publicKey.cookieName) == vector.cookie)
            let head = try HTTPHead(Array("GET / HTTP/1.1\r\nCookie: a=b; \(vector.cookie)\r\n\r\n".utf8))
            let candidate = try #require(RequestCandidate(in: head, for: keys))
            #expect(candidate.carrier == .cookie && candidate.decoded == vector.m1.bytes)
        }
    }

    @Test func `the records of the vectors open with the keys that a handshake yields`() throws {
        for vector in HandshakeVectors.all.handshakes {
            let cipher = try #require(RecordCipher(byte: vector.hello.cipher))
            #expect(vector.recordsC2S.count == 3 && vector.recordsS2C.count == 2)
            for (chain, records) in [(vector.chainC2S, vector.recordsC2S), (vector.chainS2C, vector.recordsS2C)] {
                let epoch = Epoch(cipher: cipher, chain: chain.secret)
                for record in records {
                    var bytes = record.bytes
                    #expect(bytes.withUnsafeMutableBytes { epoch.open($0) }, "\(vector.name)")
                    if bytes.dropLast(cipher.tagSize) == [0x07] { epoch.begin() }
                }
            }
        }
    }

    private static func client(_ vector: Vector, _ options: Options, _ padding: Int) throws -> ClientHandshakeV2 {
        try HandshakeFixture.client(
            options, message: try message(of: vector), padding: padding, realm: try #require(Realm(vector.realm.utf8)),
            time: WireTime(milliseconds: vector.time),
            ClientHandshakeV2.Randomness(salt: vector.salt.bytes, ephemeralKey: vector.eClient.secret))
    }
}
