import WstanBase

/// Which requests were accepted and have not expired, as a value: exact, bounded, shared out among the names of keys, and closed to
/// a name when its share is full.
///
/// A request is forgotten by the clock since boot, which cannot be set. If the calendar's clock disagrees by then, or later, the
/// request's time is among the forgotten spans, and refused.
struct ReplayMemory {
    enum Admission: Equatable {
        /// It is remembered from now on; the slot is nobody else's until it is forgotten.
        case new(slot: Int)
        /// Or it may have been, before its key was retired and came back. Or its time is none.
        case seen
        /// Its time is one whose requests are not known any more, for so many seconds of request times to come.
        case forgotten(seconds: Double)
        /// The share of its key's name is.
        case full
        /// Its key's name opens more tunnels than it may.
        case tooFast
    }

    /// What a former process has left.
    struct Inheritance {
        var records: [ReplayRecord] = []
        var forgotten = ForgottenSpans()
        /// The longest of a request, in seconds.
        var lifetime = Double.infinity
    }

    private struct Place {
        let token: Nonce
        let slot: Int32
    }

    /// Requests that expire in the same unit.
    private struct Bucket {
        var places: [Place] = []
        /// When they may be forgotten, in seconds since boot.
        var due = 0.0

        mutating func add(_ place: Place, until due: Double) {
            places.append(place)
            // The calendar's clock may have been set since the first of them.
            self.due = max(self.due, due)
        }
    }

    /// What is held of one key.
    private struct Held {
        var share: ReplayShares.Index
        var seen: Set<Nonce> = []
        var buckets: [Int64: Bucket] = [:]

        init(share: ReplayShares.Index) {
            self.share = share
        }

        mutating func add(_ place: Place, in unit: Int64, until due: Double) {
            seen.insert(place.token)
            buckets[unit, default: Bucket()].add(place, until: due)
        }
    }

    /// What stays of a key that was retired: its secret may come back, and nothing that was made before may be new then.
    private struct Retired {
        var lines: [(span: ForgottenSpans.Span, slot: Int32)] = []
        var due: Double

        var spans: ForgottenSpans { ForgottenSpans(lines.map(\.span)) }
    }

    private(set) var shares: ReplayShares
    private(set) var forgotten: ForgottenSpans
    private var held: [KeyID: Held] = [:]
    private var retired: [KeyID: Retired] = [:]
    private var slots: FreeSlots
    /// When something may be forgotten, in seconds since boot.
    private var soonest = Double.infinity
    /// By how many units requests lived longer before.
    private var reach: Int64 = 0

    /// Records of a journal of 0.1.0 name no key.
    static let nameless = KeyID(value: 0)
    /// What stays of retired keys takes part in the capacity, under a key that is none.
    private static let lines = KeyID(value: .max)

    static let unitSeconds = 10.0
    /// A request lives for an hour at most, and may be made as much ahead.
    private static let longest = 2 * 3600 + unitSeconds

    /// - Parameters:
    ///   - capacity: requests, and slots of the journal.
    ///   - left: what has been forgotten, and what is there twice, is left out.
    init(capacity: Int, inheriting left: Inheritance = Inheritance(), now: Moment = Moment(wall: 0, boot: 0)) {
        shares = ReplayShares(capacity: capacity)
        forgotten = left.forgotten
        slots = FreeSlots(without: [])
        let lifetime = left.lifetime.isFinite ? 2 * left.lifetime + Self.unitSeconds : Self.longest
        var taken: [Int] = []
        // The lines of retired keys say which requests need not be kept.
        for record in left.records.filter(\.isLine) + left.records.filter({ !$0.isLine }) where shares.held < capacity {
            if keep(record, longest: min(lifetime, Self.longest), now) { taken.append(record.slot) }
        }
        slots = FreeSlots(without: taken)
    }

    var count: Int { shares.held }

    /// In which ten seconds; nil for what is not finite or beyond any date.
    static func unit(_ seconds: Double) -> Int64? {
        Int64(exactly: (seconds / unitSeconds).rounded(.down))
    }

    // MARK: Admission

    /// - Parameters:
    ///   - expiry: by the calendar's clock.
    ///   - opens: whether it opens a tunnel.
    mutating func admit(
        _ token: Nonce, under key: KeyID, expiry: Double, opens: Bool = true, now: Moment
    ) -> Admission {
        guard let unit = Self.unit(expiry), Self.unit(now.wall) != nil else { return .seen }
        forget(at: now.boot)
        if isSeen(token, under: key) || retired[key]?.spans.contains(unit) == true { return .seen }
        if let span = forgotten.span(with: unit) { return .forgotten(seconds: Self.end(span) - expiry) }
        let share = shares.index(of: key)
        guard shares.mayTake(share) else { return .full }
        guard !opens || shares.opens(share, at: now.boot) else { return .tooFast }
        let slot = slots.allocate()
        shares.take(share)
        keep(token, of: key, share, in: slot, unit, until: due(unit, now))
        return .new(slot: slot)
    }

    /// Counts a tunnel whose request is not remembered.
    mutating func opens(under key: KeyID, now: Moment) -> Bool {
        shares.opens(shares.index(of: key), at: now.boot)
    }

    /// How many tunnels of one name are opened per second at most; 0: no limit.
    mutating func apply(rate: Int) {
        shares.rate = rate
    }

    /// Requests live shorter by so many seconds from now on: the same request expires earlier than when it was forgotten.
    mutating func shorten(by seconds: Double) {
        guard let units = Int64(exactly: (seconds / Self.unitSeconds).rounded(.up)), units > 0 else { return }
        forgotten.reachBack(by: units)
        reach = min(reach + units, Int64(Self.longest))
    }

