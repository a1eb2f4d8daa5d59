import WstanBase

/// Which sources of a forward for datagrams have an association, and which of them gives way, as a value.
struct ForwardMachine<Source: Hashable> {
    private struct Entry {
        /// Whether its tunnel is there, or was tried in vain.
        var isSettled = false
        var lastUsed: Instant
        /// Tells the order of uses at one time.
        var use: UInt64
    }

    enum Arrival: Equatable {
        /// It has one.
        case known
        /// It gets one; that of `ending` ends for it, if there is no room.
        case new(ending: Source?)
        /// There is no room, and all others are still being opened: a flood must not open more tunnels than that at once.
        case drop
    }

    let capacity: Int
    /// An association that is idle for this long ends.
    var patience: Duration
    private var entries: [Source: Entry] = [:]
    private var uses: UInt64 = 0

    init(capacity: Int, patience: Duration) {
        self.capacity = capacity
        self.patience = patience
    }

    var count: Int { entries.count }

    mutating func arrived(from source: Source, now: Instant) -> Arrival {
        if use(source, now: now) { return .known }
        var ending: Source?
        if entries.count >= capacity {
            ending = entries.filter(\.value.isSettled).min { $0.value.use < $1.value.use }?.key
            guard let ending else { return .drop }
            entries[ending] = nil
        }
        uses &+= 1
        entries[source] = Entry(lastUsed: now, use: uses)
        return .new(ending: ending)
    }

    /// Something has come back for it.
    mutating func answered(_ source: Source, now: Instant) {
        _ = use(source, now: now)
    }

    /// Its tunnel is there, or cannot be had at the moment.
    mutating func settled(_ source: Source) {
        entries[source]?.isSettled = true
    }

    /// Its tunnel has ended.
    mutating func ended(_ source: Source) {
        entries[source] = nil
    }

    private mutating func use(_ source: Source, now: Instant) -> Bool {
        guard entries[source] != nil else { return false }
        uses &+= 1
        entries[source]?.use = uses
        entries[source]?.lastUsed = now
        return true
    }

    /// When to look again; nil without associations.
    var nextExpiry: Instant? {
        entries.values.map(\.lastUsed).min().map { $0 + patience }
    }

    /// Takes those that were not used for too long.
    mutating func takeExpired(now: Instant) -> [Source] {
        let expired = entries.filter { $0.value.lastUsed + patience <= now }.keys
        for source in expired { entries[source] = nil }
        return Array(expired)
    }
}
