import Synchronization
import WstanBase

/// Bounds the connections that a process is making, and shares them out as `FairQueue` does threads: what a holder's targets
/// do not answer leaves others their half.
package final class ConnectLimiter: Sendable {
    private let counts: Mutex<FairCounts>

    /// - Parameter capacity: of all workers together.
    package init(capacity: Int = Descriptors.connects) {
        counts = Mutex(FairCounts(capacity: capacity))
    }

    /// - Returns: false when there is no room; else `end` must be called.
    func begin(for asker: Asker) -> Bool { counts.withLock { $0.add(asker) } }

    func end(for asker: Asker) { counts.withLock { $0.remove(asker) } }
}

/// How many of something each holder, and each of its sources, has: a value.
struct FairCounts {
    private struct Holder {
        var count = 0
        var sources: [AnyHashable?: Int] = [:]
    }

    private let capacity: Int
    private var total = 0
    private var holders: [AnyHashable: Holder] = [:]

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: false when it would be more than its share.
    mutating func add(_ asker: Asker) -> Bool {
        let holder = holders[asker.holder]
        let source = holder?.sources[asker.source] ?? 0
        let share = FairShare(free: capacity - total, holder: holder?.count ?? 0)
        guard share.admits(source: source, isDivided: asker.source != nil) else { return false }
        total += 1
        holders[asker.holder, default: Holder()].count += 1
        holders[asker.holder, default: Holder()].sources[asker.source] = source + 1
        return true
    }

    mutating func remove(_ asker: Asker) {
        guard var holder = holders.removeValue(forKey: asker.holder), let source = holder.sources[asker.source] else {
            return
        }
        total -= 1
        holder.count -= 1
        holder.sources[asker.source] = source > 1 ? source - 1 : nil
        if holder.count > 0 { holders[asker.holder] = holder }
    }
}
