import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct IdleClockTests {
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    private static func clock() -> IdleClock { IdleClock(patience: .seconds(60), now: at(0)) }

    @Test func `what does not move is over in time`() {
        var clock = Self.clock()
        let first = clock.look(now: Self.at(0), lastMoved: Self.at(0), waiting: 0)
        let second = clock.look(now: Self.at(59), lastMoved: Self.at(0), waiting: 0)
        let third = clock.look(now: Self.at(60), lastMoved: Self.at(0), waiting: 0)
        #expect([first, second] == [.wait(until: Self.at(60)), .wait(until: Self.at(60))])
        #expect(third == .over)
    }

    @Test func `every movement gives it as long again`() {
        var clock = Self.clock()
        for time in stride(from: 60, to: 600, by: 60) {
            let action = clock.look(now: Self.at(time), lastMoved: Self.at(time - 1), waiting: 0)
            #expect(action == .wait(until: Self.at(time + 59)))
        }
    }

    /// Nobody sends, but a slow reader takes what is held for him.
    @Test func `bytes that leave count as movement, bytes that lie do not`() {
        var clock = Self.clock()
        var actions: [IdleClock.Action] = []
        for (time, waiting) in [(60, 9000), (120, 8000), (180, 8000)] {
            actions.append(clock.look(now: Self.at(time), lastMoved: Self.at(0), waiting: waiting))
        }
        #expect(actions == [.wait(until: Self.at(120)), .wait(until: Self.at(180)), .over])
    }

    @Test func `a time that is older than what is known means nothing`() {
        var clock = Self.clock()
        _ = clock.look(now: Self.at(50), lastMoved: Self.at(40), waiting: 0)
        let action = clock.look(now: Self.at(99), lastMoved: Self.at(10), waiting: 0)
        #expect(action == .wait(until: Self.at(100)))
    }
}
