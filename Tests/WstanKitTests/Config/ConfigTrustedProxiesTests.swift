import Testing

@testable import WstanConfig
@testable import WstanKit

@Suite struct ConfigTrustedProxiesTests {
    private static func trusted(_ lines: [String], _ arguments: [String] = []) throws -> Set<String> {
        let file = (["mode = server", "uri = ws://h:80/", "key = k", "[server]"] + lines).joined(separator: "\n")
        let settings = try ConfigFixture(file: file).run(["-i", "f.conf"] + arguments).settings
        return Set(settings.trustedProxies.networks.map(\.description))
    }

    private static let loopback: Set = ["127.0.0.0/8", "::1/128"]

    @Test func `loopback unless something else is said`() throws {
        #expect(try Self.trusted([]) == Self.loopback)
        #expect(try Self.trusted(["trusted-proxies = LoopBack"]) == Self.loopback)
        #expect(try Self.trusted(["trusted-proxies = none"]) == [])
        #expect(try Self.trusted(["trusted-proxies = 192.0.2.7"]) == ["192.0.2.7/32"])
    }

    @Test func `commas, blanks and several lines make one list`() throws {
        let expected = Self.loopback.union(["192.0.2.7/32", "2001:db8::/32"])
        #expect(try Self.trusted(["trusted-proxies = loopback,192.0.2.7 , 2001:db8::/32"]) == expected)
        #expect(try Self.trusted(["trusted-proxies = loopback 192.0.2.7\t2001:db8::/32"]) == expected)
        let lines = ["trusted-proxies = loopback", "trusted-proxies = 192.0.2.7", "trusted-proxies = 2001:db8::/32"]
        #expect(try Self.trusted(lines) == expected)
        // An empty value takes back what stood above it.
        #expect(try Self.trusted(lines + ["trusted-proxies ="]) == Self.loopback)
    }

    @Test func `the command line replaces the file's list`() throws {
        let lines = ["trusted-proxies = 192.0.2.7"]
        #expect(try Self.trusted(lines, ["--trusted-proxies=none"]) == [])
        #expect(
            try Self.trusted(lines, ["--trusted-proxies=10.0.0.1", "--trusted-proxies", "10.0.0.2"])
                == ["10.0.0.1/32", "10.0.0.2/32"])
    }

    @Test func `what is no list is refused with its place and what it takes`() {
        for (value, text) in [
            ("example.com", "takes loopback"), ("10.0.0.1/8", "behind the prefix"), ("loopback, none", "stands alone"),
            (",", "names no proxy"), ("10.0.0.0/33", "takes loopback"),
        ] {
            let file = "mode = server\nuri = ws://h:80/\nkey = k\n[server]\ntrusted-proxies = \(value)\n"
            let complaints = ConfigFixture(file: file).complaints()
            #expect(complaints.count == 1)
            #expect(complaints.first?.hasPrefix("f.conf:5:") == true, "\(complaints)")
            #expect(complaints.first?.contains("trusted-proxies") == true)
            #expect(complaints.first?.contains(text) == true, "\(complaints)")
        }
        let many = (0..<300).map { "10.0.\($0 / 250).\($0 % 250)" }.joined(separator: " ")
        let file = "mode = server\nuri = ws://h:80/\nkey = k\n[server]\ntrusted-proxies = \(many)\n"
        #expect(ConfigFixture(file: file).complaints().first?.contains("more than 256") == true)
    }
}
