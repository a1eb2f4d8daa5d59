/// The addresses that are nobody's on the internet: of hosts, links, sites and groups. Who lets others connect from his
/// host does not want to be their way to these.
///
/// Says nothing of the public addresses that a host itself has.
@usableFromInline package enum PrivateNetworks {
    /// - Returns: false for a name: what it stands for shows when it is resolved.
    @inlinable package static func contains(_ host: Host) -> Bool {
        switch host {
        case .ipv4(let address): contains(address)
        case .ipv6(let address): contains(address)
        case .name: false
        }
    }

    @inlinable static func contains(_ address: IPv4Address) -> Bool {
        let value = address.value
        return switch value >> 24 {
        // RFC 1122 section 3.2.1.3: this network, which Linux takes for the host itself.
        case 0: true
        // RFC 1918.
        case 10: true
        case 172: value >> 20 == 0xac1
        case 192: value >> 16 == 0xc0a8
        // RFC 6598: between a provider and its customers.
        case 100: value >> 22 == 0x191
        // RFC 1122: loopback.
        case 127: true
        // RFC 3927: one link only.
        case 169: value >> 16 == 0xa9fe
        // RFC 5771 multicast, RFC 1112 reserved, RFC 919 broadcast.
        case 224...: true
        default: false
        }
    }

    @inlinable static func contains(_ address: IPv6Address) -> Bool {
        // RFC 4193 (fc00::/7); RFC 4291: one link only (fe80::/10), multicast (ff00::/8). RFC 3879: fec0::/10, which
        // some sites still have.
        if address.high >> 57 == 0xfc >> 1 || address.high >> 55 == 0xfe80 >> 7 || address.high >> 56 == 0xff {
            return true
        }
        // RFC 8215 (64:ff9b:1::/48): translators within a site; where IPv4 stands there is the site's matter.
        if address.high >> 16 == 0x0064_ff9b_0001 { return true }
        guard let inner = ipv4(in: address) else { return false }
        return contains(inner)
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
