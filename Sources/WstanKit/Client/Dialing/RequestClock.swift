import Synchronization
import WstanBase

/// The times that a client's requests bear when they open a tunnel: no two alike. Under TLS nothing else tells two requests for
/// one target apart, and the server takes one of two that are alike for a copy of the other.
///
/// A time is exact to a quarter of a microsecond (a double, 2^30 seconds after the epoch), so these go on by at least that much.
/// All lie up to a quarter of a second back, by as much as chance has it: clients that one event has woken ask at the same
/// instant.
package final class RequestClock: Sendable {
    /// Of this process.
    package static let shared = RequestClock(lag: .random(in: 0..<0.25))

    private let lag: Double
    private let last = Mutex(-Double.infinity)

    /// - Parameter lag: seconds, below 1.
    init(lag: Double) {
        self.lag = lag
    }

    /// - Parameter now: seconds since the epoch.
    package func next(now: Double) -> Double {
        let time = now - lag
        return last.withLock { last in
            // A clock that was set back is followed: requests of the future are refused.
            last = last < time || last > time + 1 ? time : last.nextUp
            return last
        }
    }
}
