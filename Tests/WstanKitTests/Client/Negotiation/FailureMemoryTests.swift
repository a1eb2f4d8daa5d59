import Glibc
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

    @Test func `the outcome of a try that was granted is owed to the next one, once`() {
        var memory = FailureMemory()
        let outcome = Reset.unreachable(Self.literal, "[Errno 111] Connect call failed")
        memory.failed(Self.literal, .connection, now: Self.start)
        #expect(memory.takeOwed(Self.literal, now: Self.start) == nil)
        for tries in 1...3 {
            for _ in 0..<tries { memory.failedAfterGrant(Self.literal, outcome, now: Self.start) }
            for _ in 0..<tries { #expect(memory.takeOwed(Self.literal, now: Self.start) == outcome) }
            #expect(memory.takeOwed(Self.literal, now: Self.start) == nil)
        }
        #expect(memory.hasFailed(Self.literal, now: Self.start))
        #expect(memory.takeOwed(Address(host: Self.literal.host, port: 81), now: Self.start) == nil)
    }

    @Test func `what is owed expires, and is forgotten when the target answers`() {
        var memory = FailureMemory()
        let outcome = Reset.unreachable(Self.literal, "[Errno 111] Connect call failed")
        let late = Self.start + ClientLimits.owedOutcome
        memory.failedAfterGrant(Self.literal, outcome, now: Self.start)
        #expect(memory.takeOwed(Self.literal, now: late) == nil)
        // A failure that was told does not keep it.
        memory.failed(Self.literal, .connection, now: late)
        #expect(memory.takeOwed(Self.literal, now: late) == nil)
        memory.failedAfterGrant(Self.literal, outcome, now: late)
        #expect(memory.takeOwed(Self.literal, now: late) == outcome)
        #expect(memory.takeOwed(Self.literal, now: late) == nil, "nothing of what has expired is added")
        memory.failedAfterGrant(Self.literal, outcome, now: late)
        memory.succeeded(Self.literal)
        #expect(memory.takeOwed(Self.literal, now: late) == nil)
    }

    @Test func `of a name that could not be looked up it is owed to each port`() {
        var memory = FailureMemory()
        let outcome = Reset.unreachable(Self.name("a.test"), "\(Connector.Failure.lookUp(.notFound))")
        memory.failedAfterGrant(Self.name("a.test"), outcome, now: Self.start)
        #expect(memory.takeOwed(Self.name("A.test", 80), now: Self.start) == outcome)
        #expect(memory.takeOwed(Self.name("a.test"), now: Self.start) == nil)
    }

    @Test func `only what would fail again at once is owed`() {
        func isOwed(_ outcome: Reset) -> Bool {
            var memory = FailureMemory()
            memory.failedAfterGrant(Self.literal, outcome, now: Self.start)
            #expect(memory.hasFailed(Self.literal, now: Self.start))
            return memory.takeOwed(Self.literal, now: Self.start) == outcome
        }
        #expect(isOwed(.forbidden(key: "deny")))
        for failure in Resolver.Failure.allCases {
            let detail = "\(Connector.Failure.lookUp(failure))"
            #expect(isOwed(.unreachable(Self.literal, detail)) == (failure == .notFound), "\(failure)")
        }
        let codes: [Int32: Bool] = [
            ECONNREFUSED: true, ETIMEDOUT: true, ENETUNREACH: true, EHOSTUNREACH: true, ECONNRESET: false, EMFILE: false,
        ]
        for (code, lasts) in codes {
            let detail = "\(Connector.Failure.connect(SystemError(call: "connect", code: code)))"
            #expect(isOwed(.unreachable(Self.literal, detail)) == lasts, "\(detail)")
        }
        for text in ["", "?", "[Errno 111] " + String(repeating: "x", count: WireLimits.resetText)] {
            #expect(!isOwed(.unreachable(Self.literal, text)))
        }
        #expect(!isOwed(Reset(reason: "?")))
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
