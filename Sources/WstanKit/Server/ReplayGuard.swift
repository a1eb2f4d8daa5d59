import Synchronization

/// Remembers every request that was accepted until it has expired, so that none is accepted twice. Exact, bounded, and
/// closed when full. Shared by all workers.
final class ReplayGuard: Sendable {
    private let memory: Mutex<ReplayMemory>

    init(capacity: Int = ServerLimits.seenRequests) {
        memory = Mutex(ReplayMemory(capacity: capacity))
    }

    /// - Parameters:
    ///   - token: what is unique to the request: its nonce or, where that has no part in it, its tag.
    ///   - expiry: when the request's own time makes it worthless, in seconds since the epoch.
    func admit(_ token: Nonce, expiry: Double, now: Double) -> ReplayMemory.Admission {
        memory.withLock { $0.admit(token, expiry: expiry, now: now) }
    }
}

/// The set behind the guard, as a value.
struct ReplayMemory {
    enum Admission {
        /// It is remembered from now on.
        case new
        /// Or its time is none.
        case seen
        case full
    }

    private let capacity: Int
    private var seen: Set<Nonce> = []
    /// What may be forgotten, by the ten seconds in which it may.
    private var expiring: [Int64: [Nonce]] = [:]
    private var oldest = Int64.max

    private static let bucketSeconds = 10.0
    /// Kept for longer than it is worth anything, so that a clock that is set back by so much reopens nothing.
    static let margin = 120.0

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { seen.count }

    mutating func admit(_ token: Nonce, expiry: Double, now: Double) -> Admission {
        guard let bucket = Self.bucket(expiry), let current = Self.bucket(now - Self.margin) else { return .seen }
        forget(before: current)
        if seen.contains(token) { return .seen }
        guard seen.count < capacity else { return .full }
        seen.insert(token)
        expiring[bucket, default: []].append(token)
        oldest = min(oldest, bucket)
        return .new
    }

    private mutating func forget(before current: Int64) {
        // The clock may jump; the buckets that exist are few, those in between are not.
        guard oldest < current else { return }
        for bucket in expiring.keys.filter({ $0 < current }) {
            for token in expiring[bucket] ?? [] { seen.remove(token) }
            expiring[bucket] = nil
        }
        oldest = expiring.keys.min() ?? .max
    }

    /// Nil for what is not finite or beyond any date.
    private static func bucket(_ seconds: Double) -> Int64? {
        Int64(exactly: (seconds / bucketSeconds).rounded(.down))
    }
}
