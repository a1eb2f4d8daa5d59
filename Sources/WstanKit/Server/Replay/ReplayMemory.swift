import WstanBase

/// Which requests were accepted and have not expired, as a value: exact, bounded, and closed when full.
struct ReplayMemory {
    enum Admission: Equatable {
        /// It is remembered from now on; the slot is nobody else's until it is forgotten.
        case new(slot: Int)
        /// Or its time is none.
        case seen
        case full
    }

    private struct Place {
        let token: Nonce
        let slot: Int
    }

    private let capacity: Int
    private var seen: Set<Nonce> = []
    /// What may be forgotten, by the ten seconds in which it may.
    private var expiring: [Int64: [Place]] = [:]
    private var oldest = Int64.max
    private var slots: FreeSlots

    private static let bucketSeconds = 10.0
    /// Kept for longer than it is worth anything, so that a clock that is set back by so much reopens nothing.
    static let margin = 120.0

    /// - Parameters:
    ///   - records: what a former process has left. What has expired, and what is there twice, is left out.
    ///   - now: seconds since the epoch, as everywhere here.
    init(capacity: Int, remembering records: [ReplayRecord] = [], now: Double = 0) {
        self.capacity = capacity
        slots = FreeSlots(without: [])
        guard let current = Self.bucket(now - Self.margin) else { return }
        var taken: [Int] = []
        for record in records where seen.count < capacity {
            guard let bucket = Self.bucket(record.expiry), bucket >= current, seen.insert(record.token).inserted
            else { continue }
            keep(record.token, in: record.slot, until: bucket)
            taken.append(record.slot)
        }
        slots = FreeSlots(without: taken)
    }

    var count: Int { seen.count }

    mutating func admit(_ token: Nonce, expiry: Double, now: Double) -> Admission {
        guard let bucket = Self.bucket(expiry), let current = Self.bucket(now - Self.margin) else { return .seen }
        forget(before: current)
        if seen.contains(token) { return .seen }
        guard seen.count < capacity else { return .full }
        let slot = slots.allocate()
        seen.insert(token)
        keep(token, in: slot, until: bucket)
        return .new(slot: slot)
    }

    private mutating func keep(_ token: Nonce, in slot: Int, until bucket: Int64) {
        expiring[bucket, default: []].append(Place(token: token, slot: slot))
        oldest = min(oldest, bucket)
    }

    private mutating func forget(before current: Int64) {
        // The clock may jump; the buckets that exist are few, those in between are not.
        guard oldest < current else { return }
        for bucket in expiring.keys.filter({ $0 < current }) {
            for place in expiring.removeValue(forKey: bucket) ?? [] {
                seen.remove(place.token)
                slots.give(place.slot)
            }
        }
        oldest = expiring.keys.min() ?? .max
    }

    /// Nil for what is not finite or beyond any date.
    private static func bucket(_ seconds: Double) -> Int64? {
        Int64(exactly: (seconds / bucketSeconds).rounded(.down))
    }
}

/// Numbers that nobody has, the small ones first, so that few pages are ever touched.
struct FreeSlots {
    /// This one and all above were never taken.
    private var next: Int
    /// The one to be taken next is the last.
    private var returned: [Int]

    /// - Parameter taken: each once.
    init(without taken: [Int]) {
        next = (taken.max() ?? -1) + 1
        var isTaken = [Bool](repeating: false, count: next)
        for slot in taken { isTaken[slot] = true }
        returned = isTaken.indices.reversed().filter { !isTaken[$0] }
    }

    mutating func allocate() -> Int {
        if let slot = returned.popLast() { return slot }
        defer { next += 1 }
        return next
    }

    mutating func give(_ slot: Int) {
        returned.append(slot)
    }
}
