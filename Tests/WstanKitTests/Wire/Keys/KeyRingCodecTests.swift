import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct KeyRingCodecTests {
    private static func ring() throws -> KeyRing {
        var ring = try KeyRingTests.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, try #require(Key(text: "correct horse battery staple")), now: KeyRingTests.now)
        try ring.rotate(laptop, to: try KeyRingTests.key(2), grace: KeyRingTests.day, now: KeyRingTests.now)
        try ring.rotate(.configured, to: try KeyRingTests.key(3), grace: KeyRingTests.day, now: KeyRingTests.now)
        try ring.rotate(.configured, to: try KeyRingTests.key(4), grace: KeyRingTests.day * 2, now: KeyRingTests.now)
        return ring
    }

    private static func problem(_ bytes: [UInt8]) -> KeyRingCodec.Problem? {
        do throws(KeyRingCodec.Problem) {
            _ = try KeyRingCodec.decode(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a ring is read as it was written`() throws {
        var ring = try Self.ring()
        #expect(try KeyRingCodec.decode(KeyRingCodec.encode(ring)) == ring)
        try ring.retire(try #require(ring.current(of: try KeyRingTests.name("laptop"))).id)
        #expect(try KeyRingCodec.decode(KeyRingCodec.encode(ring)) == ring)
        let text = String(decoding: KeyRingCodec.encode(try KeyRingTests.ring()), as: UTF8.self)
        #expect(
            text.hasPrefix("wstan key ring 1\norigin \(try KeyRingTests.key(1).id)\ndefault current configuration - - ")
        )
    }

    @Test func `a file that was cut at any byte is no ring`() throws {
        let bytes = KeyRingCodec.encode(try Self.ring())
        for count in bytes.indices { #expect(Self.problem(Array(bytes.prefix(count))) != nil) }
        #expect(Self.problem([]) == .isEmpty)
        #expect(Self.problem(Array(bytes.dropLast())) == .damaged)
        #expect(Self.problem(bytes + [10]) == .damaged)
    }

    @Test func `a file in which any byte was changed is no ring`() throws {
        let bytes = KeyRingCodec.encode(try Self.ring())
        for index in bytes.indices {
            for mask in [UInt8(1), 0x20, 0x80] {
                var changed = bytes
                changed[index] ^= mask
                #expect(Self.problem(changed) != nil)
            }
        }
    }

    @Test func `what is something else says so`() throws {
        #expect(Self.problem(Array("wstan key ring 2\n".utf8)) == .unknownFormat)
        #expect(Self.problem([UInt8](repeating: 0, count: 4096)) == .unknownFormat)
        #expect(Self.problem([UInt8](repeating: 65, count: KeyRingBounds.fileSize + 1)) == .tooLong)
    }

    /// Somebody who knows how the digest is made has edited it.
    @Test(arguments: [
        ("", 2), ("origin 12\n", 2), ("origin ea8b9d9b31290110\n", 2), ("origin ea8b9d9b31290110\n\n", 3),
        ("O\nK current state - - AAAAAAAAAAAAAAAAAAAAAA==\n", 2),
        ("origin ea8b9d9b31290110\na b current state - - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current state - 5 AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na previous state - - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current stolen - - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current state +5 - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current state 05 - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current state 99999999999999999999 - AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        ("origin ea8b9d9b31290110\na current state - - AAAAAAAAAAAAAAAAAAAAAA\n", 3),
        ("origin ea8b9d9b31290110\na current state - - AAAA\n", 3),
        ("origin ea8b9d9b31290110\na current state - - AAAAAAAAAAAAAAAAAAAAAA== \n", 3),
        // No current key at all.
        ("origin ea8b9d9b31290110\na previous state - 5 AAAAAAAAAAAAAAAAAAAAAA==\n", 3),
        // The same key twice, the same name twice.
        (
            "origin ea8b9d9b31290110\na current state - - AAAAAAAAAAAAAAAAAAAAAA==\n"
                + "b current state - - AAAAAAAAAAAAAAAAAAAAAA==\n", 4
        ),
        (
            "origin ea8b9d9b31290110\na current state - - AAAAAAAAAAAAAAAAAAAAAA==\n"
                + "a current state - - AAECAwQFBgcICQoLDA0ODw==\n", 4
        ),
    ])
    func `a digest makes no ring of what makes no sense`(text: String, line: Int) {
        let bytes = ChecksumLine.append(to: Array("wstan key ring 1\n\(text)".utf8))
        #expect(Self.problem(bytes) == .malformed(line: line))
    }
}
