import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite struct DirectRulesTests {
    static func rules(_ text: String) throws -> DirectRules {
        DirectRules(patterns: try TargetPattern.list(text, takesPrivate: true))
    }

    private static func covers(_ rules: String, _ host: String, _ port: UInt16 = 443) throws -> Bool {
        let host = try #require(Host(text: host))
        return try Self.rules(rules).cover(Address(host: host, port: port))
    }

    @Test func `without rules everything takes the tunnel`() throws {
        for host in ["localhost", "127.0.0.1", "example.com"] {
            #expect(!DirectRules().cover(Address(host: try #require(Host(text: host)), port: 80)))
        }
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("127.0.0.1", true), ("192.0.2.1", true), ("8.8.8.8", false), ("::1", true),
        ("fd00::1", true), ("2001:db8::1", true), ("::ffff:10.0.0.1", true), ("::ffff:8.8.8.8", false),
        ("64:ff9b::10.0.0.1", true),
        ("localhost", true), ("LocalHost.", true), ("a.localhost", true), ("notlocalhost.com", false),
        ("printer", true), ("printer.local", true), ("Printer.LOCAL.", true), ("nas.home.arpa", true),
        ("db.corp.internal", true), ("local", true), ("printer.lan", false), ("localhost.example.com", false),
        ("home.arpa", true), ("arpa", true), ("example.arpa", false), ("xlocal.example", false), (".local", false),
        // A name that is anchored at the root is not completed, and a number is an address to resolvers.
        ("com.", false), ("134744072", false), ("0x8080808", false), ("0X8080808", false), ("010", false),
        ("0xylem", false), ("8ball", true),
    ])
    func `private covers addresses of private networks and names that mean something only here`(
        host: String, expected: Bool
    ) throws {
        #expect(try Self.covers("private", host) == expected)
        #expect(try !Self.covers("private:80", host))
        #expect(try Self.covers("9.9.9.9, private:400-500", host) == expected)
    }

    @Test(arguments: [
        ("example.com", "example.com", true), ("example.com", "WWW.Example.Com.", true),
        ("example.com", "badexample.com", false), ("*.example.com", "example.com", false),
        ("*.example.com", "a.example.com", true), ("203.0.113.0/24", "203.0.113.255", true),
        ("203.0.113.0/24", "203.0.114.0", false), ("203.0.113.0/24", "::ffff:203.0.113.9", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("*", "anything.example", true), ("*", "192.0.2.1", true),
        (":443", "anything.example", true), (":80", "anything.example", false),
        ("example.com:8000-8999", "example.com", false),
        // A name is not what it stands for, and an address has no name.
        ("127.0.0.0/8", "localhost", false), ("example.com", "192.0.2.1", false),
    ])
    func `names, networks and ports mean what they say`(rules: String, host: String, expected: Bool) throws {
        #expect(try Self.covers(rules, host) == expected)
    }
}

@Suite struct OwnListenersTests {
    private static func ipv4(_ text: String, _ port: UInt16) throws -> SocketAddress {
        .ipv4(try #require(IPv4Address(text: text)), port: port)
    }

    private static func ipv6(_ text: String, _ port: UInt16) throws -> SocketAddress {
        .ipv6(try #require(IPv6Address(text: text)), port: port, scope: 0)
    }

    @Test func `a connection to where we listen is known by its address, or as one within this host`() throws {
        let listeners = OwnListeners()
        let elsewhere = try Self.ipv4("192.0.2.7", 5)
        #expect(!listeners.accept(from: try Self.ipv4("127.0.0.1", 5), to: try Self.ipv4("127.0.0.1", 1080)))
        listeners.addresses = [try Self.ipv4("127.0.0.1", 1080), try Self.ipv6("::1", 1081)]
        #expect(listeners.accept(from: elsewhere, to: try Self.ipv4("127.0.0.1", 1080)))
        #expect(listeners.accept(from: elsewhere, to: try Self.ipv6("::ffff:127.0.0.1", 1080)))
        #expect(listeners.accept(from: elsewhere, to: try Self.ipv6("::1", 1081)))
        #expect(!listeners.accept(from: elsewhere, to: try Self.ipv4("127.0.0.1", 1081)))
        #expect(!listeners.accept(from: elsewhere, to: try Self.ipv4("127.0.0.2", 1080)))
        listeners.addresses = [try Self.ipv4("0.0.0.0", 1080), try Self.ipv6("::", 1080)]
        #expect(listeners.accept(from: elsewhere, to: try Self.ipv4("127.0.0.9", 1080)))
        #expect(listeners.accept(from: elsewhere, to: try Self.ipv4("192.0.2.7", 1080)))
        #expect(!listeners.accept(from: elsewhere, to: try Self.ipv4("192.0.2.8", 1080)))
        #expect(listeners.accept(from: try Self.ipv6("2001:db8::1", 5), to: try Self.ipv6("2001:db8::1", 1080)))
    }
}
