import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct AddressTests {
    private static var contract: ReaderContract<Address> { ReaderContract(read: Address.read) }

    private static func encoded(_ address: Address) -> [UInt8] {
        var bytes: [UInt8] = []
        address.encode(into: &bytes)
        return bytes
    }

    private static func random(_ random: inout SeededRandomness) -> Address {
        let port = UInt16(truncatingIfNeeded: random.next())
        switch random.below(3) {
        case 0: return Address(host: .ipv4(IPv4Address(UInt32(truncatingIfNeeded: random.next()))), port: port)
        case 1: return Address(host: .ipv6(IPv6Address(high: random.next(), low: random.next())), port: port)
        default:
            let name = (0...random.below(60)).map { _ in UInt8(97 + random.below(26)) }
            return Address(host: .name(String(decoding: name, as: UTF8.self)), port: port)
        }
    }

    @Test func `addresses of every kind come back, byte by byte and at once`() {
        var random = SeededRandomness(seed: 1)
        for _ in 0..<200 {
            let address = Self.random(&random)
            Self.contract.expect(address, from: Self.encoded(address))
        }
    }

    @Test func `names have 1 to 255 bytes`() {
        for count in [1, 2, 254, 255] {
            let address = Address(host: .name(String(repeating: "n", count: count)), port: 1)
            Self.contract.expect(address, from: Self.encoded(address))
        }
        #expect(Self.contract.outcome([0, 3, 0]) == .malformed(position: 0))
        #expect(Host(text: "") == nil)
        #expect(Host(text: String(repeating: "n", count: 256)) == nil)
    }

    @Test func `names are visible ASCII without what sets hosts apart`() {
        for byte in UInt8.min...UInt8.max {
            let isAllowed = (0x21...0x7e).contains(byte) && !"[]:/@%".utf8.contains(byte)
            switch Self.contract.outcome([0, 3, 3, 0x61, byte, 0x61, 0, 80]) {
            case .value: #expect(isAllowed, "\(byte)")
            case .malformed: #expect(!isAllowed, "\(byte)")
            case .incomplete: Issue.record("incomplete with \(byte)")
            }
        }
    }

    /// 0.4 clients send every target as a name; a literal that is looked up as a name would go astray.
    @Test func `a literal that comes as a name is an address`() {
        func asName(_ text: String) -> [UInt8] { [0, 3, UInt8(text.utf8.count)] + Array(text.utf8) + [1, 0xbb] }
        let ipv4 = Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 443)
        let ipv6 = Address(host: .ipv6(IPv6Address(high: 0x2001_0db8 << 32, low: 1)), port: 443)
        Self.contract.expect(ipv4, from: asName("127.0.0.1"))
        Self.contract.expect(ipv6, from: asName("2001:db8::1"))
        Self.contract.expect(ipv6, from: asName("[2001:db8::1]"))
    }

    @Test func `the reserved byte is zero and the type is known`() {
        for reserved in UInt8(1)...255 { #expect(Self.contract.outcome([reserved]) == .malformed(position: 0)) }
        for type in UInt8.min...UInt8.max where ![1, 3, 4].contains(type) {
            #expect(Self.contract.outcome([0, type]) == .malformed(position: 0))
        }
    }

    @Test func `mutated addresses neither trap nor move the reader`() {
        var random = SeededRandomness(seed: 2)
        for _ in 0..<20_000 {
            Self.contract.expectCalm(Mutation.of(Self.encoded(Self.random(&random)), &random))
        }
    }

    @Test func `an authority is a host and a port`() {
        #expect(Address(authority: "example.com:80")?.description == "example.com:80")
        #expect(Address(authority: "[2001:DB8::1]:443")?.description == "[2001:db8::1]:443")
        #expect(Address(authority: "1.2.3.4:0") == Address(host: .ipv4(IPv4Address(0x0102_0304)), port: 0))
        for text in [
            "", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1", "host: 80", "host:8O",
            "2001:db8::1:80",
            "[1.2.3.4]:80", "[::1", "[::1]", "[::g]:80", "ho st:80", "h\u{f6}st:80", "host:\u{0661}",
        ] {
            #expect(Address(authority: text) == nil, "\(text)")
        }
    }

    @Test func `what an address prints is an authority that gives it back`() {
        var random = SeededRandomness(seed: 3)
        for _ in 0..<500 {
            let address = Self.random(&random)
            #expect(Address(authority: address.description) == address)
        }
    }
}
