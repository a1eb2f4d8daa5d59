import WstanBase

/// Which requests were accepted and have not expired, as a value: exact, bounded, shared out among the names of keys, and closed to
/// a name when its share is full.
///
/// A request is forgotten by the clock since boot, which cannot be set. If the calendar's clock disagrees by then, or later, the
/// request's time is among the forgotten spans, and refused. Its time is its own; when it expires is not, since `request-ttl` may
/// change.
struct ReplayMemory {
    enum Admission: Equatable {
        /// It is remembered from now on; the slot is no other request's until it is forgotten.
        case new(slot: Int)
        /// Or it may have been, before its key was retired and came back. Or its time is not a number.
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
        /// Of a request, in seconds.
        var lifetime = Double.infinity
        /// The longest of one whose time may be still to come.
        var longest = 0.0
    }

    private struct Place {
        let token: Nonce
        /// nil: it has none.
        let slot: Int32?
    }

    /// Requests that were made in the same unit.
    private struct Bucket {
        var places: [Place] = []
        /// When they may be forgotten, in seconds since boot.
        var due = 0.0
        /// When the last of them was made.
        var latest = -Double.infinity

        mutating func add(_ place: Place, madeAt time: Double, until due: Double) {
            places.append(place)
            latest = max(latest, time)
            // The calendar's clock may have been set since the first of them.
            self.due = max(self.due, due)
        }
    }

    /// What is held of one key.
    private struct Held {
        var share: ReplayShares.Index
        var seen: Set<Nonce> = []
        var buckets: [Int64: Bucket] = [:]
        /// How many have no slot; these take no part in the capacity.
        var slotless = 0

        init(share: ReplayShares.Index) {
            self.share = share
        }

        mutating func add(_ place: Place, madeAt time: Double, in unit: Int64, until due: Double) {
            seen.insert(place.token)
            if place.slot == nil { slotless += 1 }
            buckets[unit, default: Bucket()].add(place, madeAt: time, until: due)
        }
    }

    /// Stands for requests of a retired key that were accepted: one that was made after the last of them is new.
    private struct Line {
        let span: ForgottenSpans.Span
        /// When the last of them was made: exact, since clients go on in the unit in which their key was replaced.
        let latest: Double
        let slot: Int32
    }

    /// What stays of a key that was retired: its secret may come back, and nothing that was accepted before may be new then.
    private struct Retired {
        var lines: [Line] = []
        var due: Double

        /// Whether a request that was made then may have been accepted before.
        func covers(_ time: Double, in unit: Int64) -> Bool {
            lines.contains { $0.span.contains(unit) && time <= $0.latest }
        }
    }

    private(set) var shares: ReplayShares
    private(set) var forgotten: ForgottenSpans
    /// What the next process has to refuse: times of requests that are only in memory, too.
    private(set) var noted: ForgottenSpans
    private var held: [KeyID: Held] = [:]
    private var retired: [KeyID: Retired] = [:]
    private var slots: FreeSlots
    /// When something may be forgotten, in seconds since boot.
    private var soonest = Double.infinity

    /// Records of a journal of 0.1.0 name no key.
    static let nameless = KeyID(value: 0)
    /// What stays of retired keys takes part in the capacity, under an ID that no key has.
    private static let lines = KeyID(value: .max)

    static let unitSeconds = 10.0
    /// Of a request, in seconds.
    static let longestLifetime = 3600.0
    /// It may be made as much ahead.
    private static let longest = 2 * longestLifetime + unitSeconds

    /// - Parameters:
    ///   - capacity: requests, and slots of the journal.
    ///   - left: what has been forgotten, and what is there twice, is left out.
    init(capacity: Int, inheriting left: Inheritance = Inheritance(), now: Moment = Moment(wall: 0, boot: 0)) {
        shares = ReplayShares(capacity: capacity)
        forgotten = left.forgotten
        noted = left.forgotten
        slots = FreeSlots(without: [])
        let farthest = min(max(left.longest, left.lifetime) + left.lifetime + Self.unitSeconds, Self.longest)
        var taken: [Int] = []
        let slotless = Self.slotless(left.records, capacity: capacity)
        // The lines of retired keys say which requests need not be kept.
        for record in left.records.filter(\.isLine) + left.records.filter({ !$0.isLine }) where shares.held < capacity {
            let hasSlot = !slotless.contains(record.slot)
            let isKept = keep(record, hasSlot: hasSlot, lifetime: left.lifetime, farthest: farthest, now)
            if isKept, hasSlot { taken.append(record.slot) }
        }
        slots = FreeSlots(without: taken)
    }

    var count: Int { shares.held }

    /// 0.1.0 did not share its journal out: one key's requests may fill it. Half of the slots are for those that come. The earliest
    /// go without: their times are the least likely to come again.
    private static func slotless(_ records: [ReplayRecord], capacity: Int) -> Set<Int> {
        let former = records.filter { $0.key == nameless && !$0.isLine }
        guard former.count > capacity / 2 else { return [] }
        return Set(former.sorted { $0.time < $1.time }.dropLast(capacity / 2).map(\.slot))
    }

    /// In which ten seconds; nil for what is not finite or beyond any date.
    static func unit(_ seconds: Double) -> Int64? {
        Int64(exactly: (seconds / unitSeconds).rounded(.down))
    }

    // MARK: Admission

