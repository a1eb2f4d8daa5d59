import WstanBase
import WstanCore

/// How often those who may only look are answered and may connect, each user of this host by itself and all of them together. A
/// value.
struct StrangersPace {
    /// A steady rate with a burst: the generic cell rate algorithm (ITU-T I.371, annex A).
    struct Rate {
        /// Of one after the other.
        let interval: Duration
        let burst: Int
        /// When the next one would come if all came evenly.
        private var due = Instant(nanoseconds: 0)

        init(perSecond: Int, burst: Int) {
            interval = .seconds(1) / perSecond
            self.burst = burst
        }

        /// How much too early the next one is.
        func wait(now: Instant) -> Duration {
            let (ahead, slack) = (due - now, interval * (burst - 1))
            return ahead > slack ? ahead - slack : .zero
        }

        mutating func count(now: Instant) { due = max(due, now) + interval }

        func isFresh(now: Instant) -> Bool { due <= now }
    }

    private struct User {
        var calls = Rate(perSecond: 10, burst: 20)
        var connections = Rate(perSecond: 20, burst: 40)
    }

    private var users: [UInt32: User] = [:]
    /// One user of this host can be many (user_namespaces(7), subuid(5)).
    private var all = (calls: Rate(perSecond: 50, burst: 100), connections: Rate(perSecond: 100, burst: 200))

    static let usersKept = 64

    /// - Returns: how long the answer has to wait.
    mutating func call(of user: UInt32, now: Instant) -> Duration {
        var its = entry(user, now: now)
        let wait = max(its.calls.wait(now: now), all.calls.wait(now: now))
        its.calls.count(now: now)
        all.calls.count(now: now)
        users[user] = its
        return wait
    }

    /// - Returns: false when it is to be closed at once.
    mutating func connection(of user: UInt32, now: Instant) -> Bool {
        var its = entry(user, now: now)
        guard its.connections.wait(now: now) == .zero, all.connections.wait(now: now) == .zero else { return false }
        its.connections.count(now: now)
        all.connections.count(now: now)
        users[user] = its
        return true
    }

    private mutating func entry(_ user: UInt32, now: Instant) -> User {
        if let found = users[user] { return found }
        if users.count >= Self.usersKept {
            users = users.filter { !$0.value.calls.isFresh(now: now) || !$0.value.connections.isFresh(now: now) }
            // All of them are busy, and held back together.
            if users.count >= Self.usersKept { users.removeAll() }
        }
        return User()
    }
}
