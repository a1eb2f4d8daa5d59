@testable import WstanKit

extension FuzzTarget {
    /// A pool against a plain array: the one that came last goes first, none is given twice, none stays for ever.
    static let pool = FuzzTarget("pool", seeds: [[4, 10, 0, 0, 1, 2, 4, 200, 3, 0], [1, 1, 0, 0, 0, 1, 5, 2, 3, 3]]) {
        input in
        let size = input.below(20)
        let maxIdle = Duration.seconds(Int(input.byte()))
        var pool = PoolMachine(size: size, maxIdle: maxIdle)
        var model: [(id: UInt64, since: Instant)] = []
        var now = Instant(nanoseconds: 1)
        var last: UInt64 = 0
        while !input.isOver {
            switch input.below(6) {
            case 0, 1:
                last += 1
                let keeps = pool.becameIdle(last, now: now) == .keep
                require(keeps == (model.count < size && maxIdle > .zero), "kept while there is room")
                if keeps { model.append((last, now)) }
            case 2:
                require(pool.take() == model.popLast()?.id, "the last one in is the first one out")
            case 3:
                let id = input.choice(of: model.map(\.id) + [last + 1])
                pool.ended(id)
                model.removeAll { $0.id == id }
            case 4:
                now = now + .milliseconds(Int(input.byte()) * 500)
            default:
                let expired = pool.takeExpired(now: now)
                require(expired == model.prefix(expired.count).map(\.id), "the oldest first")
                for entry in model.prefix(expired.count) {
                    require(now - entry.since >= maxIdle / 3 - .milliseconds(1), "none before a third of its time")
                }
                model.removeFirst(expired.count)
                for entry in model { require(now - entry.since < maxIdle, "none beyond its time") }
                require(pool.nextExpiry.map { $0 > now } ?? true, "who looks again finds something")
            }
            require(pool.count == model.count && pool.count <= size, "bounded")
            require((pool.nextExpiry == nil) == model.isEmpty, "looked at again while there is something")
        }
    }
}
