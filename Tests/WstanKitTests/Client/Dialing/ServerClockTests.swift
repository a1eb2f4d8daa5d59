import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ServerClockTests {
    private static func at(_ milliseconds: UInt64) -> WireTime {
        WireTime(milliseconds: 1_795_000_000_000 + milliseconds)
    }

    @Test(arguments: [
        // What the server says at the middle of a round trip of 100 ms, and how a later request is corrected.
        (0, 0), (2_000, 0), (2_001, 2_001), (50_000, 50_000), (-2_000, 0), (-2_001, -2_001), (-50_000, -50_000),
    ])
    func `a difference of more than two seconds is corrected`(difference: Int64, offset: Int64) {
        var clock = ServerClock()
        let told = WireTime(milliseconds: UInt64(Int64(Self.at(50).milliseconds) + difference))
        clock.told(told, asked: Self.at(0), answered: Self.at(100))
        #expect(clock.offset == offset)
        #expect(Int64(clock.time(Self.at(500)).milliseconds) == Int64(Self.at(500).milliseconds) + offset)
        // Back within two seconds.
        clock.told(Self.at(1050), asked: Self.at(1000), answered: Self.at(1100))
        #expect(clock.offset == 0)
    }

    @Test func `an answer that took long, or came before it was asked for, tells nothing`() {
        var clock = ServerClock()
        clock.told(Self.at(90_000), asked: Self.at(0), answered: Self.at(2_000))
        clock.told(Self.at(90_000), asked: Self.at(100), answered: Self.at(0))
        #expect(clock.offset == 0)
    }

    @Test func `no number of a server's traps`() {
        for time in [0, 1, UInt64.max / 2, .max] {
            var clock = ServerClock()
            clock.told(WireTime(milliseconds: time), asked: Self.at(0), answered: Self.at(1))
            for now in [0, 1, UInt64.max] { _ = clock.time(WireTime(milliseconds: now)) }
        }
    }

    @Test func `what a server told of its time is forgotten with its next failure`() {
        let clocks = ServerClocks()
        let now = WireTime(milliseconds: 1_000_000)
        clocks.told(WireTime(milliseconds: 4_600_000), by: 1, asked: now, answered: now)
        #expect(clocks.time(of: 1, now) == WireTime(milliseconds: 4_600_000))
        #expect(clocks.time(of: 2, now) == now)
        clocks.forget(1)
        #expect(clocks.time(of: 1, now) == now)
    }
}
