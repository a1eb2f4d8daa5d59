import WstanBase

/// How many connections began at about the same time lately, as a value: so many tunnels the next burst will want.
///
/// "At about the same time" is within a second, which is what opening a tunnel takes where the way is long: a tunnel that is
/// opened when the first of them begins comes too late for the others. The largest number seen stands for ten minutes
/// from when it was last reached, then half of it for as long, and so on.
struct BurstHistory {
    /// How many slices a second is counted in, of which the oldest falls away as a new one begins.
    private static let slices = 10
    private static let slice: UInt64 = 100_000_000
    static let halfLife: Duration = .seconds(600)
    private static let halfLifeInNanoseconds = halfLife.wholeNanoseconds

    private var counts = [Int](repeating: 0, count: slices)
    /// The number of the last slice since the clock's beginning.
    private var last: UInt64 = 0
    private var largest = 0
    private var reached = Instant(nanoseconds: 0)

    mutating func connectionBegan(now: Instant) {
        let slice = now.nanoseconds / Self.slice
        if slice > last {
            for passed in 1...min(slice - last, UInt64(Self.slices)) { counts[index(of: last + passed)] = 0 }
            last = slice
        }
        counts[index(of: last)] += 1
        let size = counts.reduce(0, +)
        guard size >= wanted(now: now) else { return }
        largest = size
        reached = now
    }

    /// How many tunnels a burst may want by what was seen.
    func wanted(now: Instant) -> Int {
        let halvings = halvings(now)
        return halvings < UInt64(Int.bitWidth - 1) ? largest >> Int(halvings) : 0
    }

    /// When less will be wanted; nil when nothing is.
    func nextChange(now: Instant) -> Instant? {
        guard wanted(now: now) > 0 else { return nil }
        return reached + Self.halfLife * Int(clamping: halvings(now) + 1)
    }

    private func halvings(_ now: Instant) -> UInt64 {
        now.nanoseconds(since: reached) / Self.halfLifeInNanoseconds
    }

    private func index(of slice: UInt64) -> Int { Int(slice % UInt64(Self.slices)) }
}
