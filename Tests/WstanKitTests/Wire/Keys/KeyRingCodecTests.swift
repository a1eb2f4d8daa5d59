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
        #expect(Self.problem(Array("wstan key ring 3\n".utf8)) == .unknownFormat)
        #expect(Self.problem([UInt8](repeating: 0, count: 4096)) == .unknownFormat)
        #expect(Self.problem([UInt8](repeating: 65, count: KeyRingBounds.fileSize + 1)) == .tooLong)
    }

    // MARK: Version 2

    private static func ringV2() throws -> KeyRing {
        var ring = try KeyRingV2Tests.ring(realm: "east")
        let (laptop, now) = (try KeyRingTests.name("laptop"), KeyRingTests.now)
        try ring.add(laptop, try KeyRingTests.key(2), now: now)
        try ring.add(laptop, KeyRingV2Tests.user(2), now: now)
        try ring.rotate(laptop, to: KeyRingV2Tests.user(3), grace: KeyRingTests.day, now: now)
        try ring.rotateServerKey(to: KeyRingV2Tests.server(2), grace: KeyRingTests.day, now: now)
        return ring
    }

    @Test func `a ring with version 2 in it is read as it was written, and 0.1.0 refuses it by its first line`() throws {
        let ring = try Self.ringV2()
        let bytes = KeyRingCodec.encode(ring)
        #expect(try KeyRingCodec.decode(bytes) == ring)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.prefix { $0 != " " } }
        #expect(lines == ["wstan", "origin", "realm", "server", "server", "v1", "v2", "v2", "sha256"])
        #expect(bytes.starts(with: "wstan key ring 2\n".utf8))
        let client = try KeyRingV2Tests.clientRing()
        #expect(try KeyRingCodec.decode(KeyRingCodec.encode(client)) == client)
        // A ring without a key of version 2 can be read by 0.1.0.
        let first = KeyRingCodec.encode(try Self.ring())
        #expect(first.starts(with: "wstan key ring 1\n".utf8))
    }

    @Test func `a file with version 2 that was cut or changed at any byte is no ring`() throws {
        let bytes = KeyRingCodec.encode(try Self.ringV2())
        for index in bytes.indices {
            #expect(Self.problem(Array(bytes.prefix(index))) != nil)
            var changed = bytes
            changed[index] ^= 1
            #expect(Self.problem(changed) != nil)
        }
    }

    private static let secret = Base64.encode([UInt8](repeating: 7, count: 32))
    private static let other = Base64.encode([UInt8](repeating: 8, count: 32))

    @Test(arguments: [
        // Nothing of version 2.
        "v1 a current state - - AAAAAAAAAAAAAAAAAAAAAA==\n",
        // Another length, another word, no word.
        "v2 a current state - - AAAAAAAAAAAAAAAAAAAAAA==\n", "v3 a current state - - \(secret)\n",
        "a current state - - \(secret)\n", "server current state - - AAAA\n", "peer AAAA\nv2 a current state - - \(secret)\n",
        // A server's key that is only a former one, two former ones, one twice.
        "server previous state - 5 \(secret)\n",
        "server current state - - \(secret)\nserver previous state - 5 \(secret)\n",
        // Both ends at once, and lines in another order.
        "peer \(secret)\nserver current state - - \(secret)\n",
        "v2 a current state - - \(secret)\nserver current state - - \(other)\n",
        "v2 a current state - - \(secret)\nv1 a current state - - AAAAAAAAAAAAAAAAAAAAAA==\n",
        "server current state - - \(secret)\nrealm ZWFzdA\n", "realm \nserver current state - - \(secret)\n",
        // One key of two names.
        "v2 a current state - - \(secret)\nv2 b current state - - \(secret)\n",
    ])
    func `a digest makes no ring of version 2 of what makes no sense`(lines: String) {
        let bytes = ChecksumLine.append(to: Array("wstan key ring 2\norigin ea8b9d9b31290110\n\(lines)".utf8))
        guard case .malformed? = Self.problem(bytes) else {
            Issue.record("taken")
            return
        }
    }

    /// It was edited with knowledge of how the digest is made.
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
