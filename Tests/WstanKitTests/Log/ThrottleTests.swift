import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ThrottleTests {
    private static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 5_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `one a second goes through, with the count of those kept back`() {
        let throttle = Throttle()
        #expect(throttle.allows("dial", now: Self.at(0)) == 0)
        for time in [0, 1, 500, 999] { #expect(throttle.allows("dial", now: Self.at(time)) == nil) }
        #expect(throttle.allows("dial", now: Self.at(1000)) == 4)
        #expect(throttle.allows("dial", now: Self.at(1500)) == nil)
        #expect(throttle.allows("dial", now: Self.at(90_000)) == 1)
        #expect(throttle.allows("dial", now: Self.at(100_000)) == 0)
    }

    @Test func `the kinds do not hold each other back`() {
        let throttle = Throttle()
        for kind in ["accept", "dial", "expired"] { #expect(throttle.allows(kind, now: Self.at(0)) == 0) }
        for kind in ["accept", "dial", "expired"] { #expect(throttle.allows(kind, now: Self.at(1)) == nil) }
    }

    @Test func `an instant before the last one is no reason to speak`() {
        let throttle = Throttle()
        #expect(throttle.allows("accept", now: Self.at(5000)) == 0)
        #expect(throttle.allows("accept", now: Self.at(0)) == nil)
        #expect(throttle.allows("accept", now: Self.at(6000)) == 1)
    }

    @Test func `workers that speak at once are counted exactly`() async {
        let throttle = Throttle()
        let said = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<1000).count { _ in throttle.allows("accept", now: Self.at(0)) != nil } }
            }
            return await group.reduce(0, +)
        }
        #expect(said == 1)
        #expect(throttle.allows("accept", now: Self.at(1000)) == 3999)
    }
}
