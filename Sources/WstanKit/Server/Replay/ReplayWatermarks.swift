import WstanBase

/// Up to which time requests may have been accepted, for each key: what stands in for the journal when that is gone, as
/// after a reboot. A value; it writes nothing itself.
///
/// What is on the disk is ahead of what is accepted: a request beyond it waits until it has been moved on. It is moved in
/// steps, and while a key is used before it is reached, so that hardly any request has to wait.
package struct ReplayWatermarks {
    /// Seconds since the epoch, by key.
    package typealias Table = [KeyID: Double]

    /// How far ahead the mark is put. After a power cut genuine requests are refused for this time at most, counted from when
    /// it was put there.
    static let step = 30.0
    /// It is moved on when what is left of the step is less.
    static let reserve = 10.0
    /// How long a key is in use after a request. A server that is not used writes nothing.
    static let lull = 60.0
    /// A mark that was passed this long ago refuses nothing that has not expired.
    static let worthless = 7200.0
    /// Keys that the file can name.
    static let capacity = 1024
    /// Stands for all keys whose marks were dropped. 0.1.0 takes it for a key that it does not know.
    static let anyKey = KeyID(value: 0)

    /// Of a former process; empty when its journal is whole.
    private let refusing: Table
    /// Refuses requests of whatever key up to this time: the marks cannot be read.
    private let refusingAll: Double?
    /// On the disk.
    private var written: Table
    /// On its way there.
    private var writing: Table?
    /// What was on the disk at the start: what the former process has accepted is known no better.
    private let inherited: Table
    /// The latest time that was accepted, by key, since the start.
    private var accepted: Table = [:]
    /// When a key was used last.
    private var used: Table = [:]
    private var isClosed = false
    private let start: Double
    /// How far a request's time may be ahead of the clock, and the mark ahead of that.
    private var reach: Double

    /// - Parameters:
    ///   - found: what was on the disk; nil: it was there, and could not be read.
    ///   - gap: until when requests may have been accepted that are not known; see `ReplayJournal`.
    ///   - lifetime: the longest of a request whose time may be still to come, in seconds.
    package init(found: Table?, gap: Double, lifetime: Double, now: Double) {
        start = now
        reach = lifetime + 2 * Self.step
        written = found ?? [:]
        inherited = written
        refusing = gap > 0 ? written.mapValues { min($0, gap) } : [:]
        refusingAll = gap > 0 && found == nil ? min(now, gap) : nil
    }

    /// It is another one from now on; see `init`.
    mutating func apply(lifetime: Double) {
        reach = lifetime + 2 * Self.step
    }

    /// What is not known, for the journal to note.
    package var gap: Double {
        let latest = refusing.values.reduce(refusingAll ?? 0, max)
        return min(latest, start + reach)
    }

    // MARK: What is refused

    /// Whether a request may have been accepted before the start.
    func refuses(_ time: Double, of key: KeyID, now: Double) -> Bool {
        if let refusingAll, time <= refusingAll { return true }
        guard !refusing.isEmpty else { return false }
        return [key, Self.anyKey].contains { refusing[$0].map { refuses(time, by: $0, now: now) } ?? false }
    }

    private func refuses(_ time: Double, by mark: Double, now: Double) -> Bool {
        // The clock was ahead when this was written, or is behind now. Until its time has come, it refuses no more than a mark
        // of a clock that was right.
        time <= (mark <= now + reach ? mark : min(mark, start + reach))
    }

    /// For how many seconds requests of a right clock are refused, at most; 0 when none are.
    package func refusal(at now: Double) -> Double { max(0, gap - now) }

    // MARK: Moving on

    /// A request was accepted.
    ///
    /// - Returns: whether the mark was ahead of it.
    mutating func accepted(_ time: Double, of key: KeyID, now: Double) -> Bool {
        accepted[key] = max(accepted[key] ?? time, time)
        used[key] = now
        return covers(time, of: key)
    }

    /// Whether a request is below the mark that is on the disk.
    func covers(_ time: Double, of key: KeyID) -> Bool {
        written[key].map { time <= $0 } ?? false
    }

    /// - Returns: what is to be written now, when the former writing has come to its end; nil when nothing is.
    mutating func next(now: Double) -> Table? {
        guard !isClosed, writing == nil else { return nil }
        var next = written
        for (key, usedAt) in used where abs(now - usedAt) <= Self.lull {
            // A client whose clock is ahead takes the mark of its key with it.
            let latest = max(now, plausible(accepted[key], now) ?? now)
            let mark = written[key] ?? -.infinity
            // Too far ahead is a mark of a clock that has been set back.
            if mark - latest < Self.reserve || mark > latest + reach { next[key] = (latest + Self.step).rounded(.up) }
        }
        guard next != written else { return nil }
        next = Self.pruned(next, now)
        writing = next
        used = used.filter { abs(now - $0.value) <= Self.lull }
        return next
    }

    /// - Parameter isWritten: or it has failed, and the disk holds what it held before, or this.
    mutating func finished(isWritten: Bool) {
        if isWritten, let writing { written = writing }
        writing = nil
    }

    /// Nothing is accepted any more.
    ///
    /// - Returns: the lowest marks that hold all the same; nil when those on the disk are.
    mutating func close(now: Double) -> Table? {
        isClosed = true
        guard !accepted.isEmpty else { return nil }
        let last = accepted.compactMapValues { plausible($0, now) }
        return Self.pruned(inherited.merging(last, uniquingKeysWith: max), now)
    }

    /// - Returns: nil for a time of a clock that has been set back since.
    private func plausible(_ time: Double?, _ now: Double) -> Double? {
        time.flatMap { $0 <= now + reach ? $0 : nil }
    }

    private static func pruned(_ table: Table, _ now: Double) -> Table {
        let marks = table.sorted { $0.value > $1.value }
        let kept = marks.prefix(capacity - 1).prefix { $0.value > now - worthless }
        var pruned = Table(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
        // A clock that is set back comes to the time of the others again.
        if let latest = marks.dropFirst(kept.count).first?.value { pruned[anyKey] = max(latest, pruned[anyKey] ?? latest) }
        return pruned
    }
}
