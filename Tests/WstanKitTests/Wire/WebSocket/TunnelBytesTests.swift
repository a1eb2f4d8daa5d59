import Testing

@testable import WstanBase
@testable import WstanCore

/// Sealed messages in frames, as they stand on the wire: the opener is fed by the frame reader.
@Suite struct TunnelBytesTests {
    private static let key = Key(bytes: [UInt8](repeating: 0x2a, count: 16))
    private static let nonce = Nonce(high: 7, low: 9)

    private static func end() throws -> ReceivingEnd {
        let key = try #require(key)
        let opener = Opener(authenticator: Authenticator(key: key), stream: KeyStream(key: key, nonce: nonce))
        return ReceivingEnd(role: .server, opener: opener)
    }

    private struct Conversation {
        var bytes: [UInt8] = []
        var messages = HeardMessages()
        var pings = 0

        /// A message in so many fragments, a ping between them.
        mutating func send(_ message: [UInt8], fragments: Int) {
            let size = max(1, message.count / fragments)
            var start = 0
            var opcode = Opcode.binary.rawValue
            while start < message.count {
                let end = message.count - start < 2 * size ? message.count : start + size
                let payload = Array(message[start..<end])
                bytes += RawFrame(opcode: opcode, payload: payload, isFinal: end == message.count).bytes
                bytes += RawFrame(opcode: Opcode.ping.rawValue, payload: [1]).bytes
                pings += 1
                opcode = 0
                start = end
            }
        }
    }

    private static func conversation() throws -> Conversation {
        let key = try #require(key)
        let sealer = Sealer(authenticator: Authenticator(key: key), stream: KeyStream(key: key, nonce: nonce))
        var random = SeededRandomness(seed: 15)
        var conversation = Conversation()
        let request = Request(
            time: 1_763_683_200, target: Address(host: .name("example.com"), port: 443), data: random.bytes(20))
        for round in 1...3 {
            conversation.send(sealer.seal(request: request), fragments: round)
            conversation.messages.note(.request(request))
            for count in [1, 17, 140] {
                let data = random.bytes(count)
                conversation.send(sealer.seal(data: data), fragments: round)
                conversation.messages.note(.data(data))
            }
            conversation.send(sealer.seal(reset: .targetBroken, padding: 40), fragments: round)
            conversation.messages.note(.reset(.targetBroken))
        }
        return conversation
    }

    @Test func `a conversation is heard the same however its bytes come`() throws {
        let conversation = try Self.conversation()
        var random = SeededRandomness(seed: 16)
        for round in 0..<100 {
            var end = try Self.end()
            var start = 0
            while start < conversation.bytes.count {
                let size = round == 0 ? 1 : round == 1 ? conversation.bytes.count : 1 + random.below(80)
                let next = min(conversation.bytes.count, start + size)
                try end.feed(Array(conversation.bytes[start..<next]))
                start = next
            }
            #expect(end.messages == conversation.messages)
            #expect(end.pings == conversation.pings)
            #expect(end.heldBytes == 0)
        }
    }

    @Test func `a conversation cut at any length is a part of itself`() throws {
        let conversation = try Self.conversation()
        for count in 0..<conversation.bytes.count {
            var end = try Self.end()
            try end.feed(Array(conversation.bytes[..<count]))
            #expect(end.messages.all.count <= conversation.messages.all.count)
            #expect(end.messages.all.dropLast() == conversation.messages.all.prefix(max(0, end.messages.all.count - 1)))
        }
    }

    @Test func `mutated conversations never trap and never forge a request`() throws {
        let conversation = try Self.conversation()
        var random = SeededRandomness(seed: 17)
        for _ in 0..<3000 {
            var end = try Self.end()
            let bytes = Mutation.of(conversation.bytes, &random)
            var start = 0
            while start < bytes.count {
                let next = min(bytes.count, start + 1 + random.below(400))
                do { try end.feed(Array(bytes[start..<next])) } catch { break }
                start = next
            }
            for message in end.messages.all {
                switch message {
                case .data, .emptyData: break
                case .request, .reset, .association, .bareAssociation, .datagram:
                    if !conversation.messages.all.contains(message) { Issue.record("\(message)") }
                }
            }
            if end.heldBytes > WireLimits.request { Issue.record("holds \(end.heldBytes)") }
        }
    }

    /// An opener takes pieces of frames; a fragmented empty DAT is an empty DAT all the same.
    @Test func `an empty data message may come in two fragments`() throws {
        let key = try #require(Self.key)
        let sealer = Sealer(authenticator: Authenticator(key: key), stream: KeyStream(key: key, nonce: Self.nonce))
        let message = sealer.seal(data: [])
        var end = try Self.end()
        try end.feed(RawFrame(opcode: 2, payload: message, isFinal: false).bytes + RawFrame(opcode: 0).bytes)
        #expect(end.messages.all == [.emptyData])
    }
}
