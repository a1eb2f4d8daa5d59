@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A request is admitted once under its key, whatever the calendar's clock does, unless its key is retired: then neither is
    /// one that was made before the last of those. When a share is full, nothing is.
    static let replayMemory = FuzzTarget(
        "replay-memory",
        seeds: [[5, 0, 1, 60, 0, 1, 60, 1, 130, 0, 1, 60], [1, 0, 1, 60, 0, 2, 60, 3, 0, 1, 60], [9, 2, 0, 7, 9, 4, 1, 5, 0]]
    ) { input in
        let capacity = 1 + input.below(8)
        var memory = ReplayMemory(capacity: capacity)
        var admitted: Set<[UInt64]> = []
        var times: [[UInt64]: Double] = [:]
        var now = Moment(wall: 1_763_683_200, boot: 100)
        let names = [KeyID(value: 1): KeyName.configured]
        while !input.isOver {
            switch input.below(6) {
            case 1:
                let passed = Double(input.byte())
                now.wall += passed
                now.boot += passed
            case 3: now.wall -= Double(input.byte()) * Double(input.byte())
            case 4: now.wall += Double(input.byte()) * 10
            case 5:
                let lines = memory.install(input.byte() & 1 == 0 ? names : [:])
                require(lines.allSatisfy { $0.isLine && $0.slot < capacity }, "lines have slots of what they stand for")
            default: break
            }
            let number = input.byte()
            let strange: [Double] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 1e300, -1, 0]
            let identity = [UInt64(number >> 7), UInt64(number)]
            // A request's time is its own, and how long it lives may change.
            let given = number & 0x40 != 0 ? input.choice(of: strange) : now.wall + Double(input.byte() % 120) - 60
            let time = times[identity] ?? given
            let lifetime = number & 0x20 != 0 ? 60.0 : 600
            let admission = memory.admit(
                Nonce(high: 0, low: UInt64(number)), under: KeyID(value: 1 + identity[0]), madeAt: time, lifetime: lifetime, now: now)
            require(memory.count <= capacity, "bounded")
            guard case .new(let slot) = admission else { continue }
            require(slot < capacity, "as many slots as there may be requests")
            require(time.isFinite, "only what has an end")
            require(admitted.insert(identity).inserted, "only once")
            times[identity] = time
        }
    }
}
