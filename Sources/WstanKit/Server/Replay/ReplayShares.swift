/// Shares out the memory of requests, and the openings of tunnels, among the names of keys. A value.
///
/// A name may hold at most half of what the others leave free, so a flood of one name's requests stops no other: the next one
/// finds half of the rest, and so on.
struct ReplayShares {
    private struct Share {
        var held = 0
        var openings = OpeningRate()
    }

    enum Holder: Equatable {
        /// nil: a key that has no name.
        case name(KeyName?)
        /// What 0.1.0 had accepted, of whatever key.
        case formerRelease
    }

    /// Where a share stands; valid until keys are installed.
    typealias Index = Int

    let capacity: Int
    /// Tunnels of one name per second; 0: no limit.
    var rate = 0
    private(set) var held = 0

    private var shares: [Share] = []
    private var names: [KeyID: KeyName] = [:]
    private var byName: [KeyName: Index] = [:]
    private var byKey: [KeyID: Index] = [:]

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Forgets what each name holds, which the caller counts anew; how fast each opens tunnels is kept.
    mutating func install(_ names: [KeyID: KeyName]) {
        let former = byName.mapValues { shares[$0].openings }
        self.names = names
        (shares, byName, byKey, held) = ([], [:], [:], 0)
        for name in Set(names.values) {
            byName[name] = shares.count
            shares.append(Share(openings: former[name] ?? OpeningRate()))
        }
    }

    /// A key that has no name has a share of its own.
    mutating func index(of key: KeyID) -> Index {
        if let known = byKey[key] { return known }
        let index = names[key].flatMap { byName[$0] } ?? shares.count
        if index == shares.count { shares.append(Share()) }
        byKey[key] = index
        return index
    }

    /// Whose share is the largest.
    ///
    /// - Parameter former: under which the requests stand that 0.1.0 had accepted.
    func largestHolder(former: KeyID) -> Holder {
        guard let largest = shares.indices.max(by: { shares[$0].held < shares[$1].held }) else { return .name(nil) }
        return byKey[former] == largest ? .formerRelease : .name(byName.first { $0.value == largest }?.key)
    }

    func mayTake(_ index: Index) -> Bool {
        let free = capacity - held
        let own = shares[index].held
        // One is enough to begin with, as long as there is one.
        return free > 0 && (own == 0 || own < free)
    }

    mutating func take(_ index: Index, count: Int = 1) {
        shares[index].held += count
        held += count
    }

    mutating func give(_ index: Index, count: Int) {
        shares[index].held -= count
        held -= count
    }

    /// Counts one more tunnel.
    ///
    /// - Returns: false when there are too many.
    mutating func opens(_ index: Index, at boot: Double) -> Bool {
        rate == 0 || shares[index].openings.opens(at: boot, rate: Double(rate))
    }
}

/// A token bucket: so many per second, and those of twenty seconds at once, as when all clients of a name return after a restart.
struct OpeningRate {
    static let burstSeconds = 20.0

    private var left: Double?
    private var counted = 0.0

    mutating func opens(at now: Double, rate: Double) -> Bool {
        let burst = rate * Self.burstSeconds
        let filled = min(burst, (left ?? burst) + max(0, now - counted) * rate)
        counted = now
        left = filled >= 1 ? filled - 1 : filled
        return filled >= 1
    }
}
