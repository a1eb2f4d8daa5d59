import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct Socks5ClientTests {
    private static var method: ReaderContract<UInt8> { ReaderContract(read: Socks5Client.readMethod) }
    private static var status: ReaderContract<Bool> { ReaderContract(read: Socks5Client.readAuthenticationStatus) }
    private static var reply: ReaderContract<Bool> { ReaderContract(read: Socks5Client.readReply) }

    private static func failure<Value>(
        _ read: (inout ByteReader) throws(Socks5Client.Failure) -> Value?, _ bytes: [UInt8]
    ) -> Socks5Client.Failure? {
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            do throws(Socks5Client.Failure) {
                _ = try read(&reader)
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func `what is sent is what the RFCs say`() throws {
        #expect(Socks5Client.greeting(offeringPassword: false) == [5, 1, 0])
        #expect(Socks5Client.greeting(offeringPassword: true) == [5, 2, 0, 2])
        let credentials = try #require(Socks5Client.Credentials(user: [65, 66], password: [99]))
        #expect(Socks5Client.authentication(credentials) == [1, 2, 65, 66, 1, 99])
        let name = Address(host: .name("a.b"), port: 443)
        #expect(Socks5Client.request(connectTo: name) == [5, 1, 0, 3, 3, 97, 46, 98, 1, 187])
        let address = try #require(Address(authority: "127.0.0.1:80"))
        #expect(Socks5Client.request(connectTo: address) == [5, 1, 0, 1, 127, 0, 0, 1, 0, 80])
    }

    @Test func `our own proxy's reader understands what is sent`() throws {
        for text in ["192.0.2.1:80", "[2001:db8::1]:443", "example.com:65535"] {
            let target = try #require(Address(authority: text))
            let request = try Socks5Client.request(connectTo: target).withBytes {
                (bytes) throws(Socks5.Failure) -> Socks5.Request? in
                var reader = ByteReader(bytes)
                return try Socks5.readRequest(&reader)
            }
            #expect(request == Socks5.Request(command: 1, target: target))
        }
    }

    @Test func `credentials are only what a byte can count, and a name is not empty`() {
        let long = [UInt8](repeating: 65, count: 256)
        #expect(Socks5Client.Credentials(user: [], password: [1]) == nil)
        #expect(Socks5Client.Credentials(user: long, password: []) == nil)
        #expect(Socks5Client.Credentials(user: [1], password: long) == nil)
        #expect(Socks5Client.Credentials(user: Array(long.dropLast()), password: Array(long.dropLast())) != nil)
        #expect(Socks5Client.Credentials(user: [1], password: []) != nil)
    }

    @Test func `methods and states are read`() {
        Self.method.expect(0, from: [5, 0])
        Self.method.expect(2, from: [5, 2])
        Self.status.expect(true, from: [1, 0])
        // Proxies are known that put SOCKS's version there.
        Self.status.expect(true, from: [5, 0])
        #expect(Self.failure(Socks5Client.readMethod, [5, 255]) == .noMethod)
        #expect(Self.failure(Socks5Client.readMethod, [4]) == .malformed)
        #expect(Self.failure(Socks5Client.readMethod, Array("HTTP/1.1 400".utf8)) == .malformed)
        #expect(Self.failure(Socks5Client.readAuthenticationStatus, [1, 1]) == .wrongCredentials)
    }

    @Test func `a reply is read up to its end, whatever kind of address it tells`() {
        Self.reply.expect(true, from: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        Self.reply.expect(true, from: [5, 0, 0, 4] + Array(repeating: 7, count: 18))
        Self.reply.expect(true, from: [5, 0, 0, 3, 2, 97, 98, 0, 80])
        Self.reply.expect(true, from: [5, 0, 0, 3, 0, 0, 80])
        #expect(Self.failure(Socks5Client.readReply, [5, 0, 0, 2]) == .malformed)
        #expect(Self.failure(Socks5Client.readReply, [4, 0]) == .malformed)
    }

    @Test func `a refusal needs nothing behind its code`() {
        for code in UInt8(1)...UInt8.max { #expect(Self.failure(Socks5Client.readReply, [5, code]) == .refused(code)) }
    }
}

@Suite struct Socks5ClientMachineTests {
    private typealias Action = Socks5ClientMachine.Action
    private static let target = Address(host: .name("a.b"), port: 443)
    private static let request: [UInt8] = [5, 1, 0, 3, 3, 97, 46, 98, 1, 187]
    private static let success: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

    /// Gives the machine bytes in pieces of this size and gathers what it wants sent.
    private static func outcome(
        of machine: Socks5ClientMachine, _ bytes: [UInt8], by size: Int
    ) throws(Socks5Client.Failure) -> (sent: [[UInt8]], passed: Bool, rest: Int) {
        var machine = machine
        var held: [UInt8] = []
        var sent: [[UInt8]] = []
        var passed = false
        for start in stride(from: 0, to: bytes.count, by: size) {
            held += bytes[start..<min(bytes.count, start + size)]
            turns: while !passed {
                var used = 0
                let action = try held.withBytes { (bytes) throws(Socks5Client.Failure) -> Action in
                    var reader = ByteReader(bytes)
                    defer { used = reader.position }
                    return try machine.received(&reader)
                }
                held.removeFirst(used)
                switch action {
                case .send(let bytes): sent.append(bytes)
                case .waitForMore: break turns
                case .pass: passed = true
                }
            }
        }
        return (sent, passed, held.count)
    }

    private static func credentials() throws -> Socks5Client.Credentials {
        try #require(Socks5Client.Credentials(user: [65], password: [66]))
    }

    @Test(arguments: [1, 2, 3, 100]) func `a proxy for everybody is asked at once`(size: Int) throws {
        for credentials in [nil, try Self.credentials()] {
            let machine = Socks5ClientMachine(to: Self.target, credentials)
            let outcome = try Self.outcome(of: machine, [5, 0] + Self.success, by: size)
            #expect(outcome.sent == [Self.request])
            #expect(outcome.passed && outcome.rest == 0)
        }
    }

    @Test(arguments: [1, 2, 3, 100]) func `name and password go first where they are wanted`(size: Int) throws {
        let machine = Socks5ClientMachine(to: Self.target, try Self.credentials())
        #expect(machine.greeting == [5, 2, 0, 2])
        let outcome = try Self.outcome(of: machine, [5, 2, 1, 0] + Self.success + [9, 9], by: size)
        #expect(outcome.sent == [[1, 1, 65, 1, 66], Self.request])
        #expect(outcome.passed)
        if size == 100 { #expect(outcome.rest == 2) }
    }

    @Test func `a method that was not on offer is no SOCKS5`() throws {
        for method in UInt8.min..<UInt8.max where method != 0 {
            #expect(throws: Socks5Client.Failure.malformed) {
                try Self.outcome(of: Socks5ClientMachine(to: Self.target, nil), [5, method], by: 9)
            }
            guard method != 2 else { continue }
            let machine = Socks5ClientMachine(to: Self.target, try Self.credentials())
            #expect(throws: Socks5Client.Failure.malformed) { try Self.outcome(of: machine, [5, method], by: 9) }
        }
    }

    @Test func `each no has its failure`() throws {
        let machine = Socks5ClientMachine(to: Self.target, try Self.credentials())
        #expect(throws: Socks5Client.Failure.noMethod) { try Self.outcome(of: machine, [5, 255], by: 9) }
        #expect(throws: Socks5Client.Failure.wrongCredentials) { try Self.outcome(of: machine, [5, 2, 1, 9], by: 9) }
        #expect(throws: Socks5Client.Failure.refused(5)) { try Self.outcome(of: machine, [5, 0, 5, 5], by: 9) }
    }
}
