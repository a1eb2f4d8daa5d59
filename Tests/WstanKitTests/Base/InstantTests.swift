import Testing

@testable import WstanBase

@Suite struct InstantTests {
    @Test func `durations become nanoseconds, none below zero, none beyond 64 bits`() {
        #expect(Duration.zero.wholeNanoseconds == 0)
        #expect(Duration.nanoseconds(1).wholeNanoseconds == 1)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).wholeNanoseconds == 0)
        #expect(Duration.milliseconds(1500).wholeNanoseconds == 1_500_000_000)
        #expect(Duration.seconds(-1).wholeNanoseconds == 0)
        #expect(Duration.nanoseconds(-1).wholeNanoseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        // The seconds fit, and with the rest they do not.
        let edge = Duration.seconds(18_446_744_073)
        #expect((edge + .nanoseconds(709_551_615)).wholeNanoseconds == .max)
        #expect((edge + .nanoseconds(709_551_616)).wholeNanoseconds == .max)
        #expect((edge + .nanoseconds(709_551_614)).wholeNanoseconds == UInt64.max - 1)
        #expect(Duration.milliseconds(250).inSeconds == 0.25)
    }

    @Test func `sums end at the last instant and differences at zero`() {
        let instant = Instant(nanoseconds: 1000)
        #expect(instant + .nanoseconds(5) == Instant(nanoseconds: 1005))
        #expect(instant + .seconds(-5) == instant)
        #expect(instant + .seconds(Int64.max) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: .max) + .nanoseconds(1) == Instant(nanoseconds: .max))
        #expect(instant - Instant(nanoseconds: 400) == .nanoseconds(600))
        #expect(instant - Instant(nanoseconds: 2000) == .zero)
        #expect(Instant(nanoseconds: .max) - Instant(nanoseconds: 0) == .nanoseconds(Int64.max) * 2 + .nanoseconds(1))
        #expect(Instant(nanoseconds: 1) < Instant(nanoseconds: 2))
    }

    @Test func `the monotonic clock does not go back`() {
        let first = Instant.now()
        #expect(Instant.now() >= first)
        #expect(WallClock.now() > 1_700_000_000)
    }
}
