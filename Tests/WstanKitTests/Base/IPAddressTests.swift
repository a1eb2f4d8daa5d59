import Glibc
import Testing

@testable import WstanBase

/// Against inet_pton and inet_ntop of the C library.
@Suite struct IPAddressTests {
    private static func system(ipv4 text: String) -> IPv4Address? {
        var address = in_addr()
        guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
        return IPv4Address(UInt32(bigEndian: address.s_addr))
    }

    private static func system(ipv6 text: String) -> IPv6Address? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: address) { bytes in
            IPv6Address(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    private static func systemText(_ address: IPv6Address) -> String {
        var octets: [UInt8] = []
        octets.append(integer: address.high)
        octets.append(integer: address.low)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(AF_INET6, octets, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static let handPicked = [
        "", " ", ".", ":", "::", ":::", "::::", "0", "1.2.3", "1.2.3.4", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1..3.4",
        "01.2.3.4", "1.2.3.04", "0.0.0.0", "00.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4",
        "1.2.3.-4",
        "1.2.3.+4", "0x1.2.3.4", "1.2.3.4/8", "127.1", "2130706433", "::1", "1::", "1::1", "::1::", "1::2::3",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8:", "12345::", "0001::", "00001::",
        "g::",
        "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3.4:1",
        "::1.2.3", "::1.2.3.4.5", "::01.2.3.4", "fe80::1%eth0", "fe80::1%1", "[::1]", "::1 ", " ::1", "-1::", "+1::",
        "ABCD:EF01::", "AbCd::eF", "1:::2", "::\u{661}",
    ]

    /// RFC 5952 sections 2 and 4, and what follows from them.
    private static let canonical: [(text: String, form: String)] = [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8::0:1", "2001:db8::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("0:0:0:0:0:0:0:0", "::"), ("0:0:0:0:0:0:0:1", "::1"),
        ("1:0:0:0:0:0:0:0", "1::"), ("0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"), ("1:0:0:2:3:4:0:0", "1::2:3:4:0:0"),
    ]

    @Test func `hand-picked texts are what the C library takes them for`() {
        for text in Self.handPicked {
            #expect(IPv4Address(text: text) == Self.system(ipv4: text), "\(text)")
            #expect(IPv6Address(text: text) == Self.system(ipv6: text), "\(text)")
        }
    }

    @Test func `random texts of the alphabet are what the C library takes them for`() {
        var random = SeededRandomness(seed: 4)
        let parts = ["0", "1", "12", "ab", "ffff", "255", "256", ".", ".", ".", ":", ":", ":", "::", "00", "1.2.3.4"]
        for _ in 0..<20_000 {
            let text = (0...random.below(14)).map { _ in parts[random.below(parts.count)] }.joined()
            if IPv4Address(text: text) != Self.system(ipv4: text) { Issue.record("\(text)") }
            if IPv6Address(text: text) != Self.system(ipv6: text) { Issue.record("\(text)") }
        }
    }

    @Test func `the examples of RFC 5952 get their canonical form`() {
        for (text, form) in Self.canonical {
            #expect(IPv6Address(text: text)?.description == form)
        }
    }

    @Test func `random addresses are printed as the C library prints them, and read back`() {
        var random = SeededRandomness(seed: 5)
        for _ in 0..<5000 {
            // Groups of zero are what the form is about.
            let groups = (0..<8).map { _ in
                random.below(2) == 0 ? 0 : random.next() & (random.below(2) == 0 ? 0xf : 0xffff)
            }
            let address = IPv6Address(
                high: groups[..<4].reduce(0) { $0 << 16 | $1 }, low: groups[4...].reduce(0) { $0 << 16 | $1 })
            #expect(IPv6Address(text: address.description) == address)
            // The C library also prints the obsolete ::a.b.c.d that way, which RFC 5952 does not ask for.
            let isCompatible = address.high == 0 && address.low >> 32 == 0 && address.low > 0xffff
            if !isCompatible { #expect(address.description == Self.systemText(address)) }
        }
        for _ in 0..<1000 {
            let address = IPv4Address(UInt32(truncatingIfNeeded: random.next()))
            #expect(IPv4Address(text: address.description) == address)
            #expect(Self.system(ipv4: address.description) == address)
        }
    }
}
