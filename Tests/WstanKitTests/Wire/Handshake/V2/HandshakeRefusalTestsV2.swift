import Testing

@testable import WstanBase
@testable import WstanCore

/// What is refused, at either end, and in which order it is looked at.
@Suite struct HandshakeRefusalTestsV2 {
    private typealias Fixture = HandshakeFixture

    /// The words of the vectors.
    private static let reasons: [String: Set<String>] = [
        "not ours": ["not-ours"], "bad tag": ["not-authentic"], "length": ["length", "no-candidate"], "replayed": ["replayed"],
        "expired": ["expired"], "no such key": ["unknown-user"], "no common cipher": ["no-common-cipher"],
        "critical option": ["unknown-option"], "option twice": ["malformed-option-twice"], "no request": ["no-request"],
        "truncated": ["malformed-truncated"], "malformed": ["malformed-padding"],
        "option length": ["malformed-option-length"],
    ]

    @Test func `every refused request of the vectors is refused, for its reason`() throws {
        var count = 0
        for vector in HandshakeVectors.all.refused {
            let server = try Fixture.server(users: vector.users == nil ? [Fixture.user] : [])
            var seen: Set<HandshakeIdentity> = []
            for former in vector.acceptedBefore {
                seen.insert(try server.judge(former.bytes, seen: seen).identity)
            }
            do throws(HandshakeRefusal) {
                _ = try server.judge(vector.m1.bytes, at: WireTime(milliseconds: vector.now), seen: seen)
                Issue.record("accepted: \(vector.name)")
            } catch {
                count += 1
                #expect(Self.reasons[vector.reason]?.contains(error.code) == true, "\(vector.name): \(error)")
            }
        }
        #expect(count == 31)
    }

    @Test func `every refused answer of the vectors is an impostor's`() throws {
        var count = 0
        let client = try Fixture.client()
        for vector in HandshakeVectors.all.refusedHellos {
            do throws(ReplyRefusal) {
                _ = try client.open(vector.m2.bytes)
                Issue.record("accepted: \(vector.name)")
            } catch {
                count += 1
                #expect(error == (HandshakeBounds.replies.contains(vector.m2.bytes.count) ? .notAuthentic : .length))
            }
        }
        #expect(count == 7)
    }

    // MARK: Bits and lengths

    @Test func `a request with any bit changed is refused`() throws {
        let server = try Fixture.server()
        let good = try Fixture.client().request.bytes
        #expect(try server.judge(good).payload.request != nil)
        for bit in 0..<(good.count * 8) {
            var changed = good
            changed[bit / 8] ^= 1 << (bit % 8)
            // The box covers the salt and itself; Noise covers the rest.
            let isInBox = bit / 8 < HandshakeBounds.salt + RequestHeader.boxSize
            #expect(throws: isInBox ? HandshakeRefusal.notOurs : .notAuthentic) { try server.judge(changed) }
        }
    }

    @Test func `a request of any other length is refused`() throws {
        let server = try Fixture.server()
        let good = try Fixture.client().request.bytes
        for count in 0..<good.count {
            // As bytes, and as what they are in a cookie.
            let cut = Array(good.prefix(count))
            let refusal: HandshakeRefusal = HandshakeBounds.requests.contains(count) ? .notAuthentic : .length
            #expect(throws: refusal) { try server.judge(cut) }
        }
        for count in [1, 2, 16, HandshakeBounds.mostRequest - good.count] {
            let long = good + [UInt8](repeating: 0, count: count)
            #expect(throws: HandshakeRefusal.notAuthentic) { try server.judge(long) }
        }
        let longest = good + [UInt8](repeating: 0, count: HandshakeBounds.mostRequest - good.count + 1)
        #expect(throws: HandshakeRefusal.length) { try server.judge(longest) }
    }

