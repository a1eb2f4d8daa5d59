import Testing

@testable import WstanCore

@Suite struct FrameReaderTests {
    private static let roles = [WebSocketRole.server, .client]

    private static func mask(for role: WebSocketRole) -> [UInt8]? {
        role == .server ? [0x37, 0xfa, 0x21, 0x3d] : nil
    }

    private static func frame(
        _ opcode: Opcode, _ payload: [UInt8], _ role: WebSocketRole, isFinal: Bool = true
    ) -> [UInt8] {
        RawFrame(opcode: opcode.rawValue, payload: payload, isFinal: isFinal, mask: mask(for: role)).bytes
    }

    /// A message in fragments with control frames between them, a text, empty frames, a close.
    private static func conversation(_ role: WebSocketRole) -> (bytes: [UInt8], heard: [HeardFrames.Event]) {
        var random = SeededRandomness(seed: 11)
        let parts = [random.bytes(3), random.bytes(130), [], random.bytes(5)]
        let bytes =
            frame(.binary, parts[0], role, isFinal: false) + frame(.ping, [1, 2], role)
            + frame(.continuation, parts[1], role, isFinal: false) + frame(.pong, [], role)
            + frame(.continuation, parts[2], role, isFinal: false) + frame(.continuation, parts[3], role)
            + frame(.text, Array("text".utf8), role) + frame(.binary, [], role)
            + frame(.ping, random.bytes(125), role) + frame(.close, [0x03, 0xe8] + Array("bye".utf8), role)
        var again = SeededRandomness(seed: 11)
        let first = again.bytes(3)
        let second = again.bytes(130)
        let last = again.bytes(5)
        return (
            bytes,
            [
                .payload(first, isText: false, endsMessage: false), .ping([1, 2]),
                .payload(second, isText: false, endsMessage: false), .pong([]),
                .payload(last, isText: false, endsMessage: true),
                .payload(Array("text".utf8), isText: true, endsMessage: true),
                .payload([], isText: false, endsMessage: true), .ping(again.bytes(125)), .close(1000),
            ]
        )
    }

    @Test(arguments: roles)
    func `a conversation is heard the same however its bytes come`(role: WebSocketRole) throws {
        let (bytes, heard) = Self.conversation(role)
        for size in [1, 2, 3, 7, 64, Int.max] {
            let found = try HeardFrames.reading(bytes, as: role, piecesOf: size)
            #expect(found.all == heard, "pieces of \(size)")
            #expect(found.isBetweenFrames)
        }
        var random = SeededRandomness(seed: 12)
        for _ in 0..<200 {
            #expect(try HeardFrames.reading(bytes, as: role) { 1 + random.below(20) }.all == heard)
        }
    }

    @Test(arguments: roles)
    func `a conversation cut at any length is not an error`(role: WebSocketRole) throws {
        let (bytes, heard) = Self.conversation(role)
        for count in 0..<bytes.count {
            let found = try HeardFrames.reading(Array(bytes[..<count]), as: role).all
            #expect(found.count <= heard.count)
            // All but the last, which may be a part, are as they will be.
            #expect(found.dropLast() == heard.prefix(max(0, found.count - 1)))
        }
    }

    @Test(arguments: roles)
    func `mutated conversations never trap`(role: WebSocketRole) {
        var random = SeededRandomness(seed: 13)
        let bytes = Self.conversation(role).bytes
        for _ in 0..<5000 {
            let mutated = Mutation.of(bytes, &random)
            _ = try? HeardFrames.reading(mutated, as: role) { 1 + random.below(100) }
        }
        // And bytes that are all noise, of which most end with an error at once.
        for _ in 0..<10_000 {
            let count = 2 + random.below(20)
            var noise = random.bytes(count)
            noise[0] &= 0x8f
            noise[1] = role == .server ? noise[1] | 0x80 : noise[1] & 0x7f
            let whole = try? HeardFrames.reading(noise, as: role)
            let drip = try? HeardFrames.reading(noise, as: role, piecesOf: 1)
            if whole != drip { Issue.record("\(noise)") }
        }
    }

