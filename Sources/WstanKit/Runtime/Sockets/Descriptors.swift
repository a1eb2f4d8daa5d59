import CLinux
import Glibc
import Synchronization

/// How many descriptors the process may have, and whether they run short.
package enum Descriptors {
    private static let count = Atomic(0)
    private static let capacity = Atomic(Int.max)

    /// Raises the soft limit to the hard one: 1024 is the usual soft limit, and half as many tunnels.
    ///
    /// - Returns: the limit in force.
    @discardableResult
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        let soft = Int(clamping: limit.rlim_cur)
        capacity.store(soft, ordering: .relaxed)
        return soft
    }

    static func opened() { count.add(1, ordering: .relaxed) }
    static func closed() { count.subtract(1, ordering: .relaxed) }

    /// Kept back for the targets of tunnels that are up, and for log, resolver and runtime.
    package static func reserve(of capacity: Int) -> Int { max(16, min(capacity / 8, largestReserve)) }

    /// Enough for what is under way at one time.
    package static let largestReserve = 1024

    /// Whether accepting more would take from that reserve.
    static var areScarce: Bool {
        let capacity = capacity.load(ordering: .relaxed)
        return count.load(ordering: .relaxed) >= capacity - reserve(of: capacity)
    }
}
