import Testing

@testable import WstanBase
@testable import WstanCore

/// What M1 and M2 say, sealed as it belongs.
@Suite struct HandshakePayloadTests {
    private typealias Fixture = HandshakeFixture

    private static func judge(_ payload: [UInt8]) throws(HandshakeRefusal) -> RequestPayload? {
        guard let client = try? Fixture.client(payload: payload), let server = try? Fixture.server() else { return nil }
        return try server.judge(client.request.bytes).payload
    }

    /// pad_len and opt_len, the options as they are, a message and padding.
    private static func payload(_ options: [UInt8], _ message: [UInt8], padding: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: UInt16(padding))
        bytes.append(integer: UInt16(options.count))
        return bytes + options + message + [UInt8](repeating: 0xee, count: padding)
    }

    private static let aes: [UInt8] = [0, 1, 0, 1, 1]

    @Test func `every request that may open a tunnel does`() throws {
        let types: [RequestType] = [.connect, .associate, .listen, .park, .network, .resume, .later(0x17), .later(0x1f)]
        for type in types {
            let request = RequestV2(type)
            for padding in [nil, 0, 9] {
                let message = MessageV2.request(request).encoded(padding: padding)
                #expect(try Self.judge(Self.payload(Self.aes, message, padding: 3))?.request == request)
            }
        }
        let idle = try #require(try Self.judge(Self.payload(Self.aes, [0])))
        #expect(idle.request == nil && idle.options.ciphers == [1])
        // A NOP is padding, whatever is in it.
        #expect(try Self.judge(Self.payload(Self.aes, [0, 1, 2, 3]))?.request == nil)
        #expect(try Self.judge(Self.payload(Self.aes, [0x80, 0, 2, 1, 2]))?.options.ciphers == [1])
    }

    @Test func `other messages do not`() throws {
        let messages: [MessageV2] = [.rekey, .ping(1), .pong(1), .ok(RequestBody()), .request(RequestV2(.incoming)), .ignorable(0x40)]
        for message in messages.map({ $0.encoded() }) + [[0x01, 1], [0x02]] {
            #expect(throws: HandshakeRefusal.noRequest) { try Self.judge(Self.payload(Self.aes, message)) }
        }
        for type in [0x0e, 0x0f, 0x20, 0x3f] as [UInt8] {
            #expect(throws: HandshakeRefusal.malformed(.unknownType)) { try Self.judge(Self.payload(Self.aes, [type])) }
        }
    }

    @Test func `a payload that is cut anywhere is refused, but within what a request has at its end`() throws {
        let options = Fixture.options([1, 2])
        let whole = RequestPayload.encode(options, message: Fixture.connect([]), padding: 0)
        #expect(try RequestPayload.read(whole).options == options)
        for count in 0..<whole.count {
            #expect(throws: HandshakeRefusal.self) { try RequestPayload.read(Array(whole.prefix(count))) }
        }
        #expect(throws: HandshakeRefusal.malformed(.padding)) { try Self.judge([0, 2, 0, 5] + Self.aes + [0]) }
        #expect(throws: HandshakeRefusal.malformed(.truncated)) { try Self.judge([0, 1, 0, 5] + Self.aes + [0]) }
    }

    @Test func `options of M1: each once, of its length, and the critical ones known`() throws {
        func refusal(_ options: [UInt8]) -> HandshakeRefusal? {
            do throws(HandshakeRefusal) {
                _ = try Self.judge(Self.payload(options, [0]))
                return nil
            } catch { return error }
        }
        #expect(refusal(Self.aes) == nil)
        #expect(refusal([]) == .noCommonCipher)
        #expect(refusal(Self.aes + [0x00, 0x77, 0, 2, 1, 2]) == nil)
        #expect(refusal(Self.aes + [0x80, 0x77, 0, 2, 1, 2]) == .unknownOption(0x8077))
        #expect(refusal(Self.aes + Self.aes) == .malformed(.optionTwice))
        #expect(refusal([0, 1, 0, 0]) == .malformed(.optionLength))
        #expect(refusal([0, 1, 0, 17] + [UInt8](repeating: 1, count: 17)) == .malformed(.optionLength))
        #expect(refusal(Self.aes + [0, 6, 0, 33] + [UInt8](repeating: 65, count: 33)) == .malformed(.optionLength))
        #expect(refusal(Self.aes + [0, 3, 0, 4, 0, 0, 0x41, 0xff]) == .malformed(.optionValue))
        #expect(refusal(Self.aes + [0, 3, 0, 4, 0, 0, 0x42, 0x00]) == nil)
        #expect(refusal(Self.aes + [0, 3, 0, 4, 0, 1, 0x02, 0x01]) == .malformed(.optionValue))
        // A ciphertext where the key belongs.
        #expect(refusal(Self.aes + [0, 4, 0x04, 0x40] + [UInt8](repeating: 1, count: 1088)) == .malformed(.optionLength))
        #expect(refusal(Self.aes + [0, 4, 0x04, 0xa0] + [UInt8](repeating: 1, count: 1184)) == nil)
        // What belongs into M2 or into a request means nothing here.
        #expect(refusal(Self.aes + [0, 8, 0, 2, 1, 2]) == nil)
        #expect(refusal(Self.aes + [0, 0x55, 0x07, 0xf8] + [UInt8](repeating: 0, count: 2040)) == .malformed(.optionsTooLong))
    }

    @Test func `a critical option within the request makes a tunnel, on which it is answered`() throws {
        let message: [UInt8] = [0x10, 0, 4, 0x80, 0x55, 0, 0, 1, 127, 0, 0, 1, 0, 80]
        let request = try #require(try Self.judge(Self.payload(Self.aes, message))?.request)
        #expect(request.body.options.unknownCritical == 0x8055)
    }

    @Test func `what is longer than M1 can be has less padding, and fits to the last byte`() throws {
        let options = Fixture.options([1, 2])
        let room = RequestPayload.room(beside: options)
        for count in [room, room - 1, room - 100] {
            let message = [0] + [UInt8](repeating: 7, count: count - 1)
            let client = try Fixture.client(options, message: message, padding: 500)
            #expect(client.request.bytes.count == min(HandshakeBounds.mostRequest, 101 + 6 - 1 + count + 500))
            #expect(try Fixture.server().judge(client.request.bytes).payload.request == nil)
        }
        let client = try Fixture.client()
        let judged = try Fixture.server().judge(client.request.bytes)
        let (reply, secrets) = judged.reply(padding: 9999)
        #expect(reply.bytes.count == HandshakeBounds.mostReply)
        try client.open(reply.bytes).secrets.expectSame(as: secrets)
        #expect(judged.reply(padding: 0).reply.bytes.count == HandshakeBounds.leastReply)
        #expect(HandshakeBounds.leastRequest == 101 && HandshakeBounds.leastReply == 62)
    }

    @Test func `an answer that is not as it should be is an impostor's`() throws {
        let client = try Fixture.client()
        let judged = try Fixture.server().judge(client.request.bytes)
        func refusal(_ payload: [UInt8]) -> ReplyRefusal? {
            do throws(ReplyRefusal) {
                _ = try client.open(judged.reply(payload, ephemeralKey: Fixture.replyKey).reply.bytes)
                return nil
            } catch { return error }
        }
        let time: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
        #expect(refusal(time + [1, 0, 0, 0, 0, 0]) == nil)
        // Flags that mean nothing yet.
        #expect(refusal(time + [1, 0xfe, 0, 0, 0, 0]) == nil)
        #expect(refusal(time + [1, 0, 0, 2, 0, 0, 9, 9]) == nil)
        #expect(refusal(time + [1, 0, 0, 1, 0, 0]) == .malformed(.padding))
        #expect(refusal(time + [1, 0, 0, 0, 0, 0, 0]) == .malformed(.padding))
        #expect(refusal(time + [1, 0, 0, 0, 0, 1]) == .malformed(.truncated))
        #expect(refusal(time + [1, 0, 0, 0, 0, 4, 0x80, 0x77, 0, 0]) == .unknownOption(0x8077))
        #expect(refusal(time + [1, 0, 0, 0, 0, 4, 0x00, 0x77, 0, 0]) == nil)
        #expect(refusal(time + [1, 0, 0, 0, 0, 12] + [0, 8, 0, 2, 1, 2, 0, 8, 0, 2, 1, 2]) == .malformed(.optionTwice))
        #expect(refusal(time + [1, 0, 0, 0, 0, 5, 0, 8, 0, 1, 1]) == .malformed(.optionLength))
        let whole = ReplyPayload(time: Fixture.now, cipher: 1, flags: 0, options: Options()).encoded(padding: 0)
        for count in 0..<whole.count {
            #expect(throws: Violation.self) { try ReplyPayload.read(Array(whole.prefix(count))) }
        }
    }

    @Test func `a hundred handshakes with random keys, ciphers, realms and lengths agree at both ends`() throws {
        var random = SeededRandomness(seed: 24)
        for _ in 0..<100 {
            let key = ServerKey(privateKey: SecretBytes(random.bytes(32)))
            let user = UserKey(secret: SecretBytes(random.bytes(32)))
            let realm = try #require(Realm(random.bytes(random.below(33))))
            let message = Fixture.connect(random.bytes(random.below(HandshakeBounds.earlyData + 1)))
            let time = WireTime(milliseconds: random.next() >> 20)
            let options = Fixture.options([[1], [2], [3], [2, 1], [3, 1, 2]][random.below(5)])
            let client = try Fixture.client(
                options, message: message, padding: random.below(400), server: key, user: user, realm: realm, time: time,
                ClientHandshakeV2.Randomness(salt: random.bytes(16), ephemeralKey: SecretBytes(random.bytes(32))))
            let server = try Fixture.server(
                LiveServerKeys(current: key), users: [Fixture.user, RingUser(name: .configured, key: user)], realm: realm)
            let judged = try server.judge(client.request.bytes, at: time)
            #expect(judged.user.key == user && judged.cipher.byte == options.ciphers[0])
            #expect(judged.payload.request.map { MessageV2.request($0).encoded() } == message)
            let (reply, secrets) = judged.reply(
                at: time, padding: random.below(512), ephemeralKey: SecretBytes(random.bytes(32)))
            let answer = try client.open(reply.bytes)
            answer.secrets.expectSame(as: secrets)
            #expect(!answer.payload.isInGrace && answer.payload.time == time)
        }
    }

    @Test func `times are clamped at their ends`() {
        let (first, last) = (WireTime(milliseconds: 0), WireTime(milliseconds: .max))
        #expect(first.distance(to: last) == .max && last.distance(to: first) == .max)
        #expect(first.distance(to: first) == 0)
        #expect(last.advanced(by: 1) == last && first.advanced(by: .max) == last)
        #expect(first < last && !(last < first))
        #expect(WireTime(CalendarTime(microseconds: 1_999)).milliseconds == 1)
        #expect(WireTime(CalendarTime(microseconds: -1)).milliseconds == 0)
        #expect(WireTime(CalendarTime(microseconds: .max)).milliseconds == UInt64(Int64.max) / 1000)
    }
}