    @Test(arguments: roles)
    func `payloads of all length classes come back`(role: WebSocketRole) throws {
        for count in [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65_535, 65_536, 65_537] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let bytes = Self.frame(.binary, payload, role)
            for size in [4099, Int.max] {
                let found = try HeardFrames.reading(bytes, as: role, piecesOf: size).all
                #expect(found == [.payload(payload, isText: false, endsMessage: true)], "\(count)")
            }
        }
    }

    /// A claim of eight exabytes costs nothing: no frame is held.
    @Test(arguments: roles)
    func `a frame may claim to be as long as it likes`(role: WebSocketRole) throws {
        var frame = RawFrame(opcode: 2, payload: [1, 2, 3], mask: Self.mask(for: role), lengthForm: .sixtyFourBits)
        for claim in [UInt64.max >> 1, 1 << 62, 0x1_0000] {
            frame.claimedLength = claim
            let found = try HeardFrames.reading(frame.bytes, as: role)
            #expect(found.all == [.payload([1, 2, 3], isText: false, endsMessage: false)])
            #expect(!found.isBetweenFrames)
        }
    }

    private func expect(
        _ error: FrameError, _ frames: RawFrame..., as role: WebSocketRole = .server,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let bytes = frames.flatMap(\.bytes)
        for size in [1, Int.max] {
            #expect(throws: error, sourceLocation: sourceLocation) {
                try HeardFrames.reading(bytes, as: role, piecesOf: size)
            }
        }
    }

    @Test func `reserved bits are refused`() {
        for bits in UInt8(1)...7 { expect(.reservedBits, RawFrame(opcode: 2, reserved: bits)) }
    }

    @Test func `unknown opcodes are refused`() {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
            expect(.unknownOpcode, RawFrame(opcode: opcode))
        }
    }

    @Test func `a server wants masked frames and a client unmasked ones`() {
        for opcode in [1, 2, 8, 9, 10] as [UInt8] {
            expect(.wrongMasking, RawFrame(opcode: opcode, mask: nil), as: .server)
            expect(.wrongMasking, RawFrame(opcode: opcode), as: .client)
            // A mask of zeros is a mask.
            expect(.wrongMasking, RawFrame(opcode: opcode, mask: [0, 0, 0, 0]), as: .client)
        }
    }

    @Test func `lengths are in their shortest form`() {
        for length in [0, 1, 125] as [UInt64] {
            expect(.badLength, RawFrame(opcode: 2, lengthForm: .sixteenBits, claimedLength: length))
        }
        for length in [0, 125, 126, 65_535] as [UInt64] {
            expect(.badLength, RawFrame(opcode: 2, lengthForm: .sixtyFourBits, claimedLength: length))
        }
    }

    @Test func `a length has 63 bits`() {
        for length in [UInt64.max, 1 << 63] {
            expect(.badLength, RawFrame(opcode: 2, lengthForm: .sixtyFourBits, claimedLength: length))
        }
    }

    @Test func `control frames are whole and short`() {
        for opcode in [8, 9, 10] as [UInt8] {
            expect(.badControlFrame, RawFrame(opcode: opcode, isFinal: false))
            expect(.badControlFrame, RawFrame(opcode: opcode, payload: [UInt8](repeating: 0, count: 126)))
            expect(.badControlFrame, RawFrame(opcode: opcode, lengthForm: .sixteenBits, claimedLength: 5))
            expect(.badControlFrame, RawFrame(opcode: opcode, lengthForm: .sixtyFourBits, claimedLength: 1 << 20))
        }
    }

    @Test func `a continuation continues something, and nothing else does`() {
        expect(.badContinuation, RawFrame(opcode: 0))
        expect(.badContinuation, RawFrame(opcode: 0, isFinal: false))
        expect(.badContinuation, RawFrame(opcode: 2, payload: [1]), RawFrame(opcode: 0))
        for opcode in [1, 2] as [UInt8] {
            expect(.badContinuation, RawFrame(opcode: 2, payload: [1], isFinal: false), RawFrame(opcode: opcode))
        }
        expect(
            .badContinuation, RawFrame(opcode: 1, isFinal: false), RawFrame(opcode: 9), RawFrame(opcode: 0),
            RawFrame(opcode: 0))
    }

    @Test func `close codes are those that may travel`() throws {
        let allowed = Set(Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
        for code in 0...65_535 {
            let payload = [UInt8(code >> 8), UInt8(code & 255)]
            let heard = try? HeardFrames.reading(Self.frame(.close, payload, .client), as: .client).all
            let expected: [HeardFrames.Event]? = allowed.contains(code) ? [.close(UInt16(code))] : nil
            if heard != expected { Issue.record("\(code)") }
        }
    }

    @Test func `a close has no body, or a code and a reason in UTF-8`() throws {
        #expect(try HeardFrames.reading(Self.frame(.close, [], .server), as: .server).all == [.close(nil)])
        expect(.badClose, RawFrame(opcode: 8, payload: [3]))
        for reason in [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] as [[UInt8]] {
            expect(.badClose, RawFrame(opcode: 8, payload: [0x03, 0xe8] + reason))
        }
        let longest = [0x03, 0xe8] + [UInt8](repeating: 0x78, count: 123)
        #expect(try HeardFrames.reading(Self.frame(.close, longest, .server), as: .server).all == [.close(1000)])
    }

    @Test(arguments: [nil, MaskingKey(0x1234_5678), MaskingKey(0)])
    func `what FrameHead writes is read back`(mask: MaskingKey?) throws {
        let role: WebSocketRole = mask == nil ? .client : .server
        for count in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            let bytes = FrameHead.frame(.binary, payload, mask: mask)
            #expect(
                try HeardFrames.reading(bytes, as: role).all == [.payload(payload, isText: false, endsMessage: true)])
            let head = FrameHead(opcode: .binary, payloadCount: count, mask: mask)
            #expect(bytes.count == head.size + count)
            #expect(head.size <= FrameHead.maxSize)
        }
        #expect(try HeardFrames.reading(FrameHead.close(code: 3000, mask: mask), as: role).all == [.close(3000)])
    }

    @Test func `a head that is not final leaves the message open`() throws {
        let head = FrameHead(opcode: .text, isFinal: false, payloadCount: 0, mask: nil)
        var bytes = [UInt8](repeating: 0, count: head.size)
        bytes.withUnsafeMutableBytes { buffer in
            if let start = buffer.baseAddress { head.write(before: start + head.size) }
        }
        #expect(bytes == [0x01, 0x00])
    }
}
