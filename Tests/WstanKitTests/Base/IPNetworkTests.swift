import Testing

@testable import WstanBase

@Suite struct IPNetworkTests {
    private static func contains(_ network: String, _ address: String) throws -> Bool {
        try #require(IPNetwork(text: network)).contains(try #require(Host(text: address)))
    }

    @Test func `a network holds what begins like it, and nothing else`() throws {
        for (network, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7:ffff::", "2001:db9::"]),
            ("2001:db8:0:0:8000::/65", ["2001:db8::8000:0:0:1"], ["2001:db8::1"]),
            ("::1", ["::1"], ["::", "::2", "0.0.0.1"]), ("::/0", ["::", "ffff::"], ["0.0.0.0", "::ffff:1.2.3.4"]),
        ] {
            for address in inside { #expect(try Self.contains(network, address), "\(address) in \(network)") }
            for address in outside { #expect(try !Self.contains(network, address), "\(address) in \(network)") }
        }
    }

    /// A socket for both families shows an IPv4 peer in its mapped form.
    @Test func `the mapped form of IPv4 is IPv4, on either side`() throws {
        #expect(try Self.contains("10.0.0.0/8", "::ffff:10.1.2.3"))
        #expect(try Self.contains("::ffff:10.0.0.0/104", "10.1.2.3"))
        #expect(IPNetwork(text: "::ffff:10.0.0.0/104") == IPNetwork(text: "10.0.0.0/8"))
        #expect(IPNetwork(text: "::ffff:10.0.0.1") == IPNetwork(text: "10.0.0.1"))
    }

    @Test func `every prefix of an address is a network that ends where it should`() throws {
        for prefix in 0...32 {
            let first = prefix == 0 ? 0 : UInt32(0xc000_0207) & (UInt32.max << (32 - prefix))
            let network = try #require(IPNetwork(text: "\(IPv4Address(first))/\(prefix)"))
            #expect(network.contains(.ipv4(IPv4Address(0xc000_0207))))
            if prefix > 0 { #expect(!network.contains(.ipv4(IPv4Address(first ^ (1 << (32 - prefix)))))) }
        }
        let address = IPv6Address(high: .max, low: .max)
        for prefix in 0...128 {
            let high = prefix >= 64 ? UInt64.max : prefix == 0 ? 0 : .max << (64 - prefix)
            let low = prefix <= 64 ? UInt64(0) : .max << (128 - prefix)
            let first = IPv6Address(high: high, low: low)
            let network = try #require(IPNetwork(text: "\(first)/\(prefix)"), "\(prefix)")
            #expect(network.contains(.ipv6(address)))
            if prefix > 0 { #expect(!network.contains(.ipv6(IPv6Address(high: 0, low: 1)))) }
            #expect(network.description == "\(first)/\(prefix)")
        }
    }

    @Test func `what is no network, or has bits behind its prefix, is none`() {
        for text in [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
            "10.0.0.1/8", "10.0.0/8", "::/129", "::1/127", "[::1]", "[::]/0", "example.com", "example.com/8",
            "10.0.0.0/\u{0668}", "10.0.0.0 /8", "::ffff:10.0.0.1/104", "10.0.0.0/9999999999999999999999",
        ] {
            #expect(IPNetwork(text: text) == nil, "\(text)")
        }
    }
}
