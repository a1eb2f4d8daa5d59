import Synchronization
import WstanBase

/// Lets a kind of event through once a second, or more rarely, and counts what it has kept back.
package final class Throttle: Sendable {
    private struct Gate {
        var last: Instant
        var missed = 0
    }

    private let gates = Mutex([String: Gate]())

    /// - Parameters:
    ///   - kind: one of a few; reason codes, not what came from elsewhere.
    ///   - interval: always the same for a kind.
    /// - Returns: how many were kept back since the last one; nil when this one is too.
    package func allows(_ kind: String, every interval: Duration = .seconds(1), now: Instant) -> Int? {
        gates.withLock { gates in
            guard var gate = gates[kind] else {
                gates[kind] = Gate(last: now)
                return 0
            }
            guard now >= gate.last + interval else {
                gate.missed += 1
                gates[kind] = gate
                return nil
            }
            gates[kind] = Gate(last: now)
            return gate.missed
        }
    }
}
