/// Which idle tunnels are kept, and for how long, as a value.
///
/// The tunnel that fell idle last is used first: it is the least likely to have been cut on the way, and the others age
/// until they are no longer needed.
struct PoolMachine {
    private struct Entry {
        let id: UInt64
        let since: Instant
    }

    let size: Int
    let maxIdle: Duration
    private var entries: [Entry] = []

    init(size: Int, maxIdle: Duration) {
        self.size = size
        self.maxIdle = maxIdle
    }

    var count: Int { entries.count }

    enum IdleAction: Equatable {
        case keep
        case close
    }

    mutating func becameIdle(_ id: UInt64, now: Instant) -> IdleAction {
        guard maxIdle > .zero, entries.count < size else { return .close }
        entries.append(Entry(id: id, since: now))
        return .keep
    }

    mutating func take() -> UInt64? {
        entries.popLast()?.id
    }

    mutating func ended(_ id: UInt64) {
        entries.removeAll { $0.id == id }
    }

    /// The fuller the pool, the shorter its tunnels are kept: from `maxIdle` down to a third of it.
    private var patience: Duration {
        maxIdle - maxIdle * 2 / 3 * Double(entries.count) / Double(max(size, 1))
    }

    /// When to look again; nil when the pool is empty.
    var nextExpiry: Instant? {
        entries.first.map { $0.since + patience }
    }

    /// Takes those that were not needed for too long, the oldest first.
    mutating func takeExpired(now: Instant) -> [UInt64] {
        var expired: [UInt64] = []
        while let first = entries.first, first.since + patience <= now {
            expired.append(first.id)
            entries.removeFirst()
        }
        return expired
    }
}
