import Testing

@testable import WstanCore

@Suite struct Socks5PasswordTests {
    private static var request: ReaderContract<Socks5Password.Request> {
        ReaderContract(read: Socks5Password.readRequest)
    }

    private static func bytes(_ name: [UInt8], _ password: [UInt8]) -> [UInt8] {
        [1, UInt8(name.count)] + name + [UInt8(password.count)] + password
    }

    @Test func `names and passwords of every length come back`() {
        let longest = [UInt8](repeating: 0xff, count: 255)
        for (name, password) in [([1], [2]), (longest, longest), ([], []), (Array("anna".utf8), [0, 58])]
            as [([UInt8], [UInt8])]
        {
            Self.request.expect(
                Socks5Password.Request(name: name, password: password), from: Self.bytes(name, password))
        }
    }

    @Test func `only version 1 is version 1`() {
        for version in UInt8.min...UInt8.max where version != 1 {
            #expect(Self.request.outcome([version]) == .malformed(position: 0))
        }
    }

    @Test func `mutated messages neither trap nor move the reader`() {
        var random = SeededRandomness(seed: 19)
        for _ in 0..<10_000 {
            Self.request.expectCalm(Mutation.of(Self.bytes(Array("anna".utf8), Array("secret".utf8)), &random))
        }
    }

    @Test func `answers have the form of RFC 1929`() {
        #expect(Socks5Password.accepted == [1, 0])
        #expect(Socks5Password.refused == [1, 1])
    }
}
