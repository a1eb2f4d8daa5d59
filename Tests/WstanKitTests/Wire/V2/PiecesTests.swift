import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct PiecesTests {
    @Test func `pieces are handed out in order, and datagrams with their addresses`() throws {
        var gatherer = PieceGatherer()
        let addresses: [AddressV2] = [.ipv4(IPv4Address(1), port: 53), .none, .name("a.b", port: 9)]
        for (number, address) in addresses.enumerated() {
            #expect(gatherer.append(address, [UInt8](repeating: 7, count: number)) == true)
        }
        try gatherer.body.withBytes { (bytes) throws(Violation) in
            let pieces = try DatagramPieces.read(bytes)
            #expect(pieces.map(\.address) == addresses)
            #expect(pieces.map(\.payload.count) == [0, 1, 2])
        }
    }

    @Test func `what is gathered lies between the room that was asked for, in the memory that was given`() {
        var gatherer = PieceGatherer(limit: 20, headroom: 17, in: [UInt8](repeating: 9, count: 1000))
        // The type, a length and an address take 10 of 20 bytes.
        #expect(gatherer.append(.ipv4(IPv4Address(1), port: 53), [UInt8](repeating: 7, count: 11)) == false)
        #expect(gatherer.append(.ipv4(IPv4Address(1), port: 53), [UInt8](repeating: 7, count: 10)) == true)
        let body = gatherer.body
        #expect(body.count == 19)
        let bytes = gatherer.finish(tailroom: 16)
        #expect(bytes == [UInt8](repeating: 0, count: 17) + body + [UInt8](repeating: 0, count: 16))
        #expect(bytes.capacity >= 1000)
    }

    @Test func `an address says how long it is`() {
        for address in [
            AddressV2.none, .ipv4(IPv4Address(1), port: 1), .ipv6(IPv6Address(high: 1, low: 2), port: 1),
            .name("target.test", port: 9), .unix([1, 2, 3]),
        ] {
            var bytes: [UInt8] = []
            address.encode(into: &bytes)
            #expect(bytes.count == address.encodedSize)
        }
        for host in [Host.ipv4(IPv4Address(1)), .ipv6(IPv6Address(high: 1, low: 2)), .name("target.test")] {
            let datagram = Datagram(address: Address(host: host, port: 5), data: [1, 2, 3])
            #expect(datagram.encoded().count == datagram.encodedSize)
        }
    }

    @Test func `a record takes 64 pieces, and no byte more than the peer takes`() {
        var many = PieceGatherer()
        for _ in 0..<64 { #expect(many.append(packet: [1]) == true) }
        #expect(many.append(packet: [1]) == false)
        #expect(many.count == 64)

        var large = PieceGatherer()
        let longest = [UInt8](repeating: 1, count: 65_507)
        #expect(large.append(.ipv4(IPv4Address(1), port: 53), longest) == true)
        #expect(large.append(packet: [UInt8](repeating: 1, count: 600)) == false)
        #expect(MessageV2.fault([0x0b] + large.body) == nil)

        var small = PieceGatherer(limit: 16_896)
        #expect(small.append(packet: [UInt8](repeating: 1, count: 16_894)) == false)
        #expect(small.append(packet: [UInt8](repeating: 1, count: 16_893)) == true)
        #expect(small.body.count + 1 == 16_896)

        var none = PieceGatherer()
        #expect(none.append(.name(String(repeating: "x", count: 255), port: 1), longest) == false)
        #expect(none.count == 0 && none.body.isEmpty)
    }
}