    private func isSeen(_ token: Nonce, under key: KeyID) -> Bool {
        held[key]?.seen.contains(token) ?? false || held[Self.nameless]?.seen.contains(token) ?? false
    }

    /// In seconds since boot, when the clock that requests are judged by has come to the unit's end.
    private func due(_ unit: Int64, _ now: Moment) -> Double {
        let left = Self.end(unit...unit) - now.wall
        return now.boot + min(max(left, 0), Self.longest)
    }

    private static func end(_ span: ForgottenSpans.Span) -> Double { (Double(span.upperBound) + 1) * unitSeconds }

    private mutating func keep(
        _ token: Nonce, of key: KeyID, _ share: ReplayShares.Index, in slot: Int, _ unit: Int64, until due: Double
    ) {
        held[key, default: Held(share: share)].add(Place(token: token, slot: Int32(slot)), in: unit, until: due)
        soonest = min(soonest, due)
    }

    // MARK: Forgetting

    private mutating func forget(at boot: Double) {
        guard soonest <= boot else { return }
        soonest = .infinity
        for key in Array(held.keys) {
            guard var entry = held.removeValue(forKey: key) else { continue }
            for unit in Array(entry.buckets.keys) {
                guard let due = entry.buckets[unit]?.due else { continue }
                guard due <= boot else {
                    soonest = min(soonest, due)
                    continue
                }
                let places = entry.buckets.removeValue(forKey: unit)?.places ?? []
                forgotten.insert(earliest(unit)...unit)
                shares.give(entry.share, count: places.count)
                for place in places {
                    entry.seen.remove(place.token)
                    slots.give(Int(place.slot))
                }
            }
            if !entry.seen.isEmpty { held[key] = entry }
        }
        for (key, entry) in retired {
            guard entry.due <= boot else {
                soonest = min(soonest, entry.due)
                continue
            }
            retired[key] = nil
            for line in entry.lines {
                forgotten.insert(earliest(line.span.lowerBound)...line.span.upperBound)
                slots.give(Int(line.slot))
            }
            shares.give(shares.index(of: Self.lines), count: entry.lines.count)
        }
    }

    private func earliest(_ unit: Int64) -> Int64 {
        let (earliest, overflows) = unit.subtractingReportingOverflow(reach)
        return overflows ? unit : earliest
    }

    // MARK: Keys

    /// These keys are accepted from now on. What others held is free.
    ///
    /// - Returns: the lines that stand for it, to be written down.
    mutating func install(_ names: [KeyID: KeyName]) -> [ReplayRecord] {
        var lines: [ReplayRecord] = []
        for key in Array(held.keys) where names[key] == nil && key != Self.nameless { lines += retire(key) }
        shares.install(names)
        for key in Array(held.keys) {
            let share = shares.index(of: key)
            held[key]?.share = share
            shares.take(share, count: held[key]?.seen.count ?? 0)
        }
        shares.take(shares.index(of: Self.lines), count: retired.values.reduce(0) { $0 + $1.lines.count })
        return lines
    }

    private mutating func retire(_ key: KeyID) -> [ReplayRecord] {
        guard let entry = held.removeValue(forKey: key) else { return [] }
        for bucket in entry.buckets.values {
            for place in bucket.places { slots.give(Int(place.slot)) }
        }
        var left = retired[key] ?? Retired(due: 0)
        for line in left.lines { slots.give(Int(line.slot)) }
        let spans = ForgottenSpans(left.lines.map(\.span) + entry.buckets.keys.sorted().map { $0...$0 })
        left.due = entry.buckets.values.reduce(left.due) { max($0, $1.due) }
        left.lines = spans.spans.map { ($0, Int32(slots.allocate())) }
        retired[key] = left
        return left.lines.map { Self.record(of: key, $0.span, $0.slot) }
    }

    // MARK: The journal

    /// Everything that is known, as the journal has it.
    var records: [ReplayRecord] {
        let requests = held.flatMap { key, entry in
            entry.buckets.flatMap { unit, bucket in
                bucket.places.map {
                    ReplayRecord(
                        key: key, content: .request($0.token), expiry: (Double(unit) + 0.5) * Self.unitSeconds,
                        slot: Int($0.slot))
                }
            }
        }
        return requests + retired.flatMap { key, entry in entry.lines.map { Self.record(of: key, $0.span, $0.slot) } }
    }

    private static func record(of key: KeyID, _ span: ForgottenSpans.Span, _ slot: Int32) -> ReplayRecord {
        ReplayRecord(key: key, content: .retired(span), expiry: end(span), slot: Int(slot))
    }

    /// - Parameter longest: that a request can have to live.
    /// - Returns: whether it is kept, in its slot.
    private mutating func keep(_ record: ReplayRecord, longest: Double, _ now: Moment) -> Bool {
        let left = record.expiry - now.wall
        // Further ahead, one of the clocks is wrong that it was written by and that is now: it is kept for as long as it can be worth
        // anything. Behind, it is forgotten at once, or restarts would hold what has expired.
        let due = now.boot + (left < 0 ? 0 : min(left + Self.unitSeconds, longest))
        switch record.content {
        case .request(let token):
            guard let unit = Self.unit(record.expiry), !forgotten.contains(unit),
                held[record.key]?.seen.contains(token) != true, retired[record.key]?.spans.contains(unit) != true
            else { return false }
            let share = shares.index(of: record.key)
            shares.take(share)
            keep(token, of: record.key, share, in: record.slot, unit, until: due)
        case .retired(let span):
            var left = retired[record.key] ?? Retired(due: due)
            left.lines.append((span, Int32(record.slot)))
            left.due = max(left.due, due)
            retired[record.key] = left
            shares.take(shares.index(of: Self.lines))
            soonest = min(soonest, due)
        }
        return true
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
