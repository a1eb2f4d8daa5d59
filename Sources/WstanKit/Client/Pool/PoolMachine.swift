import WstanBase

/// Which idle tunnels are kept, for how long, and how many are opened before anybody asks for one, as a value.
///
/// The tunnel that fell idle last is used first: it is the least likely to have been cut on the way, and the others age
/// until they are no longer needed. What exceeds the size is kept for a moment all the same, because a user agent that has
/// just ended so many connections often begins as many. Needed are `minimum`, and as many as the bursts of connections seen
/// lately took; what is needed and has grown old is replaced by a new one before it is closed. A minimum of 0 means that
/// nothing is opened ahead.
struct PoolMachine {
    private struct Entry {
        let id: UInt64
        let since: Instant
        /// Opened before it was asked for, and not used yet.
        var isAhead = false
        /// Nobody knows whether it works still: it is not given out.
        var isInDoubt = false
    }

    /// A tunnel that is being opened.
    private struct Opening {
        let number: UInt64
        /// Whether the server has been reached and asked: less than a round trip is left.
        var isAsked = false
        /// Whether a connection waits for it.
        var isClaimed = false
    }

    /// A burst is made up for when it is over, so that what it needs itself comes first...
    static let quiet: Duration = .milliseconds(250)
    /// ...or after this time, if it goes on.
    static let unquiet: Duration = .seconds(1)
    /// How long those are kept that exceed the size.
    static let surplusTime: Duration = .seconds(1)
    /// A tunnel that was cut sooner after its opening than this has failed.
    static let probation: Duration = .seconds(5)
    /// Long enough for a crowd: 10,000 clients of a server that is away or full try 1,300 times a second.
    static let longestPause: Duration = .seconds(15)
    /// A server that is restarted cuts the tunnels of all its clients at one moment. They come back within this time.
    static let lossPause: Duration = .seconds(1)

    private(set) var size: Int
    private(set) var minimum: Int
    private(set) var maxIdle: Duration
    private var entries: [Entry] = []
    private var openings: [Opening] = []
    private var lastNumber: UInt64 = 0
    private var bursts = BurstHistory()
    /// Connections that began since the pool was last filled up, and without a pause: the first and the last of them.
    private var unsettled: (first: Instant, last: Instant)?
    private var failures = 0
    private var pauseUntil: Instant?
    /// How many are opened at once after a loss: one, and twice as many with each that came; nil: as many as are needed.
    private var window: Int?
    private var jitter: Jitter

    init(size: Int, minimum: Int = 0, maxIdle: Duration, jitter: Jitter = .none) {
        self.jitter = jitter
        self.size = size
        self.minimum = Swift.min(minimum, size)
        self.maxIdle = maxIdle
    }

    /// Other bounds hold from now on.
    ///
    /// - Returns: those that are too many now.
    mutating func apply(size: Int, minimum: Int, maxIdle: Duration) -> [UInt64] {
        self.size = size
        self.minimum = Swift.min(minimum, size)
        self.maxIdle = maxIdle
        let surplus = entries.prefix(Swift.max(entries.count - (maxIdle > .zero ? size : 0), 0)).map(\.id)
        entries.removeFirst(surplus.count)
        return surplus
    }

    /// How many are idle.
    var count: Int { entries.count }

    /// How many may be given out at once.
    var ready: Int { entries.count { !$0.isInDoubt } }

    /// How many are being opened.
    var openingCount: Int { openings.count }

    /// How many of these no connection waits for.
    private var unclaimed: Int { openings.count { !$0.isClaimed } }

    /// How many idle tunnels there should be.
    func needed(now: Instant) -> Int {
        guard minimum > 0, maxIdle > .zero else { return 0 }
        return Swift.min(size, max(minimum, bursts.wanted(now: now)))
    }

    // MARK: Connections

    mutating func connectionBegan(now: Instant) {
        guard minimum > 0 else { return }
        bursts.connectionBegan(now: now)
        if let unsettled, now < unsettled.last + Self.quiet {
            self.unsettled = (unsettled.first, now)
        } else {
            unsettled = (now, now)
        }
    }

