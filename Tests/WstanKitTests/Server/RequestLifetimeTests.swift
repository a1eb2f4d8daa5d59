import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RequestLifetimeTests {
    @Test func `a shorter one holds at once, a longer one for what is made after it`() {
        var lifetime = RequestLifetime(60, now: 1000)
        #expect(lifetime.of(requestAt: 0) == 60 && lifetime.shortest(at: 1000) == 60)
        lifetime.apply(600, now: 2000)
        #expect([1900, 2000, 2600].map { lifetime.of(requestAt: $0) } == [60, 60, 60])
        #expect(lifetime.of(requestAt: 2601) == 600)
        lifetime.apply(10, now: 2700)
        #expect(lifetime.of(requestAt: 0) == 10 && lifetime.of(requestAt: 5000) == 10 && lifetime.shortest(at: 2700) == 10)
    }

    @Test func `the shortest of several counts until nothing of its time is left`() {
        var lifetime = RequestLifetime(60, now: 0)
        lifetime.apply(600, now: 1000)
        lifetime.apply(3600, now: 1100)
        #expect(lifetime.of(requestAt: 1050) == 60 && lifetime.shortest(at: 1100) == 60)
        #expect(lifetime.of(requestAt: 4700) == 60 && lifetime.of(requestAt: 4701) == 3600)
        #expect(lifetime.shortest(at: 8300) == 60 && lifetime.shortest(at: 8301) == 3600)
    }

    /// What it accepted may bear a time that is still to come.
    @Test func `the longest of several counts until the times of its requests have come`() {
        var lifetime = RequestLifetime(600, now: 0)
        #expect(lifetime.longest(at: 0) == 600 && lifetime.longest(at: 9000) == 600)
        lifetime.apply(60, now: 1000)
        lifetime.apply(30, now: 1100)
        #expect(lifetime.longest(at: 1600) == 600 && lifetime.longest(at: 1601) == 30)
        lifetime.apply(3600, now: 1200)
        #expect(lifetime.longest(at: 1200) == 3600 && lifetime.shortest(at: 1200) == 30)
        let next = RequestLifetime(30, succeeding: 60, longest: 600, now: 1000)
        #expect(next.shortest(at: 1000) == 30)
        #expect(next.longest(at: 1600) == 600 && next.longest(at: 1601) == 30)
        #expect(RequestLifetime(30, succeeding: 30, now: 1000).longest(at: 1000) == 30)
    }

    @Test(arguments: [nil, 60.0, 600])
    func `a former process's shorter one counts`(former: Double?) {
        let lifetime = RequestLifetime(600, succeeding: former, now: 1000)
        #expect(lifetime.of(requestAt: 1000) == min(600, former ?? 600))
        #expect(lifetime.of(requestAt: 1601) == 600)
    }
}
