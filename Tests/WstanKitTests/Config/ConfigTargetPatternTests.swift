import Testing

@testable import WstanBase
@testable import WstanConfig

@Suite struct ConfigTargetPatternTests {
    private static func pattern(_ text: String) throws -> TargetPattern {
        try #require(TargetPattern.list(text, takesPrivate: true).first)
    }

    /// As a target is known at last: by its name, if it had one, and its address, if it has one yet.
    private static func matches(_ text: String, _ name: String?, _ address: String?, _ port: UInt16 = 443) throws
        -> Bool
    {
        let loopback = IPNetwork.ipv4(IPv4Address(0x7f00_0000), prefix: 8)
        return try pattern(text).matches(
            name: name, address: address.map { try #require(Host(text: $0)) }, port: port,
            isPrivate: loopback.contains)
    }

    @Test func `every form is read`() throws {
        func network(_ text: String) throws -> TargetPattern.Hosts { .network(try #require(IPNetwork(text: text))) }
        let every = TargetPattern.everyPort
        for (text, host, ports) in [
            ("*", .any, every), (":25", .any, 25...25), ("*:25", .any, 25...25), (":1-65535", .any, 1...65535),
            ("private", .isPrivate, every), ("PRIVATE:22", .isPrivate, 22...22),
            ("10.0.0.0/8", try network("10.0.0.0/8"), every), ("192.0.2.7", try network("192.0.2.7/32"), every),
            ("192.0.2.0/24:8000-8999", try network("192.0.2.0/24"), 8000...8999),
            ("2001:db8::/32", try network("2001:db8::/32"), every), ("::1", try network("::1/128"), every),
            ("[2001:db8::/32]:443", try network("2001:db8::/32"), 443...443), ("[::1]", try network("::1"), every),
            ("::ffff:10.0.0.0/104", try network("10.0.0.0/8"), every), ("0.0.0.0/0", try network("0.0.0.0/0"), every),
            ("example.com", .name("example.com", includesItself: true), every),
            ("Example.COM.:80", .name("example.com", includesItself: true), 80...80),
            ("*.example.com", .name("example.com", includesItself: false), every),
            (".example.com:1-2", .name("example.com", includesItself: false), 1...2),
            ("com", .name("com", includesItself: true), every),
            ("a_b-c.d", .name("a_b-c.d", includesItself: true), every),
            ("1.2.3.4.example", .name("1.2.3.4.example", includesItself: true), every),
        ] as [(String, TargetPattern.Hosts, ClosedRange<UInt16>)] {
            #expect(try Self.pattern(text) == TargetPattern(host: host, ports: ports), "\(text)")
        }
    }

    @Test(arguments: [
        "", " , ", "a..b", ".", "*.", "..a", "*.*.a", "a.*", "*a", "a*", "**", "a/b", "a/8", "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/", "10.0.0", "10.1", "1", "300.1.1.1", "01.2.3.4", "10.0.0.0/8/8", "2001:db8::1/32", "[::1", "::1]",
        "[::1]x", "[10.0.0.0/8]", "[10.0.0.0/8]:1", "[a]:1", "[]", "[]:1", "[::1]/128", "[::1]:", "[::1]:x", ":", ":0",
        ":65536", ":2-1", ":1-", ":-1", ":1-2-3", ":+1", ":1 - 2 3", "a:", "a:0", "a:x", "a:1:2", "a:1-0", "*:", "é",
        "a b!",
        "a@b", "a%b", "::1%eth0", "http://a", "a:80/x", "-:", "\u{301}",
    ])
    func `what is no target is refused, without being quoted`(text: String) throws {
        let problem = try #require(throws: ValueProblem.self) { try TargetPattern.list(text, takesPrivate: true) }
        #expect(!problem.text.isEmpty && !problem.text.contains("\n"))
    }

    @Test func `labels and names have their bounds`() throws {
        let label = String(repeating: "a", count: 63)
        let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(name.utf8.count == 253)
        #expect(try Self.matches(name, name.uppercased() + ".", nil))
        for text in [label + "a", name + "b"] {
            #expect(throws: ValueProblem.self) { try TargetPattern.list(text, takesPrivate: true) }
        }
    }

    @Test func `a name is itself and what is below, by whole labels, in any case`() throws {
        for (text, name, isMatch) in [
            ("example.com", "example.com", true), ("example.com", "EXAMPLE.com.", true),
            ("example.com", "a.example.com", true), ("example.com", "a.b.Example.Com", true),
            ("example.com", "badexample.com", false), ("example.com", "example.com.evil", false),
            ("example.com", "xample.com", false), ("example.com", "com", false), ("example.com", "", false),
            ("example.com", ".", false), ("example.com", "example.com..", false), ("example.com", "example,com", false),
            ("example.com", ".example.com", false), ("example.com", "-.example.com", true),
            ("*.example.com", "example.com", false), ("*.example.com", "example.com.", false),
            ("*.example.com", "a.example.com", true), ("*.example.com", "a.example.com.", true),
            ("*.example.com", "badexample.com", false), ("*.example.com", ".example.com", false),
            (".example.com", "b.a.example.com", true), ("k.example", "\u{212A}.example", false),
            ("a_b", "a\u{7F}b", false), ("a-b", "A\rB", false),
        ] {
            #expect(try Self.matches(text, name, nil) == isMatch, "\(text) \(name)")
            // The address does not make a name match, nor keep it from matching.
            #expect(try Self.matches(text, name, "192.0.2.1") == isMatch, "\(text) \(name)")
        }
        #expect(try !Self.matches("example.com", nil, "192.0.2.1"))
        #expect(try !Self.matches("example.com", nil, nil))
    }

    @Test func `a network is asked for the address alone`() throws {
        for (text, address, isMatch) in [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::", true),
            ("2001:db8::/32", "2001:db9::", false), ("::/0", "::1", true), ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
        ] {
            #expect(try Self.matches(text, nil, address) == isMatch, "\(text) \(address)")
            #expect(try Self.matches(text, "example.com", address) == isMatch, "\(text) \(address)")
        }
        // A name that is not resolved is in no network, whatever it looks like.
        #expect(try !Self.matches("10.0.0.0/8", "10.0.0.1", nil))
        #expect(try !Self.matches("10.0.0.0/8", nil, nil))
    }

    @Test func `private is what the caller holds for private`() throws {
        #expect(try Self.matches("private", "a", "127.0.0.1"))
        #expect(try !Self.matches("private", "localhost", nil))
        #expect(try !Self.matches("private", nil, "10.0.0.1"))
        #expect(try !Self.matches("private:22", nil, "127.0.0.1"))
        #expect(try Self.matches("private:22", nil, "127.0.0.1", 22))
    }

    @Test func `ports count at both ends`() throws {
        for (port, isMatch) in [(7999, false), (8000, true), (8999, true), (9000, false), (0, false)]
            as [(UInt16, Bool)]
        {
            #expect(try Self.matches("*:8000-8999", "a", nil, port) == isMatch)
            #expect(try Self.matches(":8000-8999", nil, nil, port) == isMatch)
            #expect(try Self.matches("[::1]:8000-8999", nil, "::1", port) == isMatch)
            #expect(try Self.matches("a:8000-8999", "A", "::1", port) == isMatch)
        }
        for port in [0, 1, UInt16.max] { #expect(try Self.matches("*", nil, nil, port)) }
    }

    @Test func `lists of several lines add up, and the command line replaces them`() throws {
        let file =
            ConfigFixture.minimal + """
                [server]
                allow = 10.0.0.0/8, [2001:db8::/32]:443
                allow = example.com
                deny = :25 *.example.net
                allow-private = yes
                [client]
                direct = private, 192.0.2.0/24
                """
        let settings = try ConfigFixture(file: file).run().settings
        #expect(
            settings.allow
                == (try TargetPattern.list("10.0.0.0/8 [2001:db8::/32]:443 example.com", takesPrivate: false)))
        #expect(settings.deny == (try TargetPattern.list(":25,*.example.net", takesPrivate: false)))
        #expect(settings.direct == (try TargetPattern.list("private 192.0.2.0/24", takesPrivate: true)))
        #expect(settings.allowPrivate)
        let replaced = try ConfigFixture(file: file).run(["-i", "f.conf", "--deny=*", "--deny", ":1"]).settings
        #expect(replaced.deny == (try TargetPattern.list("*,:1", takesPrivate: false)))
        #expect(replaced.allow == settings.allow)
        #expect(try ConfigFixture(file: file + "\n[server]\ndeny =\n").run().settings.deny.isEmpty)
    }

    @Test func `private in allow and deny points to its own key`() {
        for key in ["allow", "deny"] {
            let complaints = ConfigFixture(file: ConfigFixture.minimal + "[server]\n\(key) = 10.0.0.0/8 private\n")
                .complaints()
            #expect(complaints.count == 1)
            #expect(complaints.first?.contains("allow-private") == true)
        }
    }

    @Test func `a key takes 1024 items, in one line or in several`() throws {
        let line = "deny = " + Array(repeating: "a.example", count: 512).joined(separator: ",") + "\n"
        let file = ConfigFixture.minimal + "[server]\n" + line + line
        #expect(try ConfigFixture(file: file).run().settings.deny.count == 1024)
        #expect(ConfigFixture(file: file + "deny = b\n").complaints().first?.contains("more than 1024") == true)
        let one = Array(repeating: "a", count: 1025).joined(separator: " ")
        #expect(throws: ValueProblem.self) { try TargetPattern.list(one, takesPrivate: true) }
    }
}
