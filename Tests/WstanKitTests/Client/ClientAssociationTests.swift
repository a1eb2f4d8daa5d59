import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ClientAssociationTests {
    /// RFC 1928 section 7. Several clients declared their target there; every datagram of theirs was dropped.
    @Test func `a declared port restricts only where it can be the user agent's`() {
        let peer = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 4000)
        let mapped = IPv6Address(high: 0, low: 0xffff_7f00_0001)
        for (host, restricts) in [
            (Host.ipv4(IPv4Address(0)), true), (.ipv6(IPv6Address(high: 0, low: 0)), true),
            (.ipv4(IPv4Address(0x7f00_0001)), true), (.ipv6(mapped), true), (.ipv4(IPv4Address(0xc000_0201)), false),
            (.ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1)), false),
            (.ipv6(IPv6Address(high: 0, low: 1)), false),
            (.name("target.test"), false),
        ] {
            #expect(Address(host: host, port: 53).bindsPort(ofUserAgentAt: peer) == restricts, "\(host)")
            #expect(!Address(host: host, port: 0).bindsPort(ofUserAgentAt: peer), "\(host)")
        }
    }
}
