import Testing

@testable import WstanBase

@Suite("Private networks")
struct PrivateNetworksTests {
    /// First and last of each.
    static let ipv4 = [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
        ("192.168.0.0", "192.168.255.255"), ("224.0.0.0", "255.255.255.255"),
    ]

    @Test("An IPv4 network is private from its first address to its last, and no further", arguments: ipv4)
    func boundsOfIPv4(first: String, last: String) throws {
        let first = try #require(IPv4Address(text: first))
        let last = try #require(IPv4Address(text: last))
        for value in [first.value, first.value + 1, first.value / 2 + last.value / 2, last.value - 1, last.value] {
            #expect(PrivateNetworks.contains(.ipv4(IPv4Address(value))), "\(IPv4Address(value))")
        }
        if first.value > 0 { #expect(!PrivateNetworks.contains(.ipv4(IPv4Address(first.value - 1)))) }
        if last.value < .max { #expect(!PrivateNetworks.contains(.ipv4(IPv4Address(last.value + 1)))) }
    }

    /// Every /16 against the list above; none of the networks is longer than that.
    @Test("All of IPv4 is as the list says")
    func allOfIPv4() throws {
        let networks = try Self.ipv4.map { first, last in
            let first = try #require(IPv4Address(text: first))
            return first.value...(try #require(IPv4Address(text: last)).value)
        }
        for upper in UInt32(0)...0xffff {
            for lower in [UInt32(0), 1, 0x8000, 0xffff] {
                let value = upper << 16 | lower
                let expected = networks.contains { $0.contains(value) }
                guard PrivateNetworks.contains(.ipv4(IPv4Address(value))) != expected else { continue }
                Issue.record("\(IPv4Address(value)) is taken for \(expected ? "public" : "private")")
            }
        }
    }

    @Test(
        "An IPv6 network is private from its first address to its last, and no further",
        arguments: [
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            // By the address inside.
            ("::", "::0.255.255.255"), ("::127.0.0.0", "::127.255.255.255"),
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255"), ("::ffff:0:192.168.0.0", "::ffff:0:192.168.255.255"),
            ("64:ff9b::172.16.0.0", "64:ff9b::172.31.255.255"),
            ("2002:7f00::", "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002:c0a8::", "2002:c0a8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func boundsOfIPv6(first: String, last: String) throws {
        let first = try #require(IPv6Address(text: first))
        let last = try #require(IPv6Address(text: last))
        #expect(PrivateNetworks.contains(.ipv6(first)))
        #expect(PrivateNetworks.contains(.ipv6(last)))
        if let before = first.neighbour(-1) {
            #expect(!PrivateNetworks.contains(.ipv6(before)) || first.high >> 56 == 0xff)
        }
        if let after = last.neighbour(1) { #expect(!PrivateNetworks.contains(.ipv6(after)) || last.high >> 56 == 0xfe) }
    }

    @Test(
        "What IPv4 is inside counts",
        arguments: [
            ("::1", true), ("::8.8.8.8", false), ("::ffff:8.8.8.8", false), ("::ffff:127.0.0.1", true),
            ("::ffff:0:8.8.8.8", false), ("::ffff:0:10.1.2.3", true), ("64:ff9b::8.8.8.8", false),
            ("64:ff9b::a00:1", true), ("64:ff9b::1:10.0.0.1", false), ("64:ff9b:0:1::10.0.0.1", false),
            ("2002:808:808::1", false), ("2002:a00:1::1", true), ("2003:a00:1::1", false),
            // Teredo: 0x80fffffe inverted is 127.0.0.1, 0xf7f7f7f7 is 8.8.8.8.
            ("2001:0:808:808::80ff:fffe", true), ("2001:0:808:808::f7f7:f7f7", false), ("2001:1::80ff:fffe", false),
            ("2606:2800:220:1::7f00:1", false), ("::1:0:0:0", false), ("::1:7f00:1", false), ("2001:db8::1", false),
        ])
    func inside(text: String, isPrivate: Bool) throws {
        #expect(PrivateNetworks.contains(try #require(Host(text: text))) == isPrivate)
    }

    @Test("A name is not private, whatever it says", arguments: ["localhost", "127.1", "0x7f000001", "127.0.0.1."])
    func names(text: String) {
        #expect(!PrivateNetworks.contains(.name(text)))
    }
}

extension IPv6Address {
    /// The one before (-1) or behind (1) it; nil where there is none.
    fileprivate func neighbour(_ step: Int) -> IPv6Address? {
        let (sum, carries) =
            step > 0 ? low.addingReportingOverflow(1) : low.subtractingReportingOverflow(1)
        guard carries else { return IPv6Address(high: high, low: sum) }
        let (upper, isOver) =
            step > 0 ? high.addingReportingOverflow(1) : high.subtractingReportingOverflow(1)
        return isOver ? nil : IPv6Address(high: upper, low: sum)
    }
}
