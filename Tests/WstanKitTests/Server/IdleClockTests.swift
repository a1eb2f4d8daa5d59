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

    // MARK: Half-closed connections

    /// When a connection that has been half-closed at the given second, and silent since, is over.
    private static func end(patience: Duration, halfClosed second: Int) -> Int? {
        var clock = IdleClock(patience: patience, now: at(0)).halfClosed(now: at(second))
        for now in stride(from: second, through: second + 7200, by: 1)
        where clock.look(now: at(now), lastMoved: at(0), waiting: 0) == .over { return now - second }
        return nil
    }

    @Test func `without a limit only a half-closed connection ends, an hour after it last moved`() {
        var open = IdleClock(patience: .zero, now: Self.at(0))
        let action = open.look(now: Self.at(1_000_000), lastMoved: Self.at(0), waiting: 0)
        #expect(action == .rest)
        // It was silent for long before: its end is a movement.
        for second in [0, 50_000] { #expect(Self.end(patience: .zero, halfClosed: second) == 3600) }
        #expect(Self.end(patience: .seconds(60), halfClosed: 30) == 60)
        #expect(Self.end(patience: .seconds(86_400), halfClosed: 30) == 3600)
    }

    @Test func `what the open direction still carries keeps a half-closed connection`() {
        var clock = IdleClock(patience: .zero, now: Self.at(0)).halfClosed(now: Self.at(10))
        for time in stride(from: 3610, to: 36_000, by: 3600) {
            let action = clock.look(now: Self.at(time), lastMoved: Self.at(time - 1), waiting: 0)
            #expect(action == .wait(until: Self.at(time + 3599)))
        }
    }
}
