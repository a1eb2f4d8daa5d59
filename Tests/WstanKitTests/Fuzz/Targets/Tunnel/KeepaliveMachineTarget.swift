@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A heart that beats on: it never comes back at once, asks only the silent, and notices within interval and
    /// patience.
    static let heartbeat = FuzzTarget("heartbeat", seeds: [[45, 14, 0, 50, 1, 0, 60, 0, 1], [1, 1, 9, 9, 9, 1, 2]]) {
        input in
        let interval = Duration.seconds(1 + Int(input.byte()))
        let patience = Duration.seconds(1 + Int(input.byte()))
        var heart = KeepaliveMachine(interval: interval, patience: patience)
        var now = Instant(nanoseconds: 1_000_000_000)
        var lastReceived = now
        var due = now
        while !input.isOver {
            // Bytes come now and then; the timer fires when it is due or, if the machine is busy, later.
            if input.flag() { lastReceived = min(max(lastReceived, now), due) }
            now = max(now, due) + .milliseconds(Int(input.byte()))
            switch heart.timePassed(now: now, lastReceived: lastReceived) {
            case .wait(let until):
                require(until > now, "later, not at once")
                require(until <= now + max(interval, patience), "not for ever")
                due = until
            case .ping(let until):
                require(now - lastReceived >= interval, "only the silent are asked")
                require(until > now, "later, not at once")
                due = until
            case .examine(let since):
                require(lastReceived < since && now - since >= patience, "only who has not answered in time")
                guard input.flag() else { return }
                due = heart.examinedAlive(now: now)
                require(due > now, "later, not at once")
            }
        }
    }
}
