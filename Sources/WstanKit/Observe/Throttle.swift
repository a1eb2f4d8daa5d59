import Synchronization

/// Lets a kind of event through once a second, and counts what it has kept back.
final class Throttle: Sendable {
    enum Kind: Int, CaseIterable {
        case accept
        case dial
    }

    private struct Gate {
        var last: Instant?
        var missed = 0
    }

    private let gates = Mutex([Gate](repeating: Gate(), count: Kind.allCases.count))

    /// - Returns: how many were kept back since the last one; nil when this one is too.
    func allows(_ kind: Kind, now: Instant) -> Int? {
        gates.withLock { gates in
            if let last = gates[kind.rawValue].last, now < last + .seconds(1) {
                gates[kind.rawValue].missed += 1
                return nil
            }
            defer { gates[kind.rawValue] = Gate(last: now) }
            return gates[kind.rawValue].missed
        }
    }
}
