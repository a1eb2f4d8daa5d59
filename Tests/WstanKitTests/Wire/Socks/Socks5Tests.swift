import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct Socks5Tests {
    private static var greeting: ReaderContract<[UInt8]> { ReaderContract(read: Socks5.readGreeting) }
    private static var request: ReaderContract<Socks5.Request> { ReaderContract(read: Socks5.readRequest) }

    @Test func `greetings offer any number of methods`() {
        for count in [0, 1, 2, 255] {
            let methods = (0..<count).map { UInt8($0) }
            Self.greeting.expect(methods, from: [5, UInt8(count)] + methods)
        }
    }

    @Test func `only version 5 is version 5`() {
        for version in UInt8.min...UInt8.max where version != 5 {
            #expect(Self.greeting.outcome([version]) == .malformed(position: 0))
            #expect(Self.request.outcome([version]) == .malformed(position: 0))
        }
    }

    @Test func `requests of every kind of target come back, the command as it came`() throws {
        for text in ["192.0.2.1:80", "[2001:db8::1]:443", "example.com:65535"] {
            let target = try #require(Address(authority: text))
            var bytes: [UInt8] = []
            target.encode(into: &bytes)
            for command in [0, 1, 2, 3, 255] as [UInt8] {
                Self.request.expect(Socks5.Request(command: command, target: target), from: [5, command] + bytes)
            }
        }
    }

    @Test func `a target that cannot be one is malformed`() {
        for address in [[1], [0, 2], [0, 0], [0, 5], [0, 3, 0], [0, 3, 1, 0x20, 0, 80]] as [[UInt8]] {
            #expect(Self.request.outcome([5, 1] + address) == .malformed(position: 0))
        }
    }

    @Test func `mutated messages neither trap nor move the reader`() {
        var random = SeededRandomness(seed: 23)
        let request: [UInt8] = [5, 1, 0, 3, 11] + Array("example.com".utf8) + [1, 187]
        for _ in 0..<10_000 {
            Self.request.expectCalm(Mutation.of(request, &random))
            Self.greeting.expectCalm(Mutation.of([5, 3, 0, 1, 2], &random))
        }
    }

    @Test func `answers have the form of RFC 1928`() {
        #expect(Socks5.methodSelection(Socks5.Method.none) == [5, 0])
        #expect(Socks5.methodSelection(Socks5.Method.notAcceptable) == [5, 0xff])
        #expect(Socks5.reply(.succeeded) == [5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        #expect(Socks5.reply(.connectionRefused)[1] == 5)
    }
}
