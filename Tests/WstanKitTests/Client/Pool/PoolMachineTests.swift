import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct PoolMachineTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func at(_ seconds: Int) -> Instant { start + .seconds(seconds) }

    @Test func `the tunnel that fell idle last is used first`() {
        var pool = PoolMachine(size: 4, maxIdle: .seconds(300))
        for id in 1...4 { #expect(pool.becameIdle(UInt64(id), now: Self.at(id)) == .keep) }
        let taken = (0..<5).map { _ in pool.popIdle() }
        #expect(taken == [4, 3, 2, 1, nil])
    }

    @Test func `no more than the size are kept for longer than a moment`() {
        var pool = PoolMachine(size: 2, maxIdle: .seconds(300))
        for id in 1...4 { #expect(pool.becameIdle(UInt64(id), now: Self.start) == .keep) }
        #expect(pool.nextExpiry(now: Self.start) == Self.at(1))
        #expect(pool.takeExpired(now: Self.start + .milliseconds(999)) == [])
        #expect(pool.takeExpired(now: Self.at(1)) == [1, 2])
        #expect(pool.count == 2)
        // One that was needed for long by nobody gives way at once.
        #expect(pool.becameIdle(5, now: Self.at(9)) == .keep)
        #expect(pool.takeExpired(now: Self.at(9)) == [3])
    }

    @Test func `as many connections as have just ended find a tunnel each`() {
        var pool = PoolMachine(size: 4, maxIdle: .seconds(300))
        for id in 1...32 { #expect(pool.becameIdle(UInt64(id), now: Self.start) == .keep) }
        #expect(pool.takeExpired(now: Self.start + .milliseconds(500)) == [])
        #expect((1...32).allSatisfy { _ in pool.popIdle() != nil })
    }

    @Test(arguments: [(0, 300), (16, 0)])
    func `a pool without room or without time keeps nothing`(size: Int, seconds: Int) {
        var pool = PoolMachine(size: size, maxIdle: .seconds(seconds))
        #expect(pool.becameIdle(1, now: Self.start) == .close)
        #expect(pool.popIdle() == nil)
        #expect(pool.nextExpiry(now: Self.start) == nil)
    }

    @Test func `what has ended is forgotten, and may end twice`() {
        var pool = PoolMachine(size: 3, maxIdle: .seconds(300))
        for id in 1...3 { _ = pool.becameIdle(UInt64(id), now: Self.start) }
        pool.ended(2, now: Self.start)
        pool.ended(2, now: Self.start)
        pool.ended(9, now: Self.start)
        let taken = (0..<3).map { _ in pool.popIdle() }
        #expect(taken == [3, 1, nil])
    }

    @Test func `the fuller the pool, the shorter its tunnels are kept, down to a third`() throws {
        var pool = PoolMachine(size: 3, maxIdle: .seconds(90))
        var waits: [Duration] = []
        for id in 1...3 {
            _ = pool.becameIdle(UInt64(id), now: Self.start)
            waits.append(try #require(pool.nextExpiry(now: Self.start)) - Self.start)
        }
        #expect(waits == [.seconds(70), .seconds(50), .seconds(30)])
        #expect(pool.takeExpired(now: Self.at(29)) == [])
        // When the first has gone, the others have more time.
        #expect(pool.takeExpired(now: Self.at(30)) == [1])
        #expect(pool.takeExpired(now: Self.at(49)) == [])
        #expect(pool.takeExpired(now: Self.at(50)) == [2])
        #expect(pool.takeExpired(now: Self.at(70)) == [3])
        #expect(pool.nextExpiry(now: Self.at(70)) == nil)
    }

    @Test func `it does what a list with a stated patience does`() {
        for seed in 0..<60 {
            var random = SeededRandomness(seed: UInt64(seed))
            let size = random.below(6)
            var pool = PoolMachine(size: size, maxIdle: .seconds(60))
            var model: [(id: UInt64, since: Int)] = []
            var second = 0
            func patience() -> Double {
                model.count > size ? 1 : 60 - 40 * Double(model.count) / Double(max(size, 1))
            }
            for step in 1...400 {
                switch random.below(4) {
                case 0, 1:
                    let kept = pool.becameIdle(UInt64(step), now: Self.at(second)) == .keep
                    if kept != (size > 0) { Issue.record("seed \(seed), step \(step)") }
                    if kept { model.append((UInt64(step), second)) }
                case 2:
                    if pool.popIdle() != model.popLast()?.id { Issue.record("seed \(seed), step \(step)") }
                default:
                    let id = UInt64(random.below(step))
                    pool.ended(id, now: Self.at(second))
                    model.removeAll { $0.id == id }
                }
                second += random.below(8)
                var expired: [UInt64] = []
                while let first = model.first, Double(first.since) + patience() <= Double(second) {
                    expired.append(first.id)
                    model.removeFirst()
                }
                let taken = pool.takeExpired(now: Self.at(second))
                if taken != expired || pool.count != model.count { Issue.record("seed \(seed), step \(step)") }
            }
        }
    }
}
