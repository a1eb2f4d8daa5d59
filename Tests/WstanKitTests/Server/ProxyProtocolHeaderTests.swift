import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ProxyProtocolHeaderTests {
    private static var contract: ReaderContract<ProxyProtocolHeader> { ReaderContract(read: ProxyProtocolHeader.read) }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)

    /// A header of version 2, with every part free.
    private static func binary(
        _ block: [UInt8], command: UInt8 = 0x21, family: UInt8 = 0x11, length: Int? = nil
    ) -> [UInt8] {
        var bytes = signature + [command, family]
        bytes.append(integer: UInt16(length ?? block.count))
        return bytes + block
    }

    private static func ipv4Block(_ source: UInt32, _ port: UInt16) -> [UInt8] {
        var block: [UInt8] = []
        block.append(integer: source)
        block.append(integer: UInt32(0x7f00_0001))
        block.append(integer: port)
        block.append(integer: UInt16(443))
        return block
    }

    private static func ipv6Block(_ source: IPv6Address, _ port: UInt16) -> [UInt8] {
        var block: [UInt8] = []
        for half in [source.high, source.low, 0, 1] { block.append(integer: half) }
        block.append(integer: port)
        block.append(integer: UInt16(443))
        return block
    }

    /// A random client, with the header of either version that names it.
    private static func random(_ random: inout SeededRandomness) -> (ProxyProtocolHeader, [UInt8]) {
        let port = UInt16(truncatingIfNeeded: random.next())
        let tlvs = random.bytes(random.below(40))
        switch random.below(4) {
        case 0:
            let address = IPv4Address(UInt32(truncatingIfNeeded: random.next()))
            return (
                .proxied(ClientAddress(ipv4: address, port: port)),
                Array("PROXY TCP4 \(address) 127.0.0.1 \(port) 443\r\n".utf8)
            )
        case 1:
            let address = IPv6Address(high: random.next(), low: random.next())
            return (
                .proxied(ClientAddress(ipv6: address, port: port)),
                Array("PROXY TCP6 \(address) ::1 \(port) 443\r\n".utf8)
            )
        case 2:
            let address = UInt32(truncatingIfNeeded: random.next())
            return (
                .proxied(ClientAddress(ipv4: IPv4Address(address), port: port)),
                binary(ipv4Block(address, port) + tlvs)
            )
        default:
            let address = IPv6Address(high: random.next(), low: random.next())
            return (
                .proxied(ClientAddress(ipv6: address, port: port)),
                binary(ipv6Block(address, port) + tlvs, family: 0x21)
            )
        }
    }

    @Test func `both versions come back, byte by byte and at once, with what follows left alone`() {
        var random = SeededRandomness(seed: 1)
        for _ in 0..<200 {
            let (header, bytes) = Self.random(&random)
            Self.contract.expect(header, from: bytes)
        }
    }

    @Test func `mutated headers neither trap nor move the reader`() {
        var random = SeededRandomness(seed: 2)
        for _ in 0..<20_000 { Self.contract.expectCalm(Mutation.of(Self.random(&random).1, &random)) }
    }

    /// The examples of the specification, section 2.1: the worst cases of each kind.
    @Test func `the longest lines of version 1 are read`() throws {
        let client = try #require(ClientAddress(text: "255.255.255.255:65535"))
        Self.contract.expect(
            .proxied(client), from: Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8))
        let all = Array(repeating: "ffff", count: 8).joined(separator: ":")
        let line = "PROXY UNKNOWN \(all) \(all) 65535 65535\r\n"
        #expect(line.utf8.count == 107)
        Self.contract.expect(.local, from: Array(line.utf8))
        let ipv6 = try #require(ClientAddress(text: "[\(all)]:65535"))
        Self.contract.expect(.proxied(ipv6), from: Array("PROXY TCP6 \(all) \(all) 65535 65535\r\n".utf8))
    }

    @Test func `a front that speaks for itself, or cannot tell for whom, is local`() {
        Self.contract.expect(.local, from: Array("PROXY UNKNOWN\r\n".utf8))
        Self.contract.expect(.local, from: Array("PROXY UNKNOWN whatever it is\r\n".utf8))
        Self.contract.expect(.local, from: Self.binary([], command: 0x20, family: 0))
        // LOCAL: the family and the block are to be ignored.
        Self.contract.expect(.local, from: Self.binary([1, 2, 3], command: 0x20, family: 0x11))
        Self.contract.expect(.local, from: Self.binary([1, 2, 3], command: 0x20, family: 0xff))
        // Unspecified, UDP over IPv4, Unix.
        for family: UInt8 in [0x00, 0x12, 0x31, 0x32] {
            Self.contract.expect(.local, from: Self.binary([1, 2, 3], family: family))
        }
    }

    @Test func `lines that are none are malformed`() {
        let long = "PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n"
        for text in [
            "GET / HTTP/1.1\r\n", "POST", "PROXYTCP4", "proxy TCP4", "PROXY \r\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", "\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n", "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 evil 1 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n", long,
            String(repeating: "P", count: 200), String(long.dropLast()) + "y",
        ] {
            #expect(Self.contract.outcome(Array(text.utf8)) == .malformed(position: 0), "\(text)")
        }
    }

    @Test func `version 2 has its version, a known command, and room for its addresses`() {
        let block = Self.ipv4Block(1, 1)
        for command in UInt8.min...UInt8.max where ![0x20, 0x21].contains(command) {
            #expect(Self.contract.outcome(Self.binary(block, command: command)) == .malformed(position: 0))
        }
        for family in UInt8.min...UInt8.max where family >> 4 > 3 || family & 15 > 2 {
            #expect(Self.contract.outcome(Self.binary(block, family: family)) == .malformed(position: 0))
        }
        for count in 0..<12 {
            #expect(Self.contract.outcome(Self.binary(Array(block.prefix(count)))) == .malformed(position: 0))
        }
        for count in 0..<36 {
            let short = Array(Self.ipv6Block(IPv6Address(high: 1, low: 1), 1).prefix(count))
            #expect(Self.contract.outcome(Self.binary(short, family: 0x21)) == .malformed(position: 0))
        }
    }

    @Test func `a length beyond the bound is refused before its bytes are awaited`() {
        let bound = ServerLimits.proxyHeader
        #expect(Self.contract.outcome(Self.binary([], length: bound)) == .incomplete(position: 0))
        #expect(Self.contract.outcome(Self.binary([], length: bound + 1)) == .malformed(position: 0))
        #expect(Self.contract.outcome(Self.binary([], length: 65535)) == .malformed(position: 0))
    }
}
