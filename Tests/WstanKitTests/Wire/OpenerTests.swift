import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct OpenerTests {
    private static let nonce = Nonce(high: 1, low: .max)

    private static func pair(_ bytes: Int, encrypted: Bool = true) throws -> (sealer: Sealer, opener: Opener) {
        let key = try #require(Key(bytes: [UInt8](repeating: 0x5a, count: bytes)))
        func stream() -> KeyStream? { encrypted ? KeyStream(key: key, nonce: nonce) : nil }
        return (
            Sealer(authenticator: Authenticator(key: key), stream: stream()),
            Opener(authenticator: Authenticator(key: key), stream: stream())
        )
    }

    private static func data(_ bytes: [UInt8], _ sealer: Sealer) -> [UInt8] {
        sealer.seal(data: bytes)
    }

    private static let request = Request(
        time: 1_763_683_200, target: Address(host: .name("example.com"), port: 80), data: [1, 2, 3])

    private static func open(
        _ message: [UInt8], _ opener: inout Opener, pieces: Int = .max, expecting: Opener.Expectation = .bytes
    ) throws -> [HeardMessages.Message] {
        var heard = HeardMessages()
        try heard.hear(message, piecesOf: min(pieces, max(1, message.count)), &opener, expecting: expecting)
        return heard.all
    }

    @Test(arguments: [16, 32], [true, false])
    func `what is sealed is opened`(keySize: Int, encrypted: Bool) throws {
        for pieces in [1, 3, Int.max] {
            var (sealer, opener) = try Self.pair(keySize, encrypted: encrypted)
            var random = SeededRandomness(seed: 10)
            for count in [0, 1, 15, 16, 17, 1000] {
                let bytes = random.bytes(count)
                let expected = bytes.isEmpty ? HeardMessages.Message.emptyData : .data(bytes)
                #expect(try Self.open(Self.data(bytes, sealer), &opener, pieces: pieces) == [expected])
                #expect(
                    try Self.open(sealer.seal(request: Self.request), &opener, pieces: pieces) == [
                        .request(Self.request)
                    ])
                let reset = Reset(reason: "r", detail: "d")
                #expect(
                    try Self.open(sealer.seal(reset: reset, padding: 40), &opener, pieces: pieces) == [.reset(reset)])
            }
        }
    }

    /// The tag does not cover the nonce: whoever has seen a request pass can count the blocks before it, and open a tunnel
    /// with it.
    @Test(arguments: [1, Int.max]) func `a request tells under which nonce it would be one again`(pieces: Int) throws {
        for offset in 1...64 {
            var (sealer, opener) = try Self.pair(16)
            _ = try Self.open(Self.data([UInt8](repeating: 0, count: offset - 1), sealer), &opener)
            let sealed = sealer.seal(request: Self.request)
            let stamp = try Self.stamp(of: sealed, &opener, pieces: pieces)
            #expect(stamp.time == Self.request.time)
            guard offset % 16 == 0 else {
                #expect(stamp.identity == nil)
                continue
            }
            let key = try #require(Key(bytes: [UInt8](repeating: 0x5a, count: 16)))
            let nonce = try #require(stamp.identity).token
            var again = Opener(authenticator: Authenticator(key: key), stream: KeyStream(key: key, nonce: nonce))
            #expect(try Self.open(sealed, &again) == [.request(Self.request)])
        }
        var (sealer, opener) = try Self.pair(16, encrypted: false)
        // Without a cipher it is a request wherever it is sent, and its tag tells it from others.
        let sealed = sealer.seal(request: Self.request)
        let identity = try Self.stamp(of: sealed, &opener, pieces: pieces).identity
        #expect(try #require(identity).token.bytes == sealed.suffix(10) + [0, 0, 0, 0, 0, 0])
    }

    private static func stamp(of sealed: [UInt8], _ opener: inout Opener, pieces: Int) throws -> RequestStamp {
        var found: RequestStamp?
        for start in stride(from: 0, to: sealed.count, by: min(pieces, sealed.count)) {
            let end = min(sealed.count, start + min(pieces, sealed.count))
            var piece = Array(sealed[start..<end])
            let event = try piece.withUnsafeMutableBytes {
                try opener.open($0, endsMessage: end == sealed.count, expecting: .request)
            }
            if case .request(request, let stamp) = event { found = stamp }
        }
        return try #require(found)
    }

    @Test func `an empty message is malformed`() throws {
        var opener = try Self.pair(16).opener
        #expect(throws: WireError.malformed) { try Self.open([], &opener) }
    }

    @Test func `nothing of a request or reset is believed before its tag`() throws {
        let pair = try Self.pair(16)
        let message = pair.sealer.seal(request: Self.request)
        for bit in 8..<(message.count * 8) {
            var opener = pair.opener
            var changed = message
            changed[bit / 8] ^= 1 << (bit % 8)
            // The openers share one key stream, which a refused message must not have used: so a fresh one each.
            opener = try Self.pair(16).opener
            #expect(throws: WireError.badAuthentication) { try Self.open(changed, &opener) }
        }
        for count in 1..<message.count {
            var opener = try Self.pair(16).opener
            #expect(throws: WireError.badAuthentication) { try Self.open(Array(message[..<count]), &opener) }
        }
    }

    /// One bit makes a DAT a DGM, "send the rest to me by UDP"; another makes it a command that does not exist.
    @Test func `flipped bits of a data message's command are refused`() throws {
        for bit in 0..<8 {
            let (sealer, _) = try Self.pair(16)
            var opener = try Self.pair(16).opener
            var message = Self.data([1, 2, 3], sealer)
            message[0] ^= 1 << bit
            let expected: WireError = bit == 0 ? .badAuthentication : bit == 1 ? .unexpectedCommand : .malformed
            #expect(throws: expected) { try Self.open(message, &opener) }
        }
    }

    @Test func `what is held is bounded, whole and in pieces`() throws {
        for (command, limit) in [
            (Command.request, WireLimits.request), (.reset, WireLimits.reset), (.datagram, WireLimits.datagram),
        ] {
            var opener = try Self.pair(16, encrypted: false).opener
            let message = [command.rawValue] + [UInt8](repeating: 0, count: limit)
            #expect(throws: WireError.tooLarge) { try Self.open(message, &opener, expecting: .request) }
            opener = try Self.pair(16, encrypted: false).opener
            #expect(throws: WireError.tooLarge) { try Self.open(message, &opener, pieces: 1000, expecting: .request) }
            opener = try Self.pair(16, encrypted: false).opener
            #expect(throws: WireError.badAuthentication) {
                try Self.open(Array(message[..<limit]), &opener, pieces: 1000, expecting: .request)
            }
        }
    }

    @Test func `the largest request of a Python client fits`() throws {
        var (sealer, opener) = try Self.pair(32)
        var request = Self.request
        request.target = Address(host: .name(String(repeating: "n", count: 255)), port: 1)
        request.data = [UInt8](repeating: 0x41, count: 96 * 1024)
        #expect(try Self.open(sealer.seal(request: request), &opener, pieces: 4096) == [.request(request)])
    }
}
