/// The addresses that are not a part of the public internet: those of hosts, links, sites, groups, registries and clouds
/// (`SpecialNetworks`). A server that lets others connect from its host is not to be their way to these.
///
/// Says nothing of the public addresses that a host itself has.
@usableFromInline package enum PrivateNetworks {
    /// - Returns: false for a name: what it stands for shows when it is resolved.
    package static func contains(_ host: Host) -> Bool {
        switch host {
        case .ipv4(let address): SpecialNetworks.arePrivate(address)
        case .ipv6(let address): contains(address)
        case .name: false
        }
    }

    static func contains(_ address: IPv6Address) -> Bool {
        if let inner = ipv4(in: address) { return SpecialNetworks.arePrivate(inner) }
        return SpecialNetworks.arePrivate(address)
    }

    /// Where an IPv6 address leads when the network or the host turns it into IPv4 on the way; nil where it does not.
    @inlinable package static func ipv4(in address: IPv6Address) -> IPv4Address? {
        let tail = IPv4Address(UInt32(truncatingIfNeeded: address.low))
        switch address.high {
        case 0:
            // RFC 4291: mapped (::ffff:0:0/96) and compatible (::/96), of which `::` and `::1` are taken for 0.0.0.0
            // and 0.0.0.1. RFC 2765: translated (::ffff:0:0:0/96).
            return [0, 0xffff, 0xffff_0000].contains(address.low >> 32) ? tail : nil
        case 0x0064_ff9b_0000_0000:
            // RFC 6052: NAT64 (64:ff9b::/96).
            return address.low >> 32 == 0 ? tail : nil
        default:
            break
        }
        // RFC 3056: 6to4 (2002::/16).
        if address.high >> 48 == 0x2002 { return IPv4Address(UInt32(truncatingIfNeeded: address.high >> 16)) }
        // RFC 4380: Teredo (2001::/32), where all bits of the address are inverted.
        if address.high >> 32 == 0x2001_0000 { return IPv4Address(~tail.value) }
        return nil
    }
}
