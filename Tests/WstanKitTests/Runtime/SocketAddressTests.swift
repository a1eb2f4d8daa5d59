import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct SocketAddressTests {
    private static let all: [SocketAddress] = [
        .ipv4(IPv4Address(0x0102_0304), port: 0x0506), .ipv4(IPv4Address(.max), port: .max),
        .ipv6(IPv6Address(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10), port: 80, scope: 0),
        .ipv6(IPv6Address(high: 0xfe80 << 48, low: 1), port: 443, scope: 7),
    ]

    @Test func `addresses go to the kernel's form and back`() {
        for address in Self.all { #expect(address.withSockaddr { raw, _ in SocketAddress(raw) } == address) }
    }

    @Test func `loopback is loopback, mapped too`() {
        func isLoopback(_ text: String) -> Bool? {
            switch Host(text: text) {
            case .ipv4(let address): SocketAddress.ipv4(address, port: 1).isLoopback
            case .ipv6(let address): SocketAddress.ipv6(address, port: 1, scope: 0).isLoopback
            case .name, nil: nil
            }
        }
        for text in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"] { #expect(isLoopback(text) == true) }
        for text in ["128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:1.2.3.4", "1::1"] {
            #expect(isLoopback(text) == false)
        }
    }

    @Test func `they are printed as people write them`() {
        #expect(Self.all[0].description == "1.2.3.4:1286")
        #expect(Self.all[3].description == "[fe80::1]:443")
        #expect(Self.all[0].hasSameHost(as: .ipv4(IPv4Address(0x0102_0304), port: 9)))
        #expect(!Self.all[0].hasSameHost(as: Self.all[2]))
    }
}
