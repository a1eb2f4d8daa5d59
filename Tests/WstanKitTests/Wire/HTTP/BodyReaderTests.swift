import Testing

@testable import WstanCore

@Suite struct BodyReaderTests {
    /// What a reader makes of pieces: how much belongs to the body, and whether it ended or broke.
    private enum Outcome: Equatable {
        case ended(Int)
        case unfinished
        case malformed
    }

    private static func read(_ body: MessageBody, _ pieces: [[UInt8]]) -> Outcome {
        var reader = BodyReader(body)
        var count = 0
        do throws(HTTPHead.Failure) {
            for piece in pieces where !reader.hasEnded {
                let certain = reader.mayRead(spare: 0)
                let used = try piece.withBytes { (bytes) throws(HTTPHead.Failure) in try reader.read(bytes) }
                if !reader.hasEnded, used != piece.count { Issue.record("stopped at \(used) of \(piece.count)") }
                if used < min(certain, piece.count) { Issue.record("\(certain) bytes were promised") }
                count += used
            }
        } catch {
            return .malformed
        }
        return reader.hasEnded ? .ended(count) : .unfinished
    }

    private static let chunked = [
        "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "A;x=\"y;z\"\r\n0123456789\r\n00000\r\n\r\n",
        "1 \r\na\r\n0\r\nSum: 1\r\nOther:\r\n\r\n", "3\r\n\r\n0\r\n0;last\r\nA: 0\r\n\r\n",
    ]

    @Test(arguments: chunked) func `a chunked body ends in the same place however it is cut`(text: String) {
        var random = SeededRandomness(seed: 61)
        let bytes = Array(text.utf8)
        for rest in [[], Array("GET / HTTP/1.1\r\n\r\n".utf8), [13, 10]] {
            for pieces in HTTPFixture.cuts(of: bytes + rest, &random) {
                #expect(Self.read(.chunked, pieces) == .ended(bytes.count))
            }
        }
        for count in 0..<bytes.count { #expect(Self.read(.chunked, [Array(bytes[..<count])]) == .unfinished) }
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", ";a\r\n", " 1\r\n", "1\n", "1\r\r\n", "1\r\nab", "1\r\na\n",
        "1\r\na\rb", "1 1\r\n", "1 \t1;a\r\n", "1 \n",
        "1;a\nb\r\n", "1;\u{0}\r\n", "11111111111111111\r\n", "ffffffffffffffff\r\n", "00000000000000001\r\n",
        "0\r\n\n",
        "0\r\nA: b\n\r\n", "0\r\nA: b\r\r\n", "0\r\n A: b\r\n\r\n", "0\r\n\tA\r\n\r\n", "0\r\n: b\r\n\r\n", "0\r\n\rX",
        "1;" + String(repeating: "x", count: 2000) + "\r\n",
        "0\r\n" + String(repeating: "A: b\r\n", count: 4000) + "\r\n",
    ])
    func `a broken chunked body is malformed however it is cut`(text: String) {
        let bytes = Array(text.utf8)
        #expect(Self.read(.chunked, [bytes]) == .malformed)
        #expect(Self.read(.chunked, bytes.map { [$0] }) == .malformed)
    }

    @Test func `a counted body takes so many bytes, and promises them`() {
        var random = SeededRandomness(seed: 62)
        let bytes = random.bytes(100)
        for pieces in HTTPFixture.cuts(of: bytes, &random) {
            #expect(Self.read(.length(60), pieces) == .ended(60))
            #expect(Self.read(.length(100), pieces) == .ended(100))
            #expect(Self.read(.length(101), pieces) == .unfinished)
            #expect(Self.read(.untilClose, pieces) == .unfinished)
            #expect(Self.read(.none, pieces) == .ended(0))
        }
        #expect(BodyReader(.length(.max)).mayRead(spare: 5) == .max)
    }

    /// Reading what it allows never gets more than the spare bytes of what comes behind.
    @Test func `what may be read leaves the next message alone`() throws {
        var random = SeededRandomness(seed: 63)
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0...random.below(4) {
                let chunk = random.bytes(1 + random.below(50))
                bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [13, 10]
            }
            bytes += Array("0\r\n\r\n".utf8)
            let end = bytes.count
            bytes += random.bytes(100)
            var reader = BodyReader(.chunked)
            var position = 0
            while !reader.hasEnded {
                let count = min(reader.mayRead(spare: 7), bytes.count - position)
                position += count
                let piece = Array(bytes[(position - count)..<position])
                _ = try piece.withBytes { (bytes) throws(HTTPHead.Failure) in try reader.read(bytes) }
            }
            #expect(position - end < 7)
        }
    }

    @Test func `mutated chunks never trap, and mean the same however they are cut`() {
        var random = SeededRandomness(seed: 64)
        for round in 0..<4000 {
            let bytes = Mutation.of(Array(Self.chunked[round % Self.chunked.count].utf8), &random)
            let whole = Self.read(.chunked, [bytes])
            #expect(Self.read(.chunked, bytes.map { [$0] }) == whole, "\(HTTPFixture.text(bytes).debugDescription)")
        }
    }
}
