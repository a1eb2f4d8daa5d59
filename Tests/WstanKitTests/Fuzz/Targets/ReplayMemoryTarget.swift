@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A request is admitted once, for as long as it is worth anything and longer, whatever the clock does; when the
    /// memory is full, nothing is.
    static let replayMemory = FuzzTarget(
        "replay-memory",
        seeds: [[5, 0, 1, 60, 0, 1, 60, 1, 130, 0, 1, 60], [1, 0, 1, 60, 0, 2, 60, 3, 0, 1, 60], [9, 2, 0, 7, 9]]
    ) { input in
        let capacity = 1 + input.below(8)
        var memory = ReplayMemory(capacity: capacity)
        var expiries: [UInt8: Double] = [:]
        var now = 1_763_683_200.0
        var latest = now
        while !input.isOver {
            let step = input.below(4)
            if step == 1 { now += Double(input.byte()) }
            // By less than the margin, or what was forgotten may come back.
            if step == 3 { now = max(latest - 110, now - Double(input.byte())) }
            latest = max(latest, now)
            let token = input.byte()
            let strange: [Double] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 1e300, -1, 0]
            let expiry = step == 2 ? input.choice(of: strange) : now + Double(input.byte() % 120)
            guard case .new(let slot) = memory.admit(Nonce(high: 0, low: UInt64(token)), expiry: expiry, now: now)
            else { continue }
            require(slot < capacity, "as many slots as there may be requests")
            require(expiry.isFinite, "only what has an end")
            if let before = expiries[token] {
                require(latest >= before, "not a second time before it has expired: \(before - latest)")
            }
            expiries[token] = expiry
            require(memory.count <= capacity, "bounded")
        }
    }
}
