import Testing

@testable import WstanBase
@testable import WstanConfig

@Suite struct ConfigProxyEnvironmentTests {
    private static func choice(_ variables: [String: String], _ server: String) throws -> ProxyEnvironment.Choice {
        ProxyEnvironment { variables[$0] }.choice(for: try #require(Address(authority: server)))
    }

    private static func isExempt(_ list: String, _ server: String) throws -> Bool {
        try choice(["HTTPS_PROXY": "p:1", "NO_PROXY": list], server) == .straight
    }

    @Test(arguments: [
        (["HTTPS_PROXY": "http://p:3128"], "http://p:3128"), (["https_proxy": "p:3128"], "http://p:3128"),
        (["ALL_PROXY": "socks5://p"], "socks5://p:1080"), (["all_proxy": "socks5h://p:9/"], "socks5://p:9"),
        (["HTTPS_PROXY": "a:1", "https_proxy": "b:1", "ALL_PROXY": "c:1"], "http://a:1"),
        (["HTTPS_PROXY": "", "ALL_PROXY": "c:1"], "http://c:1"),
        (["all_proxy": "d:1", "https_proxy": "b:1"], "http://b:1"),
    ])
    func `the first variable that is set counts`(variables: [String: String], proxy: String) throws {
        guard case .through(let address) = try Self.choice(variables, "server.test:80") else {
            Issue.record("no proxy")
            return
        }
        #expect(address.description == proxy)
    }

    @Test func `without a variable there is no proxy, and HTTP_PROXY is for others`() throws {
        #expect(try Self.choice([:], "server.test:80") == .straight)
        #expect(try Self.choice(["HTTP_PROXY": "p:1", "http_proxy": "p:1"], "server.test:80") == .straight)
    }

    @Test func `a value that cannot be understood is told by its variable's name`() throws {
        for value in ["https://p:1", "p.test", "http://u:%zz@p:1", "socks4://p:1", "p:99999", "::1:80"] {
            guard case .unusable(let variable, let problem) = try Self.choice(["https_proxy": value], "s.test:80")
            else {
                Issue.record("\(value) is usable")
                continue
            }
            #expect(variable == "https_proxy")
            #expect(!problem.contains(value))
        }
    }

    @Test(arguments: [
        "127.0.0.1:80", "127.9.9.9:1", "[::1]:80", "[::ffff:127.0.0.1]:80", "localhost:80", "LocalHost.:80",
        "a.localhost:80",
    ])
    func `a server on this host never goes through a proxy`(server: String) throws {
        #expect(try Self.isExempt("", server))
    }

    @Test(arguments: [
        ("*", "any.test:80", true), ("*:80", "any.test:80", true), ("*:81", "any.test:80", false),
        ("example.com", "example.com:80", true), ("example.com", "EXAMPLE.com.:80", true),
        ("Example.Com.", "example.com:80", true), ("example.com", "a.b.example.com:80", true),
        ("example.com", "notexample.com:80", false), ("example.com", "example.com.org:80", false),
        (".example.com", "a.example.com:80", true), (".example.com", "example.com:80", true),
        ("*.example.com", "a.example.com:80", true), ("a.example.com", "example.com:80", false),
        ("example.com:80", "example.com:80", true), ("example.com:81", "example.com:80", false),
        ("com", "example.com:80", true), ("a, ,example.com,b", "example.com:80", true),
        ("a example.com\tb", "example.com:80", true), ("192.0.2.1", "192.0.2.1:80", true),
        ("192.0.2.1", "192.0.2.2:80", false), ("192.0.2.1:81", "192.0.2.1:80", false),
        ("192.0.2.0/24", "192.0.2.77:80", true), ("192.0.2.9/24", "192.0.2.77:80", true),
        ("192.0.2.0/24", "192.0.3.1:80", false), ("192.0.2.0/33", "192.0.2.0:80", false),
        ("192.0.2.0/", "192.0.2.0:80", false), ("0.0.0.0/0", "192.0.2.1:80", true), ("0.0.0.0/0", "a.test:80", false),
        ("2001:db8::1", "[2001:db8::1]:80", true), ("[2001:db8::1]", "[2001:db8::1]:80", true),
        ("[2001:db8::1]:81", "[2001:db8::1]:80", false), ("[2001:db8::1]:80", "[2001:db8::1]:80", true),
        ("2001:db8::/32", "[2001:db8:1::1]:80", true), ("2001:db8::/32", "[2001:db9::1]:80", false),
        ("::ffff:192.0.2.1", "192.0.2.1:80", false), ("::ffff:192.0.2.0/120", "192.0.2.1:80", true),
        ("2.1", "192.0.2.1:80", false), ("]:[", "a.test:80", false), (":80", "a.test:80", false),
        (".", "a.test:80", false),
    ])
    func `an exception is a host and what is below it, an address or a network`(
        list: String, server: String, isExempt: Bool
    ) throws {
        #expect(try Self.isExempt(list, server) == isExempt)
    }
}