    /// - Parameters:
    ///   - time: when it was made, by the calendar's clock.
    ///   - lifetime: for how many seconds it may be accepted from then on.
    ///   - opens: whether it opens a tunnel.
    mutating func admit(
        _ token: Nonce, under key: KeyID, madeAt time: Double, lifetime: Double, opens: Bool = true, now: Moment
    ) -> Admission {
        guard let unit = Self.unit(time), lifetime.isFinite, Self.unit(now.wall) != nil else { return .seen }
        forget(at: now.boot)
        if isSeen(token, under: key) || retired[key]?.covers(time, in: unit) == true { return .seen }
        if let span = forgotten.span(with: unit) { return .forgotten(seconds: Self.end(span) - time) }
        let share = shares.index(of: key)
        guard shares.mayTake(share) else { return .full }
        guard !opens || shares.opens(share, at: now.boot) else { return .tooFast }
        let slot = slots.allocate()
        shares.take(share)
        // When the clock that requests are judged by has come to the end of all that were made in the unit.
        let left = Self.end(unit...unit) + lifetime - now.wall
        let due = now.boot + min(max(left, 0), Self.longest)
        keep(token, of: key, share, in: slot, madeAt: time, unit, until: due)
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

    func isSeen(_ token: Nonce, under key: KeyID) -> Bool {
        held[key]?.seen.contains(token) ?? false || held[Self.nameless]?.seen.contains(token) ?? false
    }

    private static func end(_ span: ForgottenSpans.Span) -> Double { (Double(span.upperBound) + 1) * unitSeconds }

    private mutating func keep(
        _ token: Nonce, of key: KeyID, _ share: ReplayShares.Index, in slot: Int?, madeAt time: Double, _ unit: Int64,
        until due: Double
    ) {
        let place = Place(token: token, slot: slot.map { Int32($0) })
        held[key, default: Held(share: share)].add(place, madeAt: time, in: unit, until: due)
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
                note(unit...unit)
                for place in places {
                    entry.seen.remove(place.token)
                    give(place, of: &entry)
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
                note(line.span)
                slots.give(Int(line.slot))
            }
            shares.give(shares.index(of: Self.lines), count: entry.lines.count)
        }
    }

    private mutating func note(_ span: ForgottenSpans.Span) {
        forgotten.insert(span)
        noted.insert(span)
    }

    private mutating func give(_ place: Place, of entry: inout Held) {
        guard let slot = place.slot else {
            entry.slotless -= 1
            return
        }
        shares.give(entry.share, count: 1)
        slots.give(Int(slot))
    }

    // MARK: Keys

    /// Whose requests take the most.
    var largestHolder: ReplayShares.Holder { shares.largestHolder(former: Self.nameless) }

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
            shares.take(share, count: held[key].map { $0.seen.count - $0.slotless } ?? 0)
        }
        shares.take(shares.index(of: Self.lines), count: retired.values.reduce(0) { $0 + $1.lines.count })
        return lines
    }

    private mutating func retire(_ key: KeyID) -> [ReplayRecord] {
        guard let entry = held.removeValue(forKey: key) else { return [] }
        for bucket in entry.buckets.values {
            for slot in bucket.places.compactMap(\.slot) { slots.give(Int(slot)) }
        }
        var left = retired[key] ?? Retired(due: 0)
        for line in left.lines { slots.give(Int(line.slot)) }
        let parts =
            left.lines.map { (span: $0.span, latest: $0.latest) }
            + entry.buckets.sorted { $0.key < $1.key }.map { (span: $0.key...$0.key, latest: $0.value.latest) }
        left.due = entry.buckets.values.reduce(left.due) { max($0, $1.due) }
        left.lines = ForgottenSpans(parts.map(\.span)).spans.map { span in
            let latest = parts.filter { span.contains($0.span.upperBound) }.map(\.latest).max() ?? Self.end(span)
            return Line(span: span, latest: latest, slot: Int32(slots.allocate()))
        }
        retired[key] = left
        return left.lines.map { Self.record(of: key, $0) }
    }

    // MARK: The journal

    /// Everything that is known, as the journal has it.
    var records: [ReplayRecord] {
        let requests = held.flatMap { key, entry in
            entry.buckets.values.flatMap { bucket in
                bucket.places.compactMap { place in
                    place.slot.map {
                        ReplayRecord(key: key, content: .request(place.token), time: bucket.latest, slot: Int($0))
                    }
                }
            }
        }
        return requests + retired.flatMap { key, entry in entry.lines.map { Self.record(of: key, $0) } }
    }

    private static func record(of key: KeyID, _ line: Line) -> ReplayRecord {
        ReplayRecord(key: key, content: .retired(line.span), time: line.latest, slot: Int(line.slot))
    }

    /// - Parameters:
    ///   - hasSlot: or it is remembered by this process only.
    ///   - lifetime: of a request.
    ///   - farthest: that one can have to live.
    /// - Returns: whether it is kept, in its slot.
    private mutating func keep(
        _ record: ReplayRecord, hasSlot: Bool, lifetime: Double, farthest: Double, _ now: Moment
    ) -> Bool {
        guard let unit = Self.unit(record.time) else { return false }
        // The unit as a whole, as in `admit`: while it lasts, others are made in it.
        let left = Self.end(unit...unit) + lifetime - now.wall
        // Further ahead, one of the clocks is wrong that it was written by and that is now: it is kept for as long as it can be worth
        // anything. Behind, it is forgotten at once, or restarts would hold what has expired.
        let due = now.boot + min(max(left, 0), farthest)
        switch record.content {
        case .request(let token):
            guard !forgotten.contains(unit), held[record.key]?.seen.contains(token) != true,
                retired[record.key]?.covers(record.time, in: unit) != true
            else { return false }
            let share = shares.index(of: record.key)
            if hasSlot { shares.take(share) } else { noted.insert(unit...unit) }
            keep(token, of: record.key, share, in: hasSlot ? record.slot : nil, madeAt: record.time, unit, until: due)
        case .retired(let span):
            var left = retired[record.key] ?? Retired(due: due)
            left.lines.append(Line(span: span, latest: record.time, slot: Int32(record.slot)))
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