    /// Gives a tunnel out: the last one in, of those of which `isPreferred` holds if there are any.
    mutating func popIdle(preferring isPreferred: (UInt64) -> Bool = { _ in true }) -> UInt64? {
        let index =
            entries.lastIndex { !$0.isInDoubt && isPreferred($0.id) } ?? entries.lastIndex { !$0.isInDoubt }
        guard let index else { return nil }
        failures = 0
        return entries.remove(at: index).id
    }

    /// A tunnel that is being opened and comes sooner than one that would be opened now; the connection that gets it waits for it.
    mutating func claim() -> UInt64? {
        guard let index = openings.firstIndex(where: { $0.isAsked && !$0.isClaimed }) else { return nil }
        openings[index].isClaimed = true
        return openings[index].number
    }

    var mayClaim: Bool { openings.contains { $0.isAsked && !$0.isClaimed } }

    // MARK: Tunnels

    enum IdleAction: Equatable {
        case keep
        case close
    }

    mutating func becameIdle(_ id: UInt64, now: Instant) -> IdleAction {
        guard maxIdle > .zero, size > 0 else { return .close }
        entries.append(Entry(id: id, since: now))
        return .keep
    }

    /// An idle tunnel is no more.
    mutating func ended(_ id: UInt64, now: Instant) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        let entry = entries.remove(at: index)
        window = 1
        if entry.isAhead, now - entry.since < Self.probation { return failed(now: now) }
        failures = 0
        if pauseUntil == nil { pauseUntil = now + jitter.spread(Self.lossPause) }
    }

    /// Nobody knows whether it works still.
    ///
    /// - Returns: false when that was known already, or it is not idle.
    mutating func doubt(_ id: UInt64) -> Bool {
        guard let index = entries.firstIndex(where: { $0.id == id && !$0.isInDoubt }) else { return false }
        entries[index].isInDoubt = true
        return true
    }

    mutating func proved(_ id: UInt64) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        entries[index].isInDoubt = false
    }

    var idle: [UInt64] { entries.map(\.id) }

    /// Forgets one: it is of no more use, which is not its server's fault.
    mutating func drop(_ id: UInt64) {
        entries.removeAll { $0.id == id }
    }

    /// Forgets all idle tunnels; they are of no more use.
    mutating func dropAll() -> [UInt64] {
        defer { entries = [] }
        return idle
    }

    // MARK: Opening

    /// Whether the server takes the request that opens an idle tunnel.
    enum Asking: Equatable {
        case freely
        /// Not known: one is asked for, and no other before that is answered.
        case once
        /// It does not, or it must be found out later by other means.
        case no
        case notBefore(Instant)
    }

    enum Replenishment: Equatable {
        case enough
        /// Tunnels are to be opened, under these numbers.
        case open([UInt64])
        case later(Instant)
    }

    /// To be asked after every event, and at the time that it says.
    mutating func replenish(now: Instant, asking: Asking) -> Replenishment {
        let needed = needed(now: now)
        let available = entries.count { !isOld($0, now) } + unclaimed
        guard available < needed else { return .enough }
        switch asking {
        case .no: return .enough
        case .notBefore(let time) where now < time: return .later(time)
        case .notBefore, .once, .freely: break
        }
        if let pauseUntil, now < pauseUntil { return .later(pauseUntil) }
        var wanted = needed - available
        if let unsettled {
            let due = Swift.min(unsettled.last + Self.quiet, unsettled.first + Self.unquiet)
            if now < due {
                wanted = minimum - available
                guard wanted > 0 else { return .later(due) }
            } else {
                self.unsettled = nil
            }
        }
        wanted = Swift.min(wanted, size - entries.count - unclaimed)
        // Where it is not known whether one can be opened, one is tried.
        if pauseUntil != nil || asking != .freely { wanted = Swift.min(wanted, 1 - openings.count) }
        if let window { wanted = Swift.min(wanted, window - openings.count) }
        guard wanted > 0 else { return .enough }
        let numbers = (0..<wanted).map { lastNumber + 1 + UInt64($0) }
        lastNumber += UInt64(wanted)
        openings += numbers.map { Opening(number: $0) }
        return .open(numbers)
    }

    /// The server was reached, and asked.
    mutating func asked(_ number: UInt64) {
        guard let index = openings.firstIndex(where: { $0.number == number }) else { return }
        openings[index].isAsked = true
    }

    enum OpenedAction: Equatable {
        case keep
        /// To the connection that waits for it.
        case give
        case close
    }

    mutating func opened(_ number: UInt64, as id: UInt64, now: Instant) -> OpenedAction {
        window = window.flatMap { $0 < size ? $0 * 2 : nil }
        if let index = openings.firstIndex(where: { $0.number == number }), openings.remove(at: index).isClaimed {
            pauseUntil = nil
            return .give
        }
        // Whether it lasts is another matter, and `failures` stands until then.
        pauseUntil = nil
        guard maxIdle > .zero, entries.count < size else { return .close }
        entries.append(Entry(id: id, since: now, isAhead: true))
        return .keep
    }

    enum OpeningFailure: Equatable {
        /// The server said no: whether it is asked again is for `Asking` to say.
        case refused
        case unreachable
    }

    mutating func openingFailed(_ number: UInt64, _ failure: OpeningFailure, now: Instant) {
        guard let index = openings.firstIndex(where: { $0.number == number }) else { return }
        openings.remove(at: index)
        switch failure {
        case .refused: break
        case .unreachable: failed(now: now)
        }
    }

    /// Those that are being opened are not counted on any more: the network has changed under them.
    ///
    /// - Returns: those that a connection waits for.
    mutating func abandonOpenings() -> [UInt64] {
        defer { openings = [] }
        return openings.filter(\.isClaimed).map(\.number)
    }

    /// The server was reached, or may be now.
    mutating func mayTryAgain() {
        failures = 0
        pauseUntil = nil
    }

    /// 250 ms, 1 s, 2 s, 4 s... What fails within a pause was begun before it.
    private mutating func failed(now: Instant) {
        window = 1
        if let pauseUntil, now < pauseUntil { return }
        failures += 1
        let pause: Duration =
            failures == 1
            ? .milliseconds(250) : Swift.min(Self.longestPause, .seconds(1 << Swift.min(failures - 2, 10)))
        pauseUntil = now + jitter.spread(pause)
    }

    // MARK: Age

    /// The fuller the pool, the shorter its tunnels are kept: from `maxIdle` down to a third of it.
    private var patience: Duration {
        maxIdle - maxIdle * min(entries.count, size) / max(size, 1) * 2 / 3
    }

    private func isOld(_ entry: Entry, _ now: Instant) -> Bool { entry.since + maxIdle <= now }

    /// When to look for old ones again; nil when there will be none.
    func nextExpiry(now: Instant) -> Instant? {
        guard let first = entries.first else { return nil }
        if entries.count > size { return first.since + min(Self.surplusTime, patience) }
        let needed = needed(now: now)
        if entries.count > needed { return first.since + patience }
        let lessNeeded = needed > minimum ? bursts.nextChange(now: now) : nil
        // An old one waits for its successor.
        let nextOld = entries.first { !isOld($0, now) }.map { $0.since + maxIdle }
        switch (lessNeeded, nextOld) {
        case (let a?, let b?): return Swift.min(a, b)
        case (let a, let b): return a ?? b
        }
    }

    /// Takes those that were not needed for too long, the oldest first.
    ///
    /// - Parameter mayOpen: whether an old one that is needed would get a successor.
    mutating func takeExpired(now: Instant, mayOpen: Bool = false) -> [UInt64] {
        var expired: [UInt64] = []
        let needed = needed(now: now)
        while let first = entries.first {
            if entries.count > size {
                guard first.since + min(Self.surplusTime, patience) <= now else { break }
            } else if entries.count > needed {
                guard first.since + patience <= now else { break }
            } else {
                // Its successor comes first, and only where there is no room for both, afterwards.
                guard mayOpen, isOld(first, now), entries.count >= size, openings.isEmpty, pauseUntil == nil else {
                    break
                }
            }
            expired.append(first.id)
            entries.removeFirst()
        }
        return expired
    }
}
