import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct AddressV2Tests {
    private static func read(_ bytes: [UInt8]) -> Result<(AddressV2, used: Int), Violation> {
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            do throws(Violation) {
                return .success((try AddressV2.read(&reader), used: reader.position))
            } catch {
                return .failure(error)
            }
        }
    }

    private static let all: [AddressV2] = [
        .none, .ipv4(IPv4Address(0x7f00_0001), port: 80),
        .ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 7), port: 65_535),
        .name("a", port: 0), .name(String(repeating: "x", count: 255), port: 443), .unix([47]),
        .unix([UInt8](repeating: 0xff, count: 255)),
    ]

    @Test func `addresses are read as they are written, cut ones are truncated, what follows is left alone`() throws {
        for address in Self.all {
            var bytes: [UInt8] = []
            address.encode(into: &bytes)
            #expect((1...AddressV2.mostEncoded).contains(bytes.count))
            for following in [[], [1, 2, 3]] as [[UInt8]] {
                let (read, used) = try Self.read(bytes + following).get()
                #expect(read == address)
                #expect(used == bytes.count)
            }
            for count in 0..<bytes.count {
                #expect(throws: Violation.truncated) { try Self.read(Array(bytes[..<count])).get() }
            }
        }
    }

    @Test func `other types and empty names are faults`() {
        for type in UInt8.min...UInt8.max where ![0, 1, 3, 4, 5].contains(type) {
            #expect(throws: Violation.addressType) { try Self.read([type] + [UInt8](repeating: 1, count: 30)).get() }
        }
        for type: UInt8 in [3, 5] {
            #expect(throws: Violation.address) { try Self.read([type, 0, 0, 0]).get() }
        }
    }

    @Test func `a name has visible characters but the backslash, a path has no NUL`() {
        for byte in UInt8.min...UInt8.max {
            let isNamed = (try? Self.read([3, 3, 0x61, byte, 0x62, 0, 80]).get()) != nil
            #expect(isNamed == ((0x21...0x7e).contains(byte) && byte != 0x5c))
            let isPath = (try? Self.read([5, 3, 0x2f, byte, 0x62]).get()) != nil
            #expect(isPath == (byte != 0))
        }
    }

    @Test func `a literal that came as a name is an address, and not every name is a host's`() {
        #expect(
            AddressV2.name("127.0.0.1", port: 80).target == Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 80))
        #expect(AddressV2.name("::1", port: 80).target == Address(host: .ipv6(IPv6Address(high: 0, low: 1)), port: 80))
        #expect(
            AddressV2.name("[::1]", port: 80).target == Address(host: .ipv6(IPv6Address(high: 0, low: 1)), port: 80))
        #expect(AddressV2.name("example.com", port: 80).target == Address(host: .name("example.com"), port: 80))
        #expect(AddressV2.name("a/b", port: 80).target == nil)
        #expect(AddressV2.none.target == nil)
        #expect(AddressV2.unix([47]).target == nil)
        for address in Self.all {
            if let target = address.target { #expect(AddressV2(target) == address) }
        }
    }
}
