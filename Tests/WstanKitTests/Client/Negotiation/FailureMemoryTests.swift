import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct FailureMemoryTests {
    private static let start = Instant(nanoseconds: 1)

    private static func name(_ name: String, _ port: UInt16 = 443) -> Address { Address(host: .name(name), port: port) }

    private static let literal = Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 80)

    @Test func `only what has failed is remembered, by host and port`() {
        var memory = FailureMemory()
        #expect(memory.isEmpty && !memory.hasFailed(Self.name("a.test"), now: Self.start))
        memory.failed(Self.name("a.test"), .connection, now: Self.start)
        memory.failed(Self.literal, .connection, now: Self.start)
        #expect(memory.hasFailed(Self.name("a.test"), now: Self.start))
        #expect(memory.hasFailed(Self.literal, now: Self.start))
        #expect(!memory.hasFailed(Self.name("a.test", 80), now: Self.start))
        #expect(!memory.hasFailed(Self.name("b.test"), now: Self.start))
        #expect(!memory.hasFailed(Address(host: Self.literal.host, port: 81), now: Self.start))
    }

    @Test func `a name that could not be looked up fails with all of its ports`() {
        var memory = FailureMemory()
        memory.failed(Self.name("a.test"), .lookUp, now: Self.start)
        #expect(memory.hasFailed(Self.name("a.test", 22), now: Self.start))
        #expect(!memory.hasFailed(Self.name("b.test"), now: Self.start))
        // Of an address no name was looked up, whatever a server says.
        memory.failed(Self.literal, .lookUp, now: Self.start)
        #expect(memory.hasFailed(Self.literal, now: Self.start))
        #expect(!memory.hasFailed(Address(host: Self.literal.host, port: 81), now: Self.start))
    }

    @Test(arguments: [FailureMemory.Cause.connection, .lookUp])
    func `names are the same in any case, and with the root's dot`(cause: FailureMemory.Cause) {
        var memory = FailureMemory()
        memory.failed(Self.name("A.Test."), cause, now: Self.start)
        for name in ["a.test", "A.TEST", "a.test."] { #expect(memory.hasFailed(Self.name(name), now: Self.start)) }
        memory.succeeded(Self.name("a.tesT"))
        #expect(memory.isEmpty)
    }

    @Test func `without a tunnel every target fails, until one answers`() {
        var memory = FailureMemory()
        memory.failed(Self.name("a.test"), .server, now: Self.start)
        #expect(memory.hasFailed(Self.name("b.test"), now: Self.start))
        #expect(memory.hasFailed(Self.literal, now: Self.start))
        memory.succeeded(Self.name("b.test"))
        #expect(memory.isEmpty)
    }

    @Test func `a success forgets what stands against that target only`() {
        var memory = FailureMemory()
        memory.failed(Self.name("a.test"), .lookUp, now: Self.start)
        memory.failed(Self.name("a.test"), .connection, now: Self.start)
        memory.failed(Self.name("b.test"), .connection, now: Self.start)
        memory.succeeded(Self.name("a.test"))
        #expect(!memory.hasFailed(Self.name("a.test"), now: Self.start))
        #expect(memory.hasFailed(Self.name("b.test"), now: Self.start))
    }

    @Test func `an entry expires, and another failure renews it`() {
        var memory = FailureMemory()
        let half = ClientLimits.failureMemory / 2
        memory.failed(Self.literal, .connection, now: Self.start)
        #expect(memory.hasFailed(Self.literal, now: Self.start + half))
        #expect(!memory.hasFailed(Self.literal, now: Self.start + half + half))
        memory.failed(Self.literal, .connection, now: Self.start + half)
        #expect(memory.hasFailed(Self.literal, now: Self.start + half + half))
        #expect(!memory.hasFailed(Self.literal, now: Self.start + half + half + half))
    }

    @Test func `it is bounded, and the oldest goes first`() {
        var memory = FailureMemory()
        func target(_ number: Int) -> Address { Self.name("n\(number).test") }
        let count = ClientLimits.rememberedFailures
        for number in 0..<count + 10 {
            memory.failed(target(number), .connection, now: Self.start + .milliseconds(number))
        }
        let now = Self.start + .milliseconds(count + 10)
        let remembered = (0..<count + 10).filter { memory.hasFailed(target($0), now: now) }
        #expect(remembered == Array(10..<count + 10))
        // What has expired makes room before what has not.
        let late = Self.start + .milliseconds(count) + ClientLimits.failureMemory
        memory.failed(target(count + 10), .connection, now: late)
        #expect((count + 1..<count + 11).allSatisfy { memory.hasFailed(target($0), now: late) })
    }

    @Test func `what a server says decides between a name and a target`() {
        let target = Self.name("a.test")
        func cause(_ detail: String) -> FailureMemory.Cause { FailureMemory.Cause(.unreachable(target, detail)) }
        for failure in Resolver.Failure.allCases {
            let isOfName = [.notFound, .unavailable, .timedOut].contains(failure)
            #expect(cause("\(Connector.Failure.lookUp(failure))") == (isOfName ? .lookUp : .connection), "\(failure)")
        }
        #expect(cause("[Errno -2] Name or service not known") == .lookUp)
        #expect(cause("[Errno 111] Connect call failed ('127.0.0.1', 1)") == .connection)
        #expect(cause("") == .connection)
        #expect(FailureMemory.Cause(.forbidden(key: "deny")) == .connection)
        #expect(FailureMemory.Cause(Reset(reason: "?")) == .connection)
    }
}
