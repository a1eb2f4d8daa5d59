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

    private static func address(_ value: UInt32, _ port: UInt16) -> SocketAddress {
        .ipv4(IPv4Address(value), port: port)
    }
    private static let undeclared = Address(host: .ipv4(IPv4Address(0)), port: 0)
    private static let declared = Address(host: .ipv4(IPv4Address(0)), port: 53)

    @Test func `an association belongs to a user, else to a port, else to a host where anybody is served`() {
        let peer = Self.address(0x7f00_0001, 4000)
        for isStrict in [false, true] {
            for declared in [Self.undeclared, Self.declared] {
                for user in [nil, 7] as [UInt32?] {
                    let owner = AssociationOwner(peer: peer, declared: declared, user: user, isStrict: isStrict)
                    #expect((owner == nil) == (isStrict && user == nil && declared.port == 0))
                    #expect(owner == nil || owner?.user == user)
                }
            }
        }
    }

    @Test func `by its address a sender may be the owner on the same host, at the port that was declared`() throws {
        let peer = Self.address(0x7f00_0001, 4000)
        let any = try #require(AssociationOwner(peer: peer, declared: Self.undeclared, user: 7, isStrict: true))
        #expect(any.mayBe(at: Self.address(0x7f00_0001, 1)))
        #expect(!any.mayBe(at: Self.address(0x7f00_0002, 1)))
        let one = try #require(AssociationOwner(peer: peer, declared: Self.declared, user: nil, isStrict: true))
        #expect(one.mayBe(at: Self.address(0x7f00_0001, 53)))
        #expect(!one.mayBe(at: Self.address(0x7f00_0001, 54)))
        // What is declared of another host binds nothing, so it proves nothing either.
        let target = Address(host: .ipv4(IPv4Address(0xc000_0201)), port: 53)
        #expect(AssociationOwner(peer: peer, declared: target, user: nil, isStrict: true) == nil)
        #expect(AssociationOwner(peer: peer, declared: target, user: nil, isStrict: false)?.port == nil)
    }

    // MARK: Senders

    private static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `the kernel is asked once about a sender that is refused, and again a second later`() {
        var memory = SenderMemory<Int>()
        #expect(memory.mayAsk(about: 1, isKnown: false, now: Self.at(0)) == true)
        memory.refused(1)
        for millisecond in [0, 1, 500, 999] {
            #expect(memory.mayAsk(about: 1, isKnown: false, now: Self.at(millisecond)) == false)
            // One that was admitted before, whose port has another owner now.
            #expect(memory.mayAsk(about: 1, isKnown: true, now: Self.at(millisecond)) == false)
            #expect(memory.mayAsk(about: 2, isKnown: false, now: Self.at(millisecond)) == true)
        }
        #expect(memory.mayAsk(about: 1, isKnown: false, now: Self.at(1000)) == true)
    }

    @Test func `a flood of senders costs a bounded number of questions, and those who are known are asked about still`() {
        var memory = SenderMemory<Int>()
        var asked = 0
        for sender in 0..<100_000 where memory.mayAsk(about: sender, isKnown: false, now: Self.at(sender / 1000)) {
            asked += 1
            memory.refused(sender)
        }
        #expect(asked == SenderMemory<Int>.questions)
        #expect(memory.mayAsk(about: -1, isKnown: true, now: Self.at(100)) == true)
        #expect(memory.mayAsk(about: -2, isKnown: false, now: Self.at(1000)) == true)
    }
}
