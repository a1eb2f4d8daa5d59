import Glibc
import Synchronization
import Testing

@testable import WstanBase
@testable import WstanCore

/// What is known of reaching a server, and when an administrator is told.
@Suite struct ServerLinkTests {
    private static let refused = DialFailure.unreachable(.connect(SystemError(call: "connect", code: ECONNREFUSED)))

    private static let closed = DialFailure.closed(usesTLS: false)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `a server that was lost is told of once, and once when it is back`() {
        var link = ServerLink()
        #expect(link.state == .untried && link.lastSuccess == nil)
        #expect(link.succeeded(Self.at(1)) == nil)
        #expect(link.succeeded(Self.at(2)) == nil)
        #expect(link.state == .reached(since: Self.at(1)))
        #expect(link.failed(Self.refused, Self.at(10)) == .lost(Self.refused))
        #expect(link.failed(Self.refused, Self.at(20)) == nil)
        #expect(link.state == .lost(since: Self.at(10), Self.refused))
        #expect((link.lastSuccess, link.lastFailure) == (Self.at(2), Self.at(20)))
        #expect(link.succeeded(Self.at(40)) == .back(after: .seconds(30)))
        #expect(link.state == .reached(since: Self.at(40)))
        #expect(link.succeeded(Self.at(41)) == nil)
    }

    @Test func `another cause is told of, and the time counts from the first`() {
        var link = ServerLink()
        #expect(link.failed(Self.refused, Self.at(1)) == .lost(Self.refused))
        let other = DialFailure.timedOut
        #expect(link.failed(.at(Address(host: .name("h"), port: 1), other), Self.at(5)) == .lost(other))
        #expect(link.state == .lost(since: Self.at(1), other))
        #expect(link.failed(other, Self.at(9)) == nil)
    }

    /// After its BYE a server answers the key as any other request, and the cause became "compare the key".
    @Test func `a key that the server calls revoked is that until a tunnel is open again`() {
        var link = ServerLink()
        _ = link.succeeded(Self.at(1))
        let (key, revoked) = (KeyID(value: 7), DialFailure.dismissed(.keyRevoked))
        #expect(link.revoked(key, Self.at(2)) == .lost(revoked))
        #expect(link.revoked(key, Self.at(3)) == nil)
        #expect(link.revokedKey == key && link.state == .lost(since: Self.at(2), revoked))
        #expect(link.failed(Self.closed, Self.at(4)) == .lost(Self.closed))
        #expect(link.revokedKey == key)
        #expect(link.succeeded(Self.at(5)) == .back(after: .seconds(3)))
        #expect(link.revokedKey == nil)
    }

    @Test func `the end of a key is news, and no longer told when the key is revoked`() throws {
        func term(endingAt end: UInt64? = nil, flags: UInt8 = 0) -> KeyTerm? {
            var options = Options()
            if let end { options.set(.expiry, integer: end) }
            return KeyTerm(ReplyPayload(time: WireTime(milliseconds: 0), cipher: 1, flags: flags, options: options))
        }
        #expect(term() == nil && term(flags: 0xfe) == nil)
        let replaced = try #require(term(flags: 1))
        #expect(replaced.isReplaced && replaced.end == nil)
        let ending = try #require(term(endingAt: 7))
        #expect(!ending.isReplaced && ending.end == CalendarTime(microseconds: 7000))
        #expect(term(endingAt: .max)?.end == CalendarTime(microseconds: .max))

        let told = Mutex(0)
        let links = ServerLinks { told.withLock { $0 += 1 } }
        links.begin(1, firstMark: 0)
        for each in [replaced, replaced, ending, nil] {
            _ = links.update(0) { link in
                link.keyTerm = each
                return nil
            }
        }
        #expect(told.withLock { $0 } == 3)
        var link = ServerLink()
        link.keyTerm = ending
        _ = link.revoked(KeyID(value: 7), Self.at(1))
        #expect(link.keyTerm == nil)
    }

