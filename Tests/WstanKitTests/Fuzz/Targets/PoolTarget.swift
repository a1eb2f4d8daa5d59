@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A pool against a plain array: the one that came last goes first, none is given twice, none that is not needed stays
    /// for ever, those that exceed the size hardly at all, and never more are opened than there is room for.
    static let pool = FuzzTarget(
        "pool",
        seeds: [
            [4, 10, 0, 0, 0, 1, 2, 4, 200, 3, 0], [1, 1, 0, 0, 0, 0, 1, 5, 2, 3, 3],
            [8, 60, 2, 6, 0, 6, 0, 7, 0, 7, 8, 0, 2, 4, 3, 6, 0, 9, 0, 4, 255, 5, 10, 0, 6, 3, 8, 1, 11],
        ]
    ) { input in
        let size = input.below(20)
        let maxIdle = Duration.seconds(Int(input.byte()))
        let minimum = input.below(4)
        var pool = PoolMachine(size: size, minimum: minimum, maxIdle: maxIdle)
        var model: [(id: UInt64, since: Instant)] = []
        var doubted: Set<UInt64> = []
        var opening: Set<UInt64> = []
        var claimed: Set<UInt64> = []
        var now = Instant(nanoseconds: 1)
        var last: UInt64 = 1 << 32
        while !input.isOver {
            switch input.below(13) {
            case 0, 1:
                last += 1
                let keeps = pool.becameIdle(last, now: now) == .keep
                require(keeps == (size > 0 && maxIdle > .zero), "kept where anything is")
                if keeps { model.append((last, now)) }
            case 2:
                let expected = model.last { !doubted.contains($0.id) }?.id
                require(pool.popIdle() == expected, "the last one in is the first one out")
                model.removeAll { $0.id == expected }
            case 3:
                let id = input.choice(of: model.map(\.id) + [last + 1])
                if input.flag() { pool.ended(id, now: now) } else { pool.drop(id) }
                model.removeAll { $0.id == id }
            case 4:
                now = now + .milliseconds(Int(input.byte()) * 500)
            case 5:
                let needed = pool.needed(now: now)
                let mayOpen = input.flag()
                let before = model.count
                let expired = pool.takeExpired(now: now, mayOpen: mayOpen)
                require(expired == model.prefix(expired.count).map(\.id), "the oldest first")
                for (index, entry) in model.prefix(expired.count).enumerated() {
                    let third = maxIdle / 3 - .milliseconds(1)
                    let isSurplus = before - index > size
                    require(
                        now - entry.since >= (isSurplus ? min(third, PoolMachine.surplusTime) : third),
                        "none before a third of its time, or before a moment")
                }
                model.removeFirst(expired.count)
                require(model.count >= min(needed, before) - (mayOpen ? 1 : 0), "what is needed stays")
                if model.count > needed {
                    for entry in model { require(now - entry.since < maxIdle, "none beyond its time") }
                }
                require(pool.nextExpiry(now: now).map { $0 > now } ?? true, "who looks again finds something")
            case 6:
                pool.connectionBegan(now: now)
            case 7, 8:
                let asking: PoolMachine.Asking = input.choice(of: [.freely, .once, .no, .notBefore(now + .seconds(5))])
                switch pool.replenish(now: now, asking: asking) {
                case .enough: break
                case .later(let time): require(time > now, "later, not at once")
                case .open(let numbers):
                    require(!numbers.isEmpty && opening.isDisjoint(with: numbers), "numbers of their own")
                    require(asking == .freely || opening.isEmpty && numbers.count == 1, "one to find out")
                    opening.formUnion(numbers)
                    require(model.count + opening.count - claimed.count <= size, "no more than there is room for")
                    require(pool.needed(now: now) > 0, "only where something is needed")
                }
            case 9:
                guard let number = opening.min() else { break }
                pool.asked(number)
                if let claim = pool.claim() {
                    require(opening.contains(claim) && claimed.insert(claim).inserted, "one waits for each")
                }
            case 10:
                guard let number = opening.min() else { break }
                opening.remove(number)
                let wasClaimed = claimed.remove(number) != nil
                guard input.flag() else {
                    pool.openingFailed(number, input.flag() ? .unreachable : .refused, now: now)
                    break
                }
                let action = pool.opened(number, as: number, now: now)
                require((action == .give) == wasClaimed, "who waits for it gets it")
                if action == .keep { model.append((number, now)) }
            case 11:
                let id = input.choice(of: model.map(\.id) + [last + 1])
                if input.flag() {
                    if pool.doubt(id) { doubted.insert(id) }
                } else {
                    pool.proved(id)
                    doubted.remove(id)
                }
            default:
                require(Set(pool.abandonOpenings()) == claimed, "who waits is told")
                opening = []
                claimed = []
                pool.mayTryAgain()
            }
            doubted.formIntersection(model.map(\.id))
            require(pool.count == model.count, "as many as were kept")
            if let first = model.first, model.count > size {
                require(
                    pool.nextExpiry(now: now)! - first.since <= PoolMachine.surplusTime, "a surplus is soon looked at")
            }
            require(pool.ready == model.count - doubted.count, "what is in doubt is not ready")
            let needed = pool.needed(now: now)
            require(needed <= size, "no more than there is room for")
            if model.count > needed { require(pool.nextExpiry(now: now) != nil, "looked at again") }
        }
    }
}
