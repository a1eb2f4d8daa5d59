import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct Socks5DatagramTests {
    private static let targets = ["192.0.2.1:53", "[2001:db8::1]:53", "example.com:53"]

    @Test func `datagrams of every kind of target come back`() throws {
        for text in Self.targets {
            for count in [0, 1, 1472, 65_497] {
                let address = try #require(Address(authority: text))
                let datagram = Datagram(address: address, data: [UInt8](repeating: 7, count: count))
                let bytes = Socks5Datagram.encode(datagram)
                #expect(bytes.prefix(3) == [0, 0, 0])
                #expect(bytes.withUnsafeBytes { Socks5Datagram.read($0) } == datagram)
            }
        }
    }

    @Test func `fragments, and what is cut short, are dropped`() throws {
        for text in Self.targets {
            let bytes = Socks5Datagram.encode(Datagram(address: try #require(Address(authority: text)), data: []))
            for count in 0..<bytes.count {
                #expect(bytes[..<count].withUnsafeBytes { Socks5Datagram.read($0) } == nil)
            }
            for place in 0..<3 {
                var spoilt = bytes
                spoilt[place] = 1
                #expect(spoilt.withUnsafeBytes { Socks5Datagram.read($0) } == nil)
            }
        }
    }

    @Test func `mutated datagrams never trap`() throws {
        var random = SeededRandomness(seed: 31)
        let address = try #require(Address(authority: "example.com:53"))
        let bytes = Socks5Datagram.encode(Datagram(address: address, data: [1, 2, 3]))
        for _ in 0..<10_000 {
            _ = Mutation.of(bytes, &random).withUnsafeBytes { Socks5Datagram.read($0) }
        }
    }
}
