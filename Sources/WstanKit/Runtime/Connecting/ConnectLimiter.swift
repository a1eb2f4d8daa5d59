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
    private let capacity: Int
    private var total = 0
    /// Of all sources of each holder.
    private var holders: [Party: Int] = [:]
    private var askers: [Asker: Int] = [:]

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Returns: false when it would be more than its share.
    mutating func add(_ asker: Asker) -> Bool {
        let (holder, own) = (holders[asker.holder] ?? 0, askers[asker] ?? 0)
        let share = FairShare(free: capacity - total, holder: holder)
        guard share.admits(source: own, isDivided: asker.source != nil) else { return false }
        total += 1
        holders[asker.holder] = holder + 1
        askers[asker] = own + 1
        return true
    }

    mutating func remove(_ asker: Asker) {
        guard let holder = holders[asker.holder], let own = askers[asker] else { return }
        total -= 1
        holders[asker.holder] = holder > 1 ? holder - 1 : nil
        askers[asker] = own > 1 ? own - 1 : nil
    }
}
