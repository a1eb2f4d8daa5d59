import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct KeepaliveMachineTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func at(_ seconds: Int) -> Instant { start + .seconds(seconds) }

    private static func heartbeat() -> KeepaliveMachine {
        KeepaliveMachine(interval: .seconds(45), patience: .seconds(14))
    }

    @Test func `a peer that talks is left alone until it has been silent for the interval`() {
        var heartbeat = Self.heartbeat()
        #expect(heartbeat.timePassed(now: Self.at(0), lastReceived: Self.at(0)) == .wait(until: Self.at(45)))
        #expect(heartbeat.timePassed(now: Self.at(45), lastReceived: Self.at(20)) == .wait(until: Self.at(65)))
        #expect(heartbeat.timePassed(now: Self.at(64), lastReceived: Self.at(20)) == .wait(until: Self.at(65)))
    }

    @Test func `a silent peer is pinged, and then examined`() {
        var heartbeat = Self.heartbeat()
        #expect(heartbeat.timePassed(now: Self.at(45), lastReceived: Self.at(0)) == .ping(until: Self.at(59)))
        #expect(heartbeat.timePassed(now: Self.at(50), lastReceived: Self.at(0)) == .wait(until: Self.at(59)))
        #expect(heartbeat.timePassed(now: Self.at(59), lastReceived: Self.at(0)) == .examine(since: Self.at(45)))
        // Nobody has said what the examination found: it stays due.
        #expect(heartbeat.timePassed(now: Self.at(60), lastReceived: Self.at(0)) == .examine(since: Self.at(45)))
    }

    @Test func `any byte since the ping is an answer, one in the same instant too`() {
        for answer in [45, 46] {
            var heartbeat = Self.heartbeat()
            #expect(heartbeat.timePassed(now: Self.at(45), lastReceived: Self.at(0)) == .ping(until: Self.at(59)))
            let action = heartbeat.timePassed(now: Self.at(59), lastReceived: Self.at(answer))
            #expect(action == .wait(until: Self.at(answer + 45)))
        }
    }

    @Test func `an answer long ago leads to the next ping at once`() {
        var heartbeat = Self.heartbeat()
        _ = heartbeat.timePassed(now: Self.at(45), lastReceived: Self.at(0))
        #expect(heartbeat.timePassed(now: Self.at(200), lastReceived: Self.at(46)) == .ping(until: Self.at(214)))
    }

    @Test func `one that answers is pinged at every interval, also when it might take longer to answer`() {
        var heartbeat = KeepaliveMachine(interval: .seconds(4), patience: .seconds(9))
        #expect(heartbeat.timePassed(now: Self.at(4), lastReceived: Self.at(0)) == .ping(until: Self.at(8)))
        #expect(heartbeat.timePassed(now: Self.at(8), lastReceived: Self.at(4)) == .ping(until: Self.at(12)))
        #expect(heartbeat.timePassed(now: Self.at(12), lastReceived: Self.at(8)) == .ping(until: Self.at(16)))
        #expect(heartbeat.timePassed(now: Self.at(16), lastReceived: Self.at(8)) == .wait(until: Self.at(21)))
        #expect(heartbeat.timePassed(now: Self.at(21), lastReceived: Self.at(8)) == .examine(since: Self.at(12)))
        #expect(heartbeat.probe(now: Self.at(30), patience: .seconds(9)) == Self.at(34))
    }

    @Test func `a peer found alive gets as long again, and again`() {
        var heartbeat = Self.heartbeat()
        _ = heartbeat.timePassed(now: Self.at(45), lastReceived: Self.at(0))
        for round in 1...3 {
            let now = Self.at(45 + 14 * round)
            let since = Self.at(31 + 14 * round)
            #expect(heartbeat.timePassed(now: now, lastReceived: Self.at(0)) == .examine(since: since))
            #expect(heartbeat.examinedAlive(now: now) == now + .seconds(14))
            #expect(heartbeat.timePassed(now: now, lastReceived: Self.at(0)) == .wait(until: now + .seconds(14)))
        }
    }

    @Test func `a peer that is probed has less time, and an answer ends that`() {
        var heartbeat = Self.heartbeat()
        #expect(heartbeat.probe(now: Self.at(10), patience: .seconds(3)) == Self.at(13))
        #expect(heartbeat.timePassed(now: Self.at(12), lastReceived: Self.at(9)) == .wait(until: Self.at(13)))
        #expect(heartbeat.timePassed(now: Self.at(13), lastReceived: Self.at(9)) == .examine(since: Self.at(10)))
        #expect(heartbeat.timePassed(now: Self.at(13), lastReceived: Self.at(10)) == .wait(until: Self.at(55)))
        #expect(heartbeat.timePassed(now: Self.at(55), lastReceived: Self.at(10)) == .ping(until: Self.at(69)))
    }

    /// Whatever the driver does in between: a dead peer is found within interval and patience, a live one never pinged
    /// more often than once in an interval.
    @Test func `a driver that keeps its appointments finds a dead peer in time`() {
        var random = SeededRandomness(seed: 21)
        for _ in 0..<500 {
            var heartbeat = Self.heartbeat()
            var lastReceived = Self.at(0)
            var now = Self.at(0)
            let lastWord = Self.at(random.below(600))
            var lastPing: Instant?
            while true {
                let action = heartbeat.timePassed(now: now, lastReceived: lastReceived)
                if case .examine = action { break }
                var next = now
                if case .ping(let time) = action {
                    if let lastPing, now - lastPing < .seconds(45) { Issue.record("pinged twice") }
                    lastPing = now
                    next = time
                }
                if case .wait(let time) = action { next = time }
                #expect(next > now)
                if now < lastWord { lastReceived = min(lastWord, now + .seconds(1 + random.below(60))) }
                now = max(next, lastReceived)
            }
            #expect(now - lastWord <= .seconds(45 + 14 + 60))
        }
    }
}
