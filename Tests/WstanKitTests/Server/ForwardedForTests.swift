import Testing

@testable import WstanConfig
@testable import WstanCore

@Suite struct ForwardedForTests {
    private static func client(_ fields: [String], trusting: String = "10.0.0.0/8, loopback") throws -> String? {
        let lines = ["GET / HTTP/1.1"] + fields.map { "X-Forwarded-For: \($0)" }
        let head = try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        return ForwardedFor.client(in: head, trusting: try TrustedProxies.read(trusting))?.description
    }

    @Test func `the client is the last entry that is no trusted proxy itself`() throws {
        for (fields, expected) in [
            (["203.0.113.7"], "203.0.113.7"), (["192.0.2.1, 203.0.113.7"], "203.0.113.7"),
            (["192.0.2.1,203.0.113.7\t,\t10.0.0.1, 10.9.9.9"], "203.0.113.7"),
            (["192.0.2.1", "203.0.113.7", "10.0.0.1"], "203.0.113.7"),
            (["192.0.2.1, 2001:db8::5"], "2001:db8::5"), (["::ffff:203.0.113.7"], "203.0.113.7"),
            // Nobody but proxies: the one that is furthest away.
            (["10.0.0.3, 10.0.0.2, 127.0.0.1"], "10.0.0.3"),
        ] {
            #expect(try Self.client(fields) == expected, "\(fields)")
        }
    }

    @Test func `an entry may have a port, and IPv6 brackets`() throws {
        for (entry, expected) in [
            ("203.0.113.7:4711", "203.0.113.7:4711"), ("[2001:db8::5]:4711", "[2001:db8::5]:4711"),
            ("[2001:db8::5]", "2001:db8::5"), ("[::ffff:203.0.113.7]:1", "203.0.113.7:1"),
        ] {
            #expect(try Self.client([entry]) == expected)
        }
    }

    @Test func `what is no address says nothing`() throws {
        for entry in [
            "", ",", "203.0.113.7,", "unknown", "_hidden", "\"[2001:db8::5]\"", "\"203.0.113.7\"", "203.0.113.999",
            "203.0.113.7:65536", "203.0.113.7 evil", "example.com", "example.com:80", "203.0.113.7/8",
            "\u{1b}[2J", String(repeating: "1", count: 70),
        ] {
            #expect(try Self.client([entry]) == nil, "\(entry)")
        }
        #expect(try Self.client([]) == nil)
    }

    @Test func `an entry that is no address ends the walk, and nobody believes what stands further left`() throws {
        #expect(try Self.client(["192.0.2.1, unknown"]) == nil)
        #expect(try Self.client(["unknown, 10.0.0.2, 10.0.0.1"]) == "10.0.0.2")
        #expect(try Self.client(["10.0.0.9, 203.0.113.7"], trusting: "none") == "203.0.113.7")
    }

    @Test func `mutated fields do not trap`() {
        var random = SeededRandomness(seed: 1)
        let field = Array("192.0.2.1, 10.0.0.1:80,[2001:db8::5]:443 , [::1]".utf8)
        for _ in 0..<5_000 {
            let head =
                Array("GET / HTTP/1.1\r\nX-Forwarded-For: ".utf8) + Mutation.of(field, &random) + [13, 10, 13, 10]
            if let head = try? HTTPHead(head) { _ = ForwardedFor.client(in: head, trusting: .loopback) }
        }
    }

    @Test func `clients of one IPv6 network, or behind one mapped address, share`() throws {
        func key(_ text: String) throws -> ClientAddress.Source { try #require(ClientAddress(text: text)).source }
        #expect(try key("2001:db8::1") == key("[2001:db8::2]:80"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
        #expect(try key("::ffff:192.0.2.1") == key("192.0.2.1:80"))
        #expect(try key("::ffff:192.0.2.1") != key("::ffff:192.0.2.2"))
    }
}