    @Test func `servers are lost when the last try with each has failed`() {
        let links = ServerLinks()
        #expect(!links.areLost)
        links.begin(2, firstMark: 0)
        _ = fail(links, 0, Self.at(1))
        #expect(!links.areLost)
        _ = fail(links, 1, Self.at(2))
        #expect(links.areLost)
        _ = links.update(0) { $0.succeeded(Self.at(3)) }
        #expect(!links.areLost)
    }

    @Test func `resets count when as many came as are tried again`() {
        var link = ServerLink()
        _ = link.succeeded(Self.at(0))
        for _ in 0..<ClientLimits.retries { #expect(link.failed(.reset, Self.at(1)) == nil) }
        #expect(link.state == .reached(since: Self.at(0)))
        #expect(link.failed(.reset, Self.at(2)) == .lost(.reset))
        _ = link.succeeded(Self.at(3))
        #expect(link.failed(.reset, Self.at(4)) == nil)
    }

    @Test func `a refused idle tunnel is a doubt, unless connections succeed`() {
        let refusal = DialFailure.refused(status: 404)
        var link = ServerLink()
        #expect(link.refusedIdle(refusal, Self.at(1)) == .doubted(refusal))
        #expect(link.refusedIdle(refusal, Self.at(2)) == nil)
        #expect(link.state == .doubtful(since: Self.at(1), refusal))
        #expect(ServerReport(link: link, isHeard: true).standing == .unknown(refusal))
        #expect(link.succeeded(Self.at(3)) == nil)
        #expect(link.refusedIdle(refusal, Self.at(4)) == nil)
        #expect(link.state == .reached(since: Self.at(3)))
        #expect(link.failed(refusal, Self.at(5)) == .lost(refusal))
        #expect(link.refusedIdle(refusal, Self.at(6)) == .doubted(refusal))
        #expect(link.state == .doubtful(since: Self.at(6), refusal))
        // It was told to be lost, and a doubt is no return.
        #expect(link.succeeded(Self.at(7)) == .back(after: .seconds(2)))
    }

    @Test func `one that takes connections again is unknown, but not one that answered wrongly`() {
        var link = ServerLink()
        _ = link.failed(Self.refused, Self.at(1))
        link.answered()
        #expect(link.state == .untried)
        #expect(link.succeeded(Self.at(2)) == .back(after: .seconds(1)))
        _ = link.failed(.refused(status: 404), Self.at(3))
        link.answered()
        #expect(link.state == .lost(since: Self.at(3), .refused(status: 404)))
    }

    @Test func `reachable is only what was heard of lately`() {
        var link = ServerLink()
        #expect(ServerReport(link: link).standing == .unknown(nil))
        _ = link.succeeded(certificateEnd: 7, Self.at(1))
        #expect(link.certificateEnd == 7)
        #expect(ServerReport(link: link).standing == .unknown(nil))
        #expect(ServerReport(link: link, isHeard: true).standing == .reachable(since: Self.at(1)))
        _ = link.failed(Self.closed, Self.at(2))
        #expect(ServerReport(link: link, isHeard: true).standing == .unreachable(since: Self.at(2), Self.closed))
    }

    @Test func `the last sign of life never goes back, also when tunnels end`() {
        var link = ServerLink()
        _ = link.succeeded(Self.at(1))
        #expect(ServerReport(link: link, lastHeard: Self.at(9)).lastSuccess == Self.at(9))
        link.heard(Self.at(9))
        #expect(ServerReport(link: link).lastSuccess == Self.at(9))
        link.heard(Self.at(4))
        #expect(ServerReport(link: link).lastSuccess == Self.at(9))
        // It says nothing of the state.
        #expect(link.state == .reached(since: Self.at(1)) && link.lastSuccess == Self.at(1))
    }

    @Test func `reports of two workers make one`() {
        var link = ServerLink()
        _ = link.succeeded(Self.at(1))
        let one = ServerReport(
            link: link, isUsed: true, tunnels: 1, lastHeard: Self.at(5), isHeard: false, roundTrip: .milliseconds(9))
        let other = ServerReport(link: link, tunnels: 2, lastHeard: Self.at(3), isHeard: true, roundTrip: nil)
        let both = one + other
        #expect(both == other + one)
        #expect(both.isUsed && both.isHeard && both.tunnels == 3)
        #expect(both.lastSuccess == Self.at(5) && both.roundTrip == .milliseconds(9))
    }

    private func fail(_ links: ServerLinks, _ mark: Int, _ now: Instant) -> ServerLink.Change? {
        links.update(mark) { $0.failed(Self.closed, now) }
    }

    @Test func `what a worker says of a former configuration changes nothing`() {
        let links = ServerLinks()
        links.begin(2, firstMark: 0)
        #expect(fail(links, 1, Self.at(1)) == .lost(Self.closed))
        // The second worker says the same.
        links.begin(2, firstMark: 0)
        #expect(links.link(1).lastFailure == Self.at(1))
        links.begin(1, firstMark: 2)
        #expect(fail(links, 1, Self.at(2)) == nil)
        #expect(links.link(2).state == .untried && links.link(1).state == .untried)
        links.begin(2, firstMark: 0)
        #expect(fail(links, 2, Self.at(3)) == .lost(Self.closed))
    }

    @Test func `what a status line would show is told when it changes, and no success more than once`() {
        let told = Mutex(0)
        let links = ServerLinks { told.withLock { $0 += 1 } }
        func count() -> Int { told.withLock { $0 } }
        links.begin(1, firstMark: 0)
        for time in 1...3 { _ = links.update(0) { $0.succeeded(Self.at(time)) } }
        #expect(count() == 1)
        for time in 4...6 { _ = fail(links, 0, Self.at(time)) }
        #expect(count() == 2)
        _ = links.update(0) { $0.failed(.timedOut, Self.at(7)) }
        #expect(count() == 3)
        _ = links.update(0) { $0.succeeded(Self.at(8)) }
        #expect(count() == 4)
    }
}

/// Whether a server takes requests for idle tunnels.
@Suite struct EmptyRequestSupportTests {
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `one in doubt is asked again, with pauses that grow up to five minutes`() {
        var support = EmptyRequestSupport()
        support.tookEmpty()
        #expect(support.isAble)
        var now = 0
        for pause in [30, 60, 120, 240, 300, 300] {
            #expect(support.refusedEmpty(isClear: true, now: Self.at(now)) == true)
            #expect(!support.isAble)
            // A second tunnel that was asked for at the same time makes no difference.
            #expect(support.refusedEmpty(isClear: true, now: Self.at(now)) == true)
            #expect(support.asking(now: Self.at(now + pause - 1)) == .no)
            #expect(support.nextTry == Self.at(now + pause))
            now += pause
            #expect(support.asking(now: Self.at(now)) == .once)
        }
        support.tookEmpty()
        #expect(support.asking(now: Self.at(now)) == .freely && support.nextTry == nil)
    }

    /// A client with the right key at last opened nothing ahead until the pause was over.
    @Test func `another key is asked with at once, unless the server does not know the request`() {
        var support = EmptyRequestSupport()
        #expect(support.refusedEmpty(isClear: true, now: Self.at(0)) == true)
        #expect(support.asking(now: Self.at(1)) == .no)
        support.keyChanged()
        #expect(support.asking(now: Self.at(1)) == .once)
        #expect(support.refusedEmpty(isClear: true, now: Self.at(1)) == true)
        support.tookRequest()
        #expect(support.refusedEmpty(isClear: true, now: Self.at(2)) == true)
        support.keyChanged()
        #expect(support.asking(now: Self.at(3)) == .notBefore(Self.at(2) + EmptyRequestSupport.retry))
    }
}
