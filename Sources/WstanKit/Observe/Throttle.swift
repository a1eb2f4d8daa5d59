import Synchronization

/// Lets a kind of event through once a second, and counts what it has kept back.
final class Throttle: Sendable {
    private struct Gate {
        var last: Instant
        var missed = 0
    }

    private let gates = Mutex([String: Gate]())

    /// - Parameter kind: one of a few; reason codes, not what came from elsewhere.
    /// - Returns: how many were kept back since the last one; nil when this one is too.
    func allows(_ kind: String, now: Instant) -> Int? {
        gates.withLock { gates in
            guard var gate = gates[kind] else {
                gates[kind] = Gate(last: now)
                return 0
            }
            guard now >= gate.last + .seconds(1) else {
                gate.missed += 1
                gates[kind] = gate
                return nil
            }
            gates[kind] = Gate(last: now)
            return gate.missed
        }
    }
}
