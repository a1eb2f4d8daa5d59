import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ToldFailureTests {
    private static let target = Address(host: .name("db.corp.example"), port: 80)
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func at(_ milliseconds: Int) -> Instant { start + .milliseconds(milliseconds) }

    @Test(arguments: [Resolver.Failure.notFound, .unavailable, .timedOut])
    func `a name that leads to what is forbidden is told like one that does not`(failure: Resolver.Failure) {
        let hidden = ToldFailure(.leadsToForbidden(key: "allow-private", told: failure), of: Self.target)
        let missing = ToldFailure(.lookUp(failure), of: Self.target)
        #expect(hidden.reset == missing.reset)
        #expect(hidden.reset.forbiddingKey == nil)
        for time in [0, 1, 99, 100, 101, 5000] {
            #expect(
                hidden.time(since: Self.start, now: Self.at(time)) == missing.time(since: Self.start, now: Self.at(time)))
        }
        #expect(Connector.Failure.leadsToForbidden(key: "deny", told: failure).forbiddingKey == "deny")
    }

    @Test func `what came of a look-up is told at the first of a few times that is not over`() {
        let told = ToldFailure(.lookUp(.notFound), of: Self.target)
        let times = [0, 1, 100, 101, 200, 399, 401, 800].map { told.time(since: Self.start, now: Self.at($0)) }
        #expect(times == [100, 100, 100, 200, 200, 400, 800, 800].map { Self.at($0) })
        #expect(told.time(since: Self.start, now: Self.at(801)) == nil)
    }

    @Test func `what needs no look-up is told at once`() {
        let failures: [Connector.Failure] = [
            .forbidden(key: "deny"), .connect(SystemError(call: "connect", code: 111)), .lookUp(.tooMany),
            .lookUp(.timedOut),
        ]
        for failure in failures {
            #expect(ToldFailure(failure, of: Self.target).time(since: Self.start, now: Self.at(7)) == nil)
        }
        #expect(ToldFailure(failures[0], of: Self.target).reset.forbiddingKey == "deny")
    }
}
