import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct Socks4Tests {
    private static var request: ReaderContract<Socks4.Request> { ReaderContract(read: Socks4.readRequest) }

    private static func message(_ command: UInt8, _ address: [UInt8], user: String = "", name: String? = nil) -> [UInt8]
    {
        [4, command, 0x1f, 0x90] + address + user.utf8 + [0] + (name.map { Array($0.utf8) + [0] } ?? [])
    }

    @Test func `an address stands for itself, whoever the user is`() {
        let target = Address(host: .ipv4(IPv4Address(0xc000_0201)), port: 8080)
        for user in ["", "me", String(repeating: "u", count: 255)] {
            for command in [0, 1, 2, 255] as [UInt8] {
                Self.request.expect(
                    Socks4.Request(command: command, target: target),
                    from: Self.message(command, [192, 0, 2, 1], user: user))
            }
        }
    }

    @Test func `0 0 0 x announces a name, 0 0 0 0 does not`() {
        let name = String(repeating: "n", count: 255)
        Self.request.expect(
            Socks4.Request(command: 1, target: Address(host: .name(name), port: 8080)),
            from: Self.message(1, [0, 0, 0, 1], user: "me", name: name))
        Self.request.expect(
            Socks4.Request(command: 1, target: Address(host: .ipv4(IPv4Address(0)), port: 8080)),
            from: Self.message(1, [0, 0, 0, 0]))
        // A literal that comes as a name is an address.
        Self.request.expect(
            Socks4.Request(command: 1, target: Address(host: .ipv6(IPv6Address(high: 0, low: 1)), port: 8080)),
            from: Self.message(1, [0, 0, 0, 1], name: "::1"))
    }

    @Test func `what is too long or no name is malformed, before it is held`() {
        #expect(Self.request.outcome([5]) == .malformed(position: 0))
        for bytes in [
            [4, 1, 0, 80, 1, 2, 3, 4] + [UInt8](repeating: 65, count: 256),
            Self.message(1, [0, 0, 0, 1]) + [UInt8](repeating: 65, count: 256),
            Self.message(1, [0, 0, 0, 1], name: ""), Self.message(1, [0, 0, 0, 1], name: "a b"),
        ] {
            #expect(Self.request.outcome(bytes) == .malformed(position: 0))
        }
    }

    @Test func `mutated messages neither trap nor move the reader`() {
        var random = SeededRandomness(seed: 29)
        let request = Self.message(1, [0, 0, 0, 1], user: "me", name: "example.com")
        for _ in 0..<10_000 { Self.request.expectCalm(Mutation.of(request, &random)) }
    }
}
