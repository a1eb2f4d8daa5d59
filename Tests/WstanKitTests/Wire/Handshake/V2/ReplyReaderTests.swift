import Testing

@testable import WstanCore

@Suite struct ReplyReaderTests {
    private static let reply = [UInt8](repeating: 7, count: 200)

    private static func frame(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        RawFrame(opcode: opcode.rawValue, payload: payload, isFinal: isFinal, mask: nil).bytes
    }

    @Test(arguments: [1, 3, 64, 1000])
    func `the first binary message is the reply, however it comes`(pieceSize: Int) throws {
        let rest: [UInt8] = [1, 2, 3]
        let streams = [
            Self.frame(.binary, Self.reply),
            Self.frame(.ping, [1]) + Self.frame(.binary, Array(Self.reply[..<50]), isFinal: false)
                + Self.frame(.pong, [])
                + Self.frame(.continuation, Array(Self.reply[50...])),
        ]
        for stream in streams {
            let bytes = stream + rest
            var reader = ReplyReader()
            var found: (message: [UInt8], rest: [UInt8])?
            var used = 0
            while found == nil, used < bytes.count {
                let piece = Array(bytes[used..<min(used + pieceSize, bytes.count)])
                used += piece.count
                found = try reader.append(piece)
            }
            #expect(found?.message == Self.reply)
            #expect((found?.rest ?? []) + bytes[used...] == rest)
        }
    }

    @Test func `what can be no reply is refused before it is held`() {
        for bytes in [
            Self.frame(.text, Self.reply),
            Self.frame(.binary, [UInt8](repeating: 1, count: HandshakeBounds.mostReply + 1)),
            [0x83, 0], [0x82, 0x81, 0, 0, 0, 0, 0],
        ] {
            var reader = ReplyReader()
            #expect(throws: ReplyReader.Failure.notAReply) { _ = try reader.append(bytes) }
        }
        var reader = ReplyReader()
        #expect(throws: ReplyReader.Failure.closed) { _ = try reader.append(Self.frame(.close, [3, 232])) }
    }
}
