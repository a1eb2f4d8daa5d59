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

    static func opened(_ number: Int = 1) { count.add(number, ordering: .relaxed) }
    static func closed(_ number: Int = 1) { count.subtract(number, ordering: .relaxed) }

    /// Counts what is open and was opened by others than this room: logs, state files, what libraries hold. To be called
    /// once, when the process has begun.
    package static func countOthers() {
        guard let folder = opendir("/proc/self/fd") else { return }
        defer { closedir(folder) }
        var open = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { open += 1 }
        }
        // One is the folder's own.
        let others = max(0, open - 1 - count.load(ordering: .relaxed))
        let limit = capacity.load(ordering: .relaxed)
        if limit < .max { capacity.store(max(0, limit - others), ordering: .relaxed) }
    }

    /// Kept back for the targets of tunnels that are up, and for log, resolver and runtime.
    package static func reserve(of capacity: Int) -> Int { max(16, min(capacity / 8, largestReserve)) }

    /// Enough for the targets that are connected to at one time.
    package static let largestReserve = 1024

    /// Of the reserve, the last are for the control socket: an administrator wants to see why nothing else goes on. Where
    /// there are few at all, targets have their half of it.
    static func forControl(of capacity: Int) -> Int { min(16, reserve(of: capacity) / 2) }

    /// Of the reserve, these are for connections that have not said yet what they want: when all others are taken, a holder of
    /// a key who has less than its part is heard still.
    static func forHandshakes(of capacity: Int) -> Int { min(16, reserve(of: capacity) / 4) }

    /// Of all listeners together, while descriptors are scarce.
    static var handshakesInScarcity: Int { forHandshakes(of: capacity.load(ordering: .relaxed)) }

    /// Whether accepting more would take from that reserve.
    static var areScarce: Bool { isLeft { Self.reserve(of: $0) } }

    /// Whether they will soon be scarce: the key that has most tunnels gives way then.
    static var areTight: Bool { isLeft { Self.reserve(of: $0) / 2 * 3 } }

    /// Whether opening `number` more would take what is left for the control socket and for handshakes.
    static func areExhausted(for number: Int = 1) -> Bool {
        isLeft { forControl(of: $0) + forHandshakes(of: $0) + number - 1 }
    }

    /// Whether no more than that is left.
    private static func isLeft(_ rest: (_ capacity: Int) -> Int) -> Bool {
        let capacity = capacity.load(ordering: .relaxed)
        return count.load(ordering: .relaxed) >= capacity - rest(capacity)
    }

    /// The largest number of connections to targets that may be on their way at one time.
    package static var connects: Int {
        let capacity = capacity.load(ordering: .relaxed)
        return max(16, min((capacity - reserve(of: capacity)) / 4, 4096))
    }

    /// The largest number of connections that may be in their handshakes, so that they leave room for tunnels: a quarter of
    /// the descriptors that are not reserved, and at least 16.
    ///
    /// - Parameter wanted: fewer, if the configuration wants fewer; 0: as many as that.
    package static func handshakes(_ wanted: Int) -> Int {
        let capacity = capacity.load(ordering: .relaxed)
        let most = max(16, (capacity - reserve(of: capacity)) / 4)
        return wanted == 0 ? most : min(wanted, most)
    }
}
