import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RequestClockTests {
    private static let now = 1_795_000_000.25

    @Test(arguments: [0, 0.3, 1.0.nextDown]) func `no two times are alike, of one instant or of several`(lag: Double) {
        let clock = RequestClock(lag: lag)
        var times: Set<Double> = []
        for step in 0..<100_000 {
            // Some instants are asked often, and some lie before the one before.
            let time = clock.next(now: Self.now + Double((step / 1000 * 7) % 13) / 100)
            #expect(times.insert(time).inserted)
            if !(Self.now - 1 <= time && time <= Self.now + 0.2) { Issue.record("\(time)") }
        }
    }

    @Test func `a clock that was set is followed, forth and back`() {
        let clock = RequestClock(lag: 0.5)
        for now in [Self.now, Self.now + 3600, Self.now, Self.now - 3600] { #expect(clock.next(now: now) == now - 0.5) }
    }

    @Test func `workers that ask at once get different times`() async {
        let clock = RequestClock(lag: 0)
        let times = await withTaskGroup(of: [Double].self) { group in
            for _ in 0..<4 { group.addTask { (0..<10_000).map { _ in clock.next(now: Self.now) } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(times).count == 40_000)
    }
}
