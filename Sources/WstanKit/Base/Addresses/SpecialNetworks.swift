/// The networks that are not a part of the public internet, by the registries of IANA, and the addresses at which clouds tell
/// a host its secrets. Each row has its source.
///
/// https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, both of 2025-10-09: all of
/// their rows, in their order. Multicast has registries of its own (RFC 5771, RFC 4291 section 2.7).
package enum SpecialNetworks {
    package struct Row: Sendable {
        package let network: IPNetwork
        let name: String
        /// RFC, or the cloud's documentation.
        let source: String
        /// "Globally Reachable" of the registry; nil where that says N/A, or nothing.
        let isGloballyReachable: Bool?
        /// Whether it counts as private.
        package let isPrivate: Bool
    }

    private enum Reach {
        /// "Globally Reachable: True".
        case global
        /// True as well, and an anycast address that the sender's own network answers: its NAT, its TURN or its DNS-SD server.
        case nearest
        /// "Globally Reachable: False".
        case local
        /// Empty: deprecated, and given to no one.
        case deprecated
        /// The IPv4 address inside counts (`PrivateNetworks.ipv4(in:)`); what the registry says.
        case embedded(Bool?)
    }

    private static func row(_ network: String, _ name: String, _ source: String, _ reach: Reach) -> Row {
        guard let network = IPNetwork(text: network) else { preconditionFailure("\(network) is not a network") }
        return switch reach {
        case .global: Row(network: network, name: name, source: source, isGloballyReachable: true, isPrivate: false)
        case .nearest: Row(network: network, name: name, source: source, isGloballyReachable: true, isPrivate: true)
        case .local: Row(network: network, name: name, source: source, isGloballyReachable: false, isPrivate: true)
        case .deprecated: Row(network: network, name: name, source: source, isGloballyReachable: nil, isPrivate: true)
        case .embedded(let said): Row(network: network, name: name, source: source, isGloballyReachable: said, isPrivate: false)
        }
    }

    static let ipv4 = [
        row("0.0.0.0/8", "This network", "RFC 791 section 3.2", .local),
        // Linux takes it for the host itself.
        row("0.0.0.0/32", "This host on this network", "RFC 1122 section 3.2.1.3", .local),
        row("10.0.0.0/8", "Private use", "RFC 1918", .local),
        row("100.64.0.0/10", "Shared address space", "RFC 6598", .local),
        row("127.0.0.0/8", "Loopback", "RFC 1122 section 3.2.1.3", .local),
        row("169.254.0.0/16", "Link local", "RFC 3927", .local),
        row("172.16.0.0/12", "Private use", "RFC 1918", .local),
        row("192.0.0.0/24", "IETF protocol assignments", "RFC 6890 section 2.1", .local),
        row("192.0.0.0/29", "IPv4 service continuity prefix", "RFC 7335", .local),
        row("192.0.0.8/32", "IPv4 dummy address", "RFC 7600", .local),
        row("192.0.0.9/32", "Port Control Protocol anycast", "RFC 7723", .nearest),
        row("192.0.0.10/32", "Traversal using relays around NAT anycast", "RFC 8155", .nearest),
        row("192.0.0.170/32", "NAT64/DNS64 discovery", "RFC 8880, RFC 7050 section 2.2", .local),
        row("192.0.0.171/32", "NAT64/DNS64 discovery", "RFC 8880, RFC 7050 section 2.2", .local),
        row("192.0.2.0/24", "Documentation (TEST-NET-1)", "RFC 5737", .local),
        row("192.31.196.0/24", "AS112-v4", "RFC 7535", .global),
        row("192.52.193.0/24", "AMT", "RFC 7450", .global),
        row("192.88.99.0/24", "Deprecated (6to4 relay anycast)", "RFC 7526", .deprecated),
        row("192.88.99.2/32", "6a44 relay anycast address", "RFC 6751", .local),
        row("192.168.0.0/16", "Private use", "RFC 1918", .local),
        row("192.175.48.0/24", "Direct delegation AS112 service", "RFC 7534", .global),
        row("198.18.0.0/15", "Benchmarking", "RFC 2544", .local),
        row("198.51.100.0/24", "Documentation (TEST-NET-2)", "RFC 5737", .local),
        row("203.0.113.0/24", "Documentation (TEST-NET-3)", "RFC 5737", .local),
        row("240.0.0.0/4", "Reserved", "RFC 1112 section 4", .local),
        row("255.255.255.255/32", "Limited broadcast", "RFC 8190, RFC 919 section 7", .local),
    ]

    static let ipv6 = [
        // Of both the IPv4 address inside is 0.0.0.1 and 0.0.0.0.
        row("::1/128", "Loopback address", "RFC 4291", .local),
        row("::/128", "Unspecified address", "RFC 4291", .local),
        // ::ffff:0:0/96, "IPv4-mapped address" (RFC 4291), is IPv4 wherever a network is written.
        row("64:ff9b::/96", "IPv4-IPv6 translation", "RFC 6052", .embedded(true)),
        row("64:ff9b:1::/48", "IPv4-IPv6 translation", "RFC 8215", .local),
        row("100::/64", "Discard-only address block", "RFC 6666", .local),
        row("100:0:0:1::/64", "Dummy IPv6 prefix", "RFC 9780", .local),
        row("2001::/23", "IETF protocol assignments", "RFC 2928", .local),
        row("2001::/32", "Teredo", "RFC 4380, RFC 8190", .embedded(nil)),
        row("2001:1::1/128", "Port Control Protocol anycast", "RFC 7723", .nearest),
        row("2001:1::2/128", "Traversal using relays around NAT anycast", "RFC 8155", .nearest),
        row("2001:1::3/128", "DNS-SD service registration protocol anycast", "RFC 9665", .nearest),
        row("2001:2::/48", "Benchmarking", "RFC 5180", .local),
        row("2001:3::/32", "AMT", "RFC 7450", .global),
        row("2001:4:112::/48", "AS112-v6", "RFC 7535", .global),
        row("2001:10::/28", "Deprecated (previously ORCHID)", "RFC 4843", .deprecated),
        row("2001:20::/28", "ORCHIDv2", "RFC 7343", .global),
        row("2001:30::/28", "Drone remote ID protocol entity tags", "RFC 9374", .global),
        row("2001:db8::/32", "Documentation", "RFC 3849", .local),
        row("2002::/16", "6to4", "RFC 3056", .embedded(nil)),
        row("2620:4f:8000::/48", "Direct delegation AS112 service", "RFC 7534", .global),
        row("3fff::/20", "Documentation", "RFC 9637", .local),
        row("5f00::/16", "Segment routing (SRv6) SIDs", "RFC 9602", .local),
        row("fc00::/7", "Unique local", "RFC 4193, RFC 8190", .local),
        row("fe80::/10", "Link-local unicast", "RFC 4291", .local),
    ]

    static let others = [
        row("224.0.0.0/4", "Multicast", "RFC 5771", .local),
        // Some sites still have them.
        row("fec0::/10", "Site-local unicast", "RFC 3879", .local),
        row("ff00::/8", "Multicast", "RFC 4291 section 2.7", .local),
    ]

    /// Where a host of a cloud asks for its configuration and its credentials. Most are in the networks above; they stand here
    /// so that no change of those opens one.
    static let clouds = [
        row("169.254.169.254/32", "Metadata of most clouds", "Amazon EC2, Azure, Google Cloud, OpenStack", .local),
        row("169.254.170.2/32", "Credentials of tasks", "Amazon ECS", .local),
        row("169.254.170.23/32", "Credentials of pods", "Amazon EKS", .local),
        row("168.63.129.16/32", "Agent of the host", "Azure", .local),
        row("100.100.100.200/32", "Metadata", "Alibaba Cloud", .local),
        row("192.0.0.192/32", "Metadata", "Oracle Cloud", .local),
        row("fd00:ec2::254/128", "Metadata", "Amazon EC2", .local),
        row("fd00:ec2::23/128", "Credentials of pods", "Amazon EKS", .local),
        row("fd20:ce::254/128", "Metadata", "Google Cloud", .local),
    ]

    /// The longest prefix comes first, so the first row with an address is the one that counts for it.
    package static let all = (ipv4 + ipv6 + others + clouds).sorted { $0.network.prefix > $1.network.prefix }

    private struct Rule<Bits: Sendable>: Sendable {
        let mask: Bits
        let value: Bits
        let isPrivate: Bool
    }

    private static let rules4 = all.compactMap { row -> Rule<UInt32>? in
        guard case .ipv4(let address, let prefix) = row.network else { return nil }
        return Rule(mask: UInt32.max << (32 - prefix), value: address.value, isPrivate: row.isPrivate)
    }

    private static let rules6 = all.compactMap { row -> Rule<(UInt64, UInt64)>? in
        guard case .ipv6(let address, let prefix) = row.network else { return nil }
        let mask = (UInt64.max << max(0, 64 - prefix), UInt64.max << min(64, 128 - prefix))
        return Rule(mask: mask, value: (address.high, address.low), isPrivate: row.isPrivate)
    }

    static func arePrivate(_ address: IPv4Address) -> Bool {
        rules4.first { address.value & $0.mask == $0.value }?.isPrivate ?? false
    }

    static func arePrivate(_ address: IPv6Address) -> Bool {
        rules6.first { address.high & $0.mask.0 == $0.value.0 && address.low & $0.mask.1 == $0.value.1 }?.isPrivate ?? false
    }
}

extension IPNetwork {
    fileprivate var prefix: Int {
        switch self {
        case .ipv4(_, let prefix), .ipv6(_, let prefix): prefix
        }
    }
}
