/// Whose tunnels a worker has, and which of them gives way when there is no room for another: a value.
///
/// The key that has most gives way. Its longest idle tunnel is the first to go: that one carries nothing, and its client opens another when
/// it needs one. So the holder of one key keeps no other out, and where there is only one key it has all there is.
struct TunnelShares {
    private struct Share {
        var count = 0
        /// In the order in which they became idle; those that have been used since stay in it until their turn comes.
        var idle: [(tunnel: UInt64, spell: UInt64)] = []
        var first = 0

        mutating func append(_ tunnel: UInt64, _ spell: UInt64, _ spells: [UInt64: UInt64]) {
            if idle.count > 64 + 2 * count {
                idle = idle[first...].filter { spells[$0.tunnel] == $0.spell }
                first = 0
            }
            idle.append((tunnel, spell))
        }

        mutating func longestIdle(_ spells: [UInt64: UInt64], _ isIdle: (UInt64) -> Bool) -> UInt64? {
            while first < idle.count {
                let (tunnel, spell) = idle[first]
                if spells[tunnel] == spell, isIdle(tunnel) { return tunnel }
                // One that is used now comes back to the end of it.
                first += 1
            }
            return nil
        }
    }

    private var shares: [Party: Share] = [:]
    /// The last time that a tunnel became idle, by a number.
    private var spells: [UInt64: UInt64] = [:]
    private var lastSpell: UInt64 = 0
    /// Of all holders.
    private(set) var count = 0

    func count(of holder: Party) -> Int { shares[holder]?.count ?? 0 }

    mutating func opened(by holder: Party) {
        shares[holder, default: Share()].count += 1
        count += 1
    }

    mutating func becameIdle(_ tunnel: UInt64, of holder: Party) {
        lastSpell &+= 1
        spells[tunnel] = lastSpell
        shares[holder]?.append(tunnel, lastSpell, spells)
    }

    /// It has ended, or has to.
    mutating func left(_ tunnel: UInt64, of holder: Party) {
        spells[tunnel] = nil
        guard let share = shares[holder] else { return }
        count -= 1
        if share.count > 1 { shares[holder]?.count -= 1 } else { shares[holder] = nil }
    }

    /// An idle tunnel that gives way to another one of the newcomer: the longest idle one of the holder that has most, and of
    /// the newcomer itself before that of a holder that has less.
    ///
    /// - Parameter isIdle: whether a tunnel is idle now.
    mutating func longestIdle(for newcomer: Party, isIdle: (UInt64) -> Bool) -> UInt64? {
        let own = count(of: newcomer)
        let others = shares.filter { $0.value.count > own }.sorted { $0.value.count > $1.value.count }.map(\.key)
        for holder in others + [newcomer] {
            if let tunnel = shares[holder]?.longestIdle(spells, isIdle) { return tunnel }
        }
        return nil
    }

    /// Whose tunnel gives way to one of the newcomer when no tunnel is idle: of the holder that has most, unless the newcomer
    /// would then have as many.
    func greatest(beside newcomer: Party) -> Party? {
        guard let greatest = shares.max(by: { $0.value.count < $1.value.count }),
            greatest.value.count > count(of: newcomer) + 1
        else { return nil }
        return greatest.key
    }
}
