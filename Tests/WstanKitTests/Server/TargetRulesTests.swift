import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite struct TargetRulesTests {
    private static let own: Set<Host> = [
        .ipv4(IPv4Address(0x0909_0907)), .ipv6(IPv6Address(high: 0x2620_00fe_0000_0000, low: 7)),
    ]

    /// What the rules say of a target, by its address; "-" when it is allowed, or else the key.
    private static func say(
        _ address: String, _ port: UInt16 = 443, name: String? = nil, allow: String? = nil, deny: String? = nil,
        allowsPrivate: Bool = false
    ) throws -> String {
        let rules = try Self.rules(allow, deny, allowsPrivate)
        let host = try #require(Host(text: address))
        return text(rules.verdict(name: name, address: host, port: port, own: own))
    }

    /// The same of a name that has not been looked up.
    private static func sayOfName(
        _ name: String, _ port: UInt16 = 443, allow: String? = nil, deny: String? = nil
    ) throws -> String {
        text(try Self.rules(allow, deny, false).verdict(name: name, port: port))
    }

    private static func rules(_ allow: String?, _ deny: String?, _ allowsPrivate: Bool) throws -> TargetRules {
        func list(_ text: String?) throws -> [TargetPattern] {
            try text.map { try TargetPattern.list($0, takesPrivate: true) } ?? []
        }
        return TargetRules(allow: try list(allow), deny: try list(deny), allowsPrivate: allowsPrivate)
    }

    private static func text(_ verdict: TargetRules.Verdict) -> String {
        switch verdict {
        case .allowed: "-"
        case .refused(let key): key
        }
    }

    @Test(arguments: ["8.8.8.8", "9.9.9.8", "2620:fe::8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
    func `without rules a public address is allowed`(address: String) throws {
        #expect(try Self.say(address) == "-")
        #expect(try Self.say(address, name: "example.com") == "-")
    }

    @Test(arguments: [
        "127.0.0.1", "::1", "0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "::127.0.0.1",
        "64:ff9b::10.0.0.1", "2002:a00:1::1", "fe80::1", "ff02::1", "255.255.255.255",
        // This host's own, also by way of a translator.
        "9.9.9.7", "::ffff:9.9.9.7", "64:ff9b::9.9.9.7", "2002:909:907::", "2620:fe::7",
    ])
    func `a private address is refused, and allow-private opens it`(address: String) throws {
        #expect(try Self.say(address) == "allow-private")
        #expect(try Self.say(address, name: "example.com") == "allow-private")
        #expect(try Self.say(address, allowsPrivate: true) == "-")
    }

    @Test func `an address that is allowed by name of it needs no allow-private`() throws {
        #expect(try Self.say("10.0.0.5", allow: "10.0.0.0/8") == "-")
        #expect(try Self.say("10.0.0.5", 80, allow: "10.0.0.5:80-81, 192.0.2.0/24") == "-")
        #expect(try Self.say("::ffff:10.0.0.5", allow: "10.0.0.5") == "-")
        #expect(try Self.say("9.9.9.7", allow: "9.9.9.7:443") == "-")
        #expect(try Self.say("127.0.0.1", allow: "private") == "-")
        #expect(try Self.say("10.0.0.5", 82, allow: "10.0.0.5:80-81") == "allow-private")
        #expect(try Self.say("8.8.8.8", allow: "10.0.0.5") == "-")
        // The translator is another way than the one that was allowed.
        #expect(try Self.say("64:ff9b::10.0.0.5", allow: "10.0.0.5") == "allow-private")
    }

    /// `localhost.example.com` exists more often than one thinks.
    @Test(arguments: ["*", "*:443", ":443", "example.com", "*.example.com, example.com:443"])
    func `names and ports open nothing private`(allow: String) throws {
        #expect(try Self.say("127.0.0.1", name: "www.example.com", allow: allow) == "allow-private")
        #expect(try Self.say("127.0.0.1", name: "www.example.com", allow: allow, allowsPrivate: true) == "-")
        #expect(try Self.say("8.8.8.8", name: "www.example.com", allow: allow) == "-")
    }

    @Test func `where all is denied only that is allowed which allow lists`() throws {
        for address in ["8.8.8.8", "127.0.0.1", "2620:fe::8"] {
            let list = "example.com, 192.0.2.0/24"
            #expect(try Self.say(address, name: "other.org", allow: list, deny: "*") == "allow")
            #expect(try Self.say(address, allow: "192.0.2.1", deny: "*", allowsPrivate: true) == "allow")
            #expect(try Self.say(address, 80, allow: ":443", deny: "*", allowsPrivate: true) == "allow")
            #expect(try Self.say(address, deny: "*", allowsPrivate: true) == "allow")
        }
        #expect(try Self.say("8.8.8.8", name: "example.com", allow: "example.com", deny: "*") == "-")
        #expect(try Self.say("127.0.0.1", name: "example.com", allow: "example.com", deny: "*") == "allow-private")
        #expect(try Self.say("8.8.8.8", allow: ":443", deny: "*") == "-")
        #expect(try Self.say("10.0.0.5", allow: "10.0.0.5", deny: "*") == "-")
        #expect(try Self.say("10.0.0.5", allow: "10.0.0.5", deny: "*, :443") == "deny")
    }

    /// The kernel connects to this host's loopback instead.
    @Test(arguments: ["0.0.0.0", "::ffff:0.0.0.0", "64:ff9b::"])
    func `who is denied the loopback is denied 0.0.0.0`(address: String) throws {
        for deny in ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:443"] {
            #expect(try Self.say(address, deny: deny, allowsPrivate: true) == "deny")
            #expect(try Self.say(address, name: "example.com", deny: deny, allowsPrivate: true) == "deny")
        }
        #expect(try Self.say(address, deny: "127.0.0.2, ::1, 127.0.0.1:80", allowsPrivate: true) == "-")
    }

    @Test func `who is denied the loopback of IPv6 is denied two colons`() throws {
        #expect(try Self.say("::", deny: "::1", allowsPrivate: true) == "deny")
        #expect(try Self.say("::", deny: "::2", allowsPrivate: true) == "-")
    }

    @Test func `deny is stronger than all the others`() throws {
        #expect(try Self.say("8.8.8.8", allow: "8.8.8.8", deny: "8.0.0.0/8") == "deny")
        #expect(try Self.say("127.0.0.1", deny: "127.0.0.1", allowsPrivate: true) == "deny")
        #expect(try Self.say("127.0.0.1", 25, deny: ":25", allowsPrivate: true) == "deny")
        #expect(try Self.say("127.0.0.1", 26, deny: ":25", allowsPrivate: true) == "-")
        #expect(try Self.say("10.0.0.1", deny: "private", allowsPrivate: true) == "deny")
        #expect(try Self.say("9.9.9.7", deny: "private", allowsPrivate: true) == "deny")
        #expect(try Self.say("8.8.8.8", name: "a.example.com", deny: "example.com") == "deny")
        // Through a translator it is the same host.
        for way in ["::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"] {
            #expect(try Self.say(way, deny: "8.8.8.8", allowsPrivate: true) == "deny")
        }
    }

    @Test func `a name is refused before it is looked up when no address could save it`() throws {
        #expect(try Self.sayOfName("example.com") == "-")
        #expect(try Self.sayOfName("www.Example.COM.", deny: "example.com") == "deny")
        #expect(try Self.sayOfName("badexample.com", deny: "example.com") == "-")
        #expect(try Self.sayOfName("example.com", 25, deny: ":25") == "deny")
        #expect(try Self.sayOfName("example.com", deny: "192.0.2.0/24") == "-")
        #expect(try Self.sayOfName("example.com", allow: "other.org") == "-")
        #expect(try Self.sayOfName("example.com", allow: "other.org", deny: "*") == "allow")
        #expect(try Self.sayOfName("example.com", allow: "other.org, 192.0.2.0/24", deny: "*") == "-")
        #expect(try Self.sayOfName("example.com", 80, allow: "other.org, 192.0.2.0/24:443", deny: "*") == "allow")
        #expect(try Self.sayOfName("example.com", allow: "example.com", deny: "*") == "-")
        #expect(try Self.sayOfName("example.com", allow: "example.com", deny: "*, example.com") == "deny")
    }

    @Test func `this host's addresses are only wanted where they matter`() throws {
        #expect(TargetRules().asksForOwn)
        #expect(!TargetRules.open.asksForOwn)
        #expect(try Self.rules(nil, "private", true).asksForOwn)
        #expect(try !Self.rules("10.0.0.0/8", "example.com", true).asksForOwn)
    }
}