    @Test func `an answer with any bit changed, or of another length, is an impostor's`() throws {
        let client = try Fixture.client()
        let good = try Fixture.server().judge(client.request.bytes).reply().reply.bytes
        #expect(try client.open(good).payload.cipher == 1)
        for bit in 0..<(good.count * 8) {
            var changed = good
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: ReplyRefusal.notAuthentic) { try client.open(changed) }
        }
        for count in 0..<good.count {
            let refusal: ReplyRefusal = HandshakeBounds.replies.contains(count) ? .notAuthentic : .length
            #expect(throws: refusal) { try client.open(Array(good.prefix(count))) }
        }
        #expect(throws: ReplyRefusal.notAuthentic) { try client.open(good + [0]) }
        let longest = good + [UInt8](repeating: 0, count: HandshakeBounds.mostReply - good.count + 1)
        #expect(throws: ReplyRefusal.length) { try client.open(longest) }
    }

    @Test func `text that is no base64url is refused, and so is a request without a candidate`() throws {
        let server = try Fixture.server()
        let text = Array(Base64.encodeUnpadded(try Fixture.client().request.bytes).utf8)
        let circumstances = ServerHandshakeV2.Circumstances(now: Fixture.now)
        func judge(_ text: [UInt8]?) throws {
            _ = try server.judge(text.map { RequestCandidate(.path, $0) }, in: circumstances) { _ in false }
        }
        try judge(text)
        for place in text.indices {
            for symbol in [UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), 0, 0x20, 0x80] {
                var changed = text
                changed[place] = symbol
                #expect(throws: HandshakeRefusal.encoding) { try judge(changed) }
            }
        }
        #expect(throws: HandshakeRefusal.encoding) { try judge(text + Array("=".utf8)) }
        #expect(throws: HandshakeRefusal.noCandidate) { try judge(nil) }
    }

    // MARK: Time, users and keys

    @Test func `a time may be off by its lifetime to the millisecond, and no more`() throws {
        let server = try Fixture.server()
        let request = try Fixture.client().request.bytes
        let time = Fixture.time.milliseconds
        for offset in [-60_000, -59_999, 0, 59_999, 60_000] as [Int64] {
            _ = try server.judge(request, at: WireTime(milliseconds: UInt64(Int64(time) + offset)))
        }
        for (offset, ahead) in [(60_001, -60_001), (-60_001, 60_001)] as [(Int64, Int64)] {
            #expect(throws: HandshakeRefusal.expired(ahead: ahead)) {
                try server.judge(request, at: WireTime(milliseconds: UInt64(Int64(time) + offset)))
            }
        }
        var short = server
        short.lifetime = 100
        #expect(throws: HandshakeRefusal.expired(ahead: -250)) { try short.judge(request) }
    }

    @Test func `a time at either end of what can be written is refused`() throws {
        let server = try Fixture.server()
        for milliseconds in [0, 1, UInt64.max - 1, UInt64.max] {
            let request = try Fixture.client(time: WireTime(milliseconds: milliseconds)).request.bytes
            #expect(throws: HandshakeRefusal.self) { try server.judge(request) }
            // Where the server's clock says the same, nothing overflows.
            _ = try server.judge(request, at: WireTime(milliseconds: milliseconds))
        }
    }

    @Test func `the memory is asked once, behind everything that costs less, and never for what is no request of a user`() throws {
        let request = try Fixture.client().request.bytes
        let circumstances = ServerHandshakeV2.Circumstances(now: Fixture.now)
        var asked: [HandshakeIdentity] = []
        func judge(_ server: ServerHandshakeV2, _ bytes: [UInt8], now: WireTime = Fixture.now) -> HandshakeRefusal? {
            do throws(HandshakeRefusal) {
                _ = try server.judge(
                    Fixture.candidate(bytes), in: ServerHandshakeV2.Circumstances(now: now)
                ) {
                    asked.append($0)
                    return true
                }
                return nil
            } catch { return error }
        }
        let late = Fixture.time.advanced(by: 60_001)
        #expect(judge(try Fixture.server(users: []), request, now: late) == .expired(ahead: -60_001))
        #expect(judge(try Fixture.server(users: []), request) == .unknownUser)
        #expect(asked.isEmpty)
        #expect(judge(try Fixture.server(), request) == .replayed)
        var spoilt = request
        spoilt[spoilt.count - 1] ^= 1
        #expect(judge(try Fixture.server(), spoilt) == .replayed)
        let identity = HandshakeIdentity(keyID: Fixture.userKey.id, salt: Fixture.randomness.salt)
        #expect(asked == [identity, identity])
        #expect(throws: HandshakeRefusal.noCandidate) {
            try Fixture.server().judge(nil, in: circumstances) { _ in true }
        }
    }

    @Test func `an expired key is judged like others for thirty days, and said to be expired`() throws {
        let request = try Fixture.client().request.bytes
        let days: UInt64 = 30 * 86_400_000
        let now = Fixture.now.milliseconds
        for (expiry, isExpired) in [(nil, false), (now + 1, false), (now, true), (now - days + 1, true)] as [(UInt64?, Bool)] {
            var user = Fixture.user
            user.expiry = expiry.map { WireTime(milliseconds: $0) }
            #expect(try Fixture.server(users: [user]).judge(request).isExpired == isExpired)
        }
        var gone = Fixture.user
        gone.expiry = WireTime(milliseconds: now - days)
        #expect(throws: HandshakeRefusal.unknownUser) { try Fixture.server(users: [gone]).judge(request) }
    }

    @Test func `whose request it says it is is told where a user is known, though it is refused`() throws {
        let request = Fixture.candidate(try Fixture.client().request.bytes)
        func identified(
            _ server: ServerHandshakeV2, at now: WireTime = Fixture.now, isRemembered: Bool = false
        ) -> [UserKeyID] {
            var told: [UserKeyID] = []
            _ = try? server.judge(
                request, in: ServerHandshakeV2.Circumstances(now: now), isRemembered: { _ in isRemembered },
                identified: { told.append($0) })
            return told
        }
        let server = try Fixture.server()
        #expect(identified(server) == [Fixture.userKey.id])
        #expect(identified(server, at: Fixture.now.advanced(by: 3_600_000)) == [Fixture.userKey.id])
        #expect(identified(server, isRemembered: true) == [Fixture.userKey.id])
        #expect(identified(try Fixture.server(users: [])) == [])
        #expect(identified(try Fixture.server(LiveServerKeys(current: .random()))) == [])
    }

    @Test func `only who has the server's key makes a request that is the doctor's`() throws {
        let ephemeral = X25519KeyPair(privateKey: Fixture.randomness.ephemeralKey).publicKey
        for (key, isOwn) in [(Fixture.serverKey, true), (ServerKey.random(), false)] {
            let randomness = ClientHandshakeV2.Randomness(
                salt: key.ownSalt(for: ephemeral), ephemeralKey: Fixture.randomness.ephemeralKey)
            let judged = try Fixture.server().judge(try Fixture.client(Fixture.options(), randomness).request.bytes)
            #expect(judged.isOwn == isOwn)
        }
        #expect(try !Fixture.server().judge(try Fixture.client().request.bytes).isOwn)
    }

    @Test func `requests are taken under the current key of the server and under the former one`() throws {
        let other = ServerKey(privateKey: SecretBytes([UInt8](repeating: 7, count: 32)))
        for keys in [
            LiveServerKeys(current: Fixture.serverKey, former: other), LiveServerKeys(current: other, former: Fixture.serverKey),
        ] {
            let server = try Fixture.server(keys)
            for key in [Fixture.serverKey, other] {
                let client = try Fixture.client(server: key)
                let (reply, secrets) = try server.judge(client.request.bytes).reply()
                try client.open(reply.bytes).secrets.expectSame(as: secrets)
            }
        }
        let request = try Fixture.client().request.bytes
        #expect(throws: HandshakeRefusal.notOurs) { try Fixture.server(LiveServerKeys(current: other)).judge(request) }
    }

    // MARK: Ciphers

    @Test func `the cipher is the client's first that the server has, and ChaCha20 where the server has no AES`() throws {
        func choose(_ offered: [UInt8], _ choice: CipherChoice, binding: [UInt8]? = nil, ends: [UInt8]? = nil) -> UInt8? {
            choice.choose(for: Fixture.options(offered, binding: binding), binding: ends)?.byte
        }
        let both = CipherChoice(ciphers: [.aes128GCM, .chaCha20Poly1305])
        #expect(choose([1, 2], both) == 1)
        #expect(choose([2, 1], both) == 2)
        #expect(choose([77, 3, 2, 1], both) == 2)
        #expect(choose([3, 77], both) == nil)
        #expect(choose([1, 2], CipherChoice(ciphers: both.ciphers, prefersChaCha20: true)) == 2)
        #expect(choose([1, 3], CipherChoice(ciphers: both.ciphers, prefersChaCha20: true)) == 1)
        #expect(CipherChoice(ciphers: both.ciphers).choose(for: Options(), binding: nil) == nil)

        let (one, two) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        #expect(choose([1, 128], both, binding: one, ends: one) == 128)
        #expect(choose([1, 128], both, binding: one, ends: two) == 1)
        #expect(choose([1, 128], both, binding: one) == 1)
        #expect(choose([1, 128], both, ends: one) == 1)
        #expect(choose([1], both, binding: one, ends: one) == 1)
        #expect(choose([128], both, binding: one, ends: two) == nil)
        #expect(choose([1, 128], CipherChoice(ciphers: both.ciphers, allowsNone: false), binding: one, ends: one) == 1)
    }

    @Test func `a client refuses a cipher that it did not offer, and none without a binding`() throws {
        let binding = [UInt8](repeating: 9, count: 32)
        for (options, cipher, isTaken) in [
            (Fixture.options([1]), 1, true), (Fixture.options([1]), 2, false), (Fixture.options([1]), 128, false),
            (Fixture.options([1]), 77, false), (Fixture.options([1, 128]), 128, false), (Fixture.options([1, 77]), 77, false),
            (Fixture.options([1, 128], binding: binding), 128, true), (Fixture.options([1], binding: binding), 128, false),
        ] as [(Options, UInt8, Bool)] {
            let client = try Fixture.client(options)
            let judged = try Fixture.server().judge(client.request.bytes)
            let payload = ReplyPayload(time: Fixture.now, cipher: cipher, flags: 0, options: Options()).encoded(padding: 0)
            let reply = judged.reply(payload, ephemeralKey: Fixture.replyKey).reply.bytes
            if isTaken {
                #expect(try client.open(reply).secrets.cipher.byte == cipher)
            } else {
                #expect(throws: ReplyRefusal.cipherNotOffered(cipher)) { try client.open(reply) }
            }
        }
    }
}
