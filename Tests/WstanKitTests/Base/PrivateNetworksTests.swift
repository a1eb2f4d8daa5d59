import Testing

@testable import WstanBase

@Suite("Private networks")
struct PrivateNetworksTests {
    /// First and last of each.
    static let ipv4 = [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"), ("168.63.129.16", "168.63.129.16"), ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"), ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"), ("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"), ("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "255.255.255.255"),
    ]

    @Test("An IPv4 network is private from its first address to its last, and no further", arguments: ipv4)
    func boundsOfIPv4(first: String, last: String) throws {
        let first = try #require(IPv4Address(text: first))
        let last = try #require(IPv4Address(text: last))
        let near = [first.value, first.value &+ 1, first.value / 2 + last.value / 2, last.value &- 1, last.value]
        for value in near where (first.value...last.value).contains(value) {
            #expect(PrivateNetworks.contains(.ipv4(IPv4Address(value))), "\(IPv4Address(value))")
        }
        if first.value > 0 { #expect(!PrivateNetworks.contains(.ipv4(IPv4Address(first.value - 1)))) }
        if last.value < .max { #expect(!PrivateNetworks.contains(.ipv4(IPv4Address(last.value + 1)))) }
    }

    /// Every /16 against the list above, at four places.
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
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"), ("100::", "100:0:0:1:ffff:ffff:ffff:ffff"),
            ("2001:4:113::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:40::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
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
            ("2001:0:808:808::80ff:fffe", true), ("2001:0:808:808::f7f7:f7f7", false), ("2001:1::80ff:fffe", true),
            ("2606:2800:220:1::7f00:1", false), ("::1:0:0:0", false), ("::1:7f00:1", false), ("2001:db8::1", true),
        ])
    func inside(text: String, isPrivate: Bool) throws {
        #expect(PrivateNetworks.contains(try #require(Host(text: text))) == isPrivate)
    }

    /// The row with the longest prefix counts, so an end of a network may be one of a network within it.
    @Test("Every row of the registries holds at its first and its last address", arguments: SpecialNetworks.all)
    func rows(row: SpecialNetworks.Row) throws {
        for host in row.network.ends {
            let counts = try #require(SpecialNetworks.all.first { $0.network.contains(host) })
            // The address inside is that of another row, or of none.
            if case .ipv6(let address) = host, PrivateNetworks.ipv4(in: address) != nil { continue }
            #expect(PrivateNetworks.contains(host) == counts.isPrivate, "\(host)")
            if counts.network == row.network { #expect(PrivateNetworks.contains(host) == row.isPrivate, "\(host)") }
            #expect(row.isPrivate || row.isGloballyReachable != false, "\(row.name)")
            #expect(!row.source.isEmpty && !row.name.isEmpty)
        }
    }

    @Test("The registries are there whole")
    func registries() {
        #expect(SpecialNetworks.ipv4.count == 26 && SpecialNetworks.ipv6.count == 24)
        let reachable = SpecialNetworks.all.filter { !$0.isPrivate }.map(\.network.description)
        #expect(
            Set(reachable) == [
                "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "64:ff9b::/96", "2001::/32", "2001:3::/32",
                "2001:4:112::/48", "2001:20::/28", "2001:30::/28", "2002::/16", "2620:4f:8000::/48",
            ])
    }

    @Test(
        "What is allotted within a network of another kind is told from it",
        arguments: [
            ("192.0.0.9", true), ("192.0.0.10", true), ("192.0.0.192", true), ("192.31.196.1", false), ("192.52.193.1", false),
            ("192.175.48.1", false), ("2001:1::1", true), ("2001:3::1", false), ("2001:4:112::1", false), ("2001:4:113::1", true),
            ("2001:20::1", false), ("2001:2f:ffff::1", false), ("2001:30::1", false), ("2001:40::1", true), ("2001:1ff:ffff::1", true),
            ("2001:200::1", false), ("100:0:0:2::1", false), ("2620:4f:8000::1", false), ("64:ff9b::1:a83f:8110", false),
            ("64:ff9b::a83f:8110", true), ("::ffff:168.63.129.16", true), ("fd00:ec2::254", true), ("fd20:ce::254", true),
            ("100.100.100.200", true), ("168.63.129.15", false), ("168.63.129.17", false), ("2002:a83f:8110::1", true),
        ])
    func within(text: String, isPrivate: Bool) throws {
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

extension IPNetwork {
    /// Its first and its last address.
    fileprivate var ends: [Host] {
        switch self {
        case .ipv4(let first, let prefix):
            let rest = prefix == 0 ? UInt32.max : UInt32.max >> prefix
            return [.ipv4(first), .ipv4(IPv4Address(first.value | rest))]
        case .ipv6(let first, let prefix):
            let (high, low) = (UInt64.max >> min(64, prefix), UInt64.max >> max(0, prefix - 64))
            return [.ipv6(first), .ipv6(IPv6Address(high: first.high | high, low: first.low | low))]
        }
    }
}
