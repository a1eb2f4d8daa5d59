import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RecordAssemblerTests {
    /// What a server's frame reader and an assembler make of bytes in pieces of one size.
    private struct Receiver {
        var reader = FrameReader(role: .client)
        let assembler = RecordAssembler()
        var records: [[UInt8]] = []
        var mostHeld = 0

        mutating func receive(_ bytes: [UInt8], piecesOf size: Int) throws {
            for start in stride(from: 0, to: bytes.count, by: size) {
                var piece = Array(bytes[start..<min(bytes.count, start + size)])
                try piece.withUnsafeMutableBytes { buffer in
                    var offset = 0
                    while let event = try reader.next(in: buffer, from: &offset) {
                        guard case .payload(let range, let isText, let endsMessage) = event else { continue }
                        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
                        let record = try assembler.take(
                            piece, isText: isText, fragments: reader.fragments, endsMessage: endsMessage)
                        if let record { records.append(Array(record)) }
                        mostHeld = max(mostHeld, assembler.heldBytes)
                    }
                }
            }
        }
    }

    /// A message in fragments of the given sizes.
    private static func message(_ sizes: [Int], opcode: UInt8 = 2) -> [UInt8] {
        var bytes: [UInt8] = []
        for (number, size) in sizes.enumerated() {
            let isLast = number == sizes.count - 1
            let first = (number == 0 ? opcode : 0) | (isLast ? 0x80 : 0)
            if size < 126 {
                bytes += [first, UInt8(size)]
            } else if size <= 0xffff {
                bytes += [first, 126, UInt8(size >> 8), UInt8(size & 255)]
            } else {
                bytes += [first, 127, 0, 0, 0, 0, 0, UInt8(size >> 16), UInt8(size >> 8 & 255), UInt8(size & 255)]
            }
            bytes += (0..<size).map { UInt8(truncatingIfNeeded: number + $0) }
        }
        return bytes
    }

    private static func contents(_ sizes: [Int]) -> [UInt8] {
        sizes.enumerated().flatMap { number, size in (0..<size).map { UInt8(truncatingIfNeeded: number + $0) } }
    }

    @Test(arguments: [1, 2, 7, 1000, 1 << 20])
    func `records are whole however their bytes come`(size: Int) throws {
        let messages = [[5], [0], [3, 4], [0, 0, 1, 0], [300], [200, 66, 1], [1, 0]]
        var receiver = Receiver()
        try receiver.receive(messages.flatMap { Self.message($0) }, piecesOf: size)
        #expect(receiver.records == messages.map { Self.contents($0) })
        #expect(receiver.assembler.heldBytes == 0)
    }

    @Test func `pings between fragments do not part a record`() throws {
        var receiver = Receiver()
        let whole = Self.message([3, 4])
        try receiver.receive(Array(whole[..<5]) + [0x89, 1, 7] + Array(whole[5...]), piecesOf: 1)
        #expect(receiver.records == [Self.contents([3, 4])])
    }

    @Test func `a record is held up to its bound, and not a byte more`() throws {
        var receiver = Receiver()
        try receiver.receive(Self.message([60_000, 6_064]), piecesOf: 4096)
        #expect(receiver.records.map(\.count) == [66_064])
        #expect(receiver.mostHeld <= 66_064)

        for sizes in [[60_000, 6_065], [66_065], [1, 66_064]] {
            for size in [4096, 1 << 20] {
                var other = Receiver()
                #expect(throws: Violation.messageTooLong) { try other.receive(Self.message(sizes), piecesOf: size) }
                #expect(other.mostHeld <= 66_064)
            }
        }
    }

    /// Announced, and never sent: nothing is taken for it.
    @Test func `an announced length takes no memory`() throws {
        var receiver = Receiver()
        try receiver.receive([0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3], piecesOf: 20)
        #expect(receiver.assembler.heldBytes == 3)
    }

    @Test func `fragments are counted, empty ones too`() throws {
        var receiver = Receiver()
        try receiver.receive(Self.message([Int](repeating: 0, count: 1023) + [1]), piecesOf: 100)
        try receiver.receive(Self.message([Int](repeating: 1, count: 1024)), piecesOf: 1)
        #expect(receiver.records.map(\.count) == [1, 1024])
        for sizes in [[Int](repeating: 0, count: 1025), [Int](repeating: 1, count: 1025)] {
            var other = Receiver()
            #expect(throws: Violation.tooManyFragments) { try other.receive(Self.message(sizes), piecesOf: 100) }
        }
    }

    @Test func `text is no record`() {
        var receiver = Receiver()
        #expect(throws: Violation.textMessage) { try receiver.receive(Self.message([3], opcode: 1), piecesOf: 100) }
    }

    @Test func `a record that lies whole in what was read is opened there`() throws {
        let assembler = RecordAssembler()
        var bytes: [UInt8] = [1, 2, 3]
        try bytes.withUnsafeMutableBytes { buffer in
            let record = try assembler.take(buffer, isText: false, fragments: 1, endsMessage: true)
            #expect(record?.baseAddress == buffer.baseAddress)
        }
    }
}
