import Testing

@testable import WstanBase
@testable import WstanCore

/// What a pool opens before it is asked, by a clock of the test's own.
@Suite struct PoolAheadTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func at(_ seconds: Double) -> Instant { start + .milliseconds(Int(seconds * 1000)) }

    private static func pool(size: Int = 16, minimum: Int = 1, maxIdle: Duration = .seconds(300)) -> PoolMachine {
        PoolMachine(size: size, minimum: minimum, maxIdle: maxIdle)
    }

    /// Opens what is due, at once; the tunnels bear the numbers of their openings.
    private static func fill(_ pool: inout PoolMachine, at seconds: Double, keeping: Bool = true) -> [UInt64] {
        guard case .open(let numbers) = pool.replenish(now: at(seconds), asking: .freely) else { return [] }
        for number in numbers where keeping {
            #expect(pool.opened(number, as: number, now: at(seconds)) == .keep)
        }
        return numbers
    }

    // MARK: How many

    @Test func `the minimum is opened at once, and again when one was taken`() {
        var pool = Self.pool(minimum: 2)
        #expect(Self.fill(&pool, at: 0) == [1, 2])
        #expect(pool.replenish(now: Self.at(0), asking: .freely) == .enough)
        pool.connectionBegan(now: Self.at(9))
        #expect(pool.popIdle() == 2)
        #expect(pool.replenish(now: Self.at(9), asking: .freely) == .open([3]))
    }

    @Test(arguments: [(0, 1, 300), (16, 1, 0), (16, 0, 300)])
    func `without room, time or minimum nothing is opened ahead`(size: Int, minimum: Int, seconds: Int) {
        var pool = Self.pool(size: size, minimum: minimum, maxIdle: .seconds(seconds))
        for _ in 0..<5 { pool.connectionBegan(now: Self.start) }
        #expect(pool.needed(now: Self.at(1)) == 0)
        #expect(pool.replenish(now: Self.at(2), asking: .freely) == .enough)
    }

    @Test func `a minimum above the size is the size`() {
        var pool = Self.pool(size: 3, minimum: 9)
        #expect(Self.fill(&pool, at: 0).count == 3)
    }

    @Test func `after a burst as many are opened as it took, when it is over`() {
        var pool = Self.pool()
        _ = Self.fill(&pool, at: 0)
        for _ in 0..<6 { pool.connectionBegan(now: Self.at(1)) }
        _ = pool.popIdle()
        // The minimum at once; the rest does not compete with the burst itself.
        #expect(Self.fill(&pool, at: 1, keeping: false).count == 1)
        #expect(pool.replenish(now: Self.at(1), asking: .freely) == .later(Self.at(1.25)))
        #expect(Self.fill(&pool, at: 1.25).count == 5)
        #expect(pool.replenish(now: Self.at(2), asking: .freely) == .enough)
    }

    @Test func `connections that never pause are made up for after a second`() {
        var pool = Self.pool()
        _ = Self.fill(&pool, at: 0)
        var opened: [(Double, Int)] = []
        for tenth in 10...40 {
            let now = Double(tenth) / 10
            pool.connectionBegan(now: Self.at(now))
            let count = Self.fill(&pool, at: now).count
            if count > 0 { opened.append((now, count)) }
        }
        #expect(opened.map(\.0) == [2])
        #expect(opened.map(\.1) == [9])
    }

    @Test func `never more than the size are idle or being opened`() {
        var pool = Self.pool(size: 4)
        for _ in 0..<50 { pool.connectionBegan(now: Self.start) }
        #expect(Self.fill(&pool, at: 1, keeping: false).count == 4)
        for id in 100...103 { #expect(pool.becameIdle(UInt64(id), now: Self.at(1)) == .keep) }
        // Those in use came back first: there is no room for what was opened.
        #expect(pool.opened(1, as: 1, now: Self.at(1)) == .close)
    }

    @Test func `connections one after the other, without a pause, open one tunnel in a second at most`() {
        var pool = Self.pool(size: 4)
        _ = Self.fill(&pool, at: 0)
        var opened = 0
        var now = 0.0
        for _ in 0..<5000 {  // a connection each millisecond
            now += 0.001
            pool.connectionBegan(now: Self.at(now))
            opened += Self.fill(&pool, at: now).count
            let taken = pool.popIdle()
            opened += Self.fill(&pool, at: now).count
            if let taken { #expect(pool.becameIdle(taken, now: Self.at(now)) == .keep) }
            _ = pool.takeExpired(now: Self.at(now))
        }
        // And at the beginning one for each of the burst's.
        #expect(opened <= 4 + 5)
    }

    @Test func `the largest burst stands for ten minutes, then half of it, and so on`() {
        var bursts = BurstHistory()
        for _ in 0..<13 { bursts.connectionBegan(now: Self.start) }
        #expect(bursts.wanted(now: Self.at(599)) == 13)
        #expect(bursts.nextChange(now: Self.at(599)) == Self.at(600))
        #expect(bursts.wanted(now: Self.at(600)) == 6)
        #expect(bursts.nextChange(now: Self.at(600)) == Self.at(1200))
        #expect([1200, 1800, 2400, 1e6].map { bursts.wanted(now: Self.at($0)) } == [3, 1, 0, 0])
        #expect(bursts.nextChange(now: Self.at(2400)) == nil)
        // A smaller one counts from when it is the largest that is remembered.
        for _ in 0..<4 { bursts.connectionBegan(now: Self.at(1300)) }
        #expect(bursts.wanted(now: Self.at(1899)) == 4)
    }

    @Test func `a burst is what begins within a second`() {
        var bursts = BurstHistory()
        for tenth in 0..<30 { bursts.connectionBegan(now: Self.at(Double(tenth) / 10)) }
        #expect(bursts.wanted(now: Self.at(3)) == 10)
        bursts = BurstHistory()
        for second in 0..<30 { bursts.connectionBegan(now: Self.at(Double(second) * 2)) }
        #expect(bursts.wanted(now: Self.at(60)) == 1)
    }

    @Test func `it counts as a list of times does`() {
        var random = SeededRandomness(seed: 5)
        for _ in 0..<50 {
            var bursts = BurstHistory()
            var times: [Int] = []
            var slice = 10_000
            var largest = 0
            for _ in 0..<200 {
                slice += random.below(8) == 0 ? random.below(40) : random.below(3)
                times.append(slice)
                bursts.connectionBegan(now: Instant(nanoseconds: UInt64(slice) * 100_000_000 + 7))
                largest = max(largest, times.count { $0 > slice - 10 })
                let wanted = bursts.wanted(now: Instant(nanoseconds: UInt64(slice) * 100_000_000 + 9))
                if wanted != largest { Issue.record("\(wanted) instead of \(largest)") }
            }
        }
    }

    // MARK: Age

    @Test func `what is needed is replaced when it has grown old, and kept until then`() {
        var pool = Self.pool(maxIdle: .seconds(60))
        #expect(Self.fill(&pool, at: 0) == [1])
        #expect(pool.nextExpiry(now: Self.at(1)) == Self.at(60))
        #expect(pool.takeExpired(now: Self.at(59), mayOpen: true) == [])
        #expect(pool.takeExpired(now: Self.at(60), mayOpen: true) == [])
        #expect(pool.replenish(now: Self.at(60), asking: .freely) == .open([2]))
        #expect(pool.nextExpiry(now: Self.at(60)) == nil)
        #expect(pool.popIdle() == 1)
        #expect(pool.becameIdle(1, now: Self.at(60)) == .keep)
        #expect(pool.opened(2, as: 2, now: Self.at(61)) == .keep)
    }

    @Test func `the old one goes when its successor has come`() {
        var pool = Self.pool(maxIdle: .seconds(60))
        _ = Self.fill(&pool, at: 0)
        #expect(Self.fill(&pool, at: 60) == [2])
        #expect(pool.takeExpired(now: Self.at(60), mayOpen: true) == [1])
        #expect(pool.count == 1)
        #expect(pool.popIdle() == 2)
    }

    @Test func `where there is no room for both, one old one at a time goes first`() {
        var pool = Self.pool(size: 2, minimum: 2, maxIdle: .seconds(60))
        _ = Self.fill(&pool, at: 0)
        #expect(pool.replenish(now: Self.at(60), asking: .freely) == .enough)
        #expect(pool.takeExpired(now: Self.at(60), mayOpen: true) == [1])
        #expect(pool.replenish(now: Self.at(60), asking: .freely) == .open([3]))
        #expect(pool.takeExpired(now: Self.at(60), mayOpen: true) == [])
        #expect(pool.opened(3, as: 3, now: Self.at(60)) == .keep)
        #expect(pool.takeExpired(now: Self.at(60), mayOpen: true) == [2])
    }

    @Test func `a server that opens nothing ahead keeps the tunnels that are needed`() {
        var pool = Self.pool(size: 1, maxIdle: .seconds(60))
        #expect(pool.becameIdle(7, now: Self.start) == .keep)
        #expect(pool.takeExpired(now: Self.at(10_000), mayOpen: false) == [])
        #expect(pool.replenish(now: Self.at(10_000), asking: .no) == .enough)
        #expect(pool.popIdle() == 7)
    }

    @Test func `what a burst left behind goes when the burst is forgotten`() throws {
        var pool = Self.pool(size: 8, maxIdle: .seconds(10_000))
        for _ in 0..<8 { pool.connectionBegan(now: Self.start) }
        #expect(Self.fill(&pool, at: 1).count == 8)
        #expect(pool.nextExpiry(now: Self.at(2)) == Self.at(600))
        // From here on four are needed, and the patience with eight in it is a third of 10,000 s.
        #expect(pool.takeExpired(now: Self.at(600), mayOpen: true) == [])
        let next = try #require(pool.nextExpiry(now: Self.at(600)))
        #expect(next > Self.at(3334) && next < Self.at(3335))
    }

    // MARK: Waiting for one that is being opened

    @Test func `one that was asked for is waited for by one connection`() {
        var pool = Self.pool(minimum: 2)
        #expect(pool.replenish(now: Self.start, asking: .freely) == .open([1, 2]))
        // A new tunnel would be as quick as one whose server has not been reached yet.
        #expect(!pool.mayClaim && pool.claim() == nil)
        pool.asked(2)
        pool.asked(9)
        #expect(pool.mayClaim)
        #expect(pool.claim() == 2)
        #expect(!pool.mayClaim && pool.claim() == nil)
        // It does not count for the pool any more.
        #expect(pool.replenish(now: Self.start, asking: .freely) == .open([3]))
        #expect(pool.opened(2, as: 20, now: Self.start) == .give)
        #expect(pool.count == 0)
    }

    @Test func `what is abandoned is not counted, and kept if it comes all the same`() {
        var pool = Self.pool(minimum: 2)
        #expect(pool.replenish(now: Self.start, asking: .freely) == .open([1, 2]))
        pool.asked(1)
        #expect(pool.claim() == 1)
        #expect(pool.abandonOpenings() == [1])
        #expect(pool.replenish(now: Self.start, asking: .freely) == .open([3, 4]))
        #expect(pool.opened(1, as: 10, now: Self.start) == .keep)
        pool.openingFailed(2, .unreachable, now: Self.start)
        #expect(pool.replenish(now: Self.start, asking: .freely) == .enough)
    }

    // MARK: Doubt

    @Test func `what is in doubt is not given out until it is proved`() {
        var pool = Self.pool()
        for id in 1...3 { _ = pool.becameIdle(UInt64(id), now: Self.start) }
        #expect(pool.doubt(3) && !pool.doubt(3) && !pool.doubt(9))
        #expect(pool.ready == 2)
        #expect(pool.popIdle() == 2)
        pool.proved(3)
        pool.proved(9)
        #expect(pool.popIdle() == 3)
        #expect(pool.doubt(1) == true)
        #expect(pool.popIdle() == nil)
        // It is there all the same, so none is opened in its stead.
        #expect(pool.replenish(now: Self.start, asking: .freely) == .enough)
    }

    @Test func `those that are preferred go first, the last one in before the others`() {
        var pool = Self.pool()
        for id in 1...5 { _ = pool.becameIdle(UInt64(id), now: Self.start) }
        let taken = (0..<5).map { _ in pool.popIdle { $0 % 2 == 0 } }
        #expect(taken == [4, 2, 5, 3, 1])
    }

    // MARK: Failure

    @Test func `failures are followed by longer and longer pauses, and one try at a time`() {
        var pool = Self.pool(minimum: 3)
        var now = Self.start
        var pauses: [Duration] = []
        for round in 0..<10 {
            guard case .open(let numbers) = pool.replenish(now: now, asking: .freely) else {
                Issue.record("nothing is tried")
                return
            }
            #expect(numbers.count == (round == 0 ? 3 : 1))
            // A volley fails as one.
            for number in numbers { pool.openingFailed(number, .unreachable, now: now) }
            guard case .later(let time) = pool.replenish(now: now, asking: .freely) else {
                Issue.record("no pause")
                return
            }
            pauses.append(time - now)
            now = time
        }
        let seconds = [1, 2, 4, 8, 15, 15, 15, 15, 15]
        #expect(pauses == [.milliseconds(250)] + seconds.map { .seconds($0) })
        pool.mayTryAgain()
        #expect(pool.replenish(now: Self.start, asking: .freely) != .enough)
    }

    @Test func `a tunnel that is cut is replaced within a second, one that is cut young after longer and longer pauses`() {
        var pool = Self.pool()
        #expect(Self.fill(&pool, at: 0) == [1])
        pool.ended(1, now: Self.at(5))
        #expect(pool.replenish(now: Self.at(5), asking: .freely) == .later(Self.at(6)))
        #expect(Self.fill(&pool, at: 6) == [2])
        pool.ended(2, now: Self.at(7))
        #expect(pool.replenish(now: Self.at(7), asking: .freely) == .later(Self.at(7.25)))
        #expect(Self.fill(&pool, at: 7.25) == [3])
        pool.ended(3, now: Self.at(8))
        #expect(pool.replenish(now: Self.at(8), asking: .freely) == .later(Self.at(9)))
        // One that has lasted ends the series.
        #expect(Self.fill(&pool, at: 9) == [4])
        pool.ended(4, now: Self.at(20))
        #expect(Self.fill(&pool, at: 21) == [5])
        // One that was dropped for another reason is no failure.
        pool.drop(5)
        pool.ended(5, now: Self.at(21))
        #expect(Self.fill(&pool, at: 21) == [6])
    }

    /// A server that is restarted cuts all its clients' tunnels at once.
    @Test func `after a loss a pool comes back at a time of its own, with one tunnel, then two, then four`() {
        var times: [Duration] = []
        for seed in 0..<200 {
            var pool = PoolMachine(size: 16, minimum: 9, maxIdle: .seconds(300), jitter: Jitter(seed: UInt64(seed)))
            let all = Self.fill(&pool, at: 0)
            #expect(all.count == 9)
            for id in all { pool.ended(id, now: Self.at(100)) }
            guard case .later(let time) = pool.replenish(now: Self.at(100), asking: .freely) else {
                Issue.record("no pause")
                continue
            }
            times.append(time - Self.at(100))
            var volleys: [Int] = []
            while case .open(let numbers) = pool.replenish(now: Self.at(101), asking: .freely) {
                volleys.append(numbers.count)
                for number in numbers { #expect(pool.opened(number, as: number, now: Self.at(101)) == .keep) }
            }
            #expect(volleys.first == 1 && volleys.reduce(0, +) == 9)
            #expect(zip(volleys, volleys.dropFirst()).allSatisfy { $1 <= 3 * $0 })
        }
        #expect(times.allSatisfy { $0 <= PoolMachine.lossPause })
        #expect(times.count { $0 < .milliseconds(500) } > 70 && times.count { $0 > .milliseconds(500) } > 70)
    }

    @Test func `a user's own tunnel ends the pause after a loss`() {
        var pool = Self.pool(minimum: 4)
        for id in Self.fill(&pool, at: 0) { pool.ended(id, now: Self.at(100)) }
        #expect(pool.replenish(now: Self.at(100), asking: .freely) == .later(Self.at(101)))
        pool.mayTryAgain()
        #expect(Self.fill(&pool, at: 100).count == 1)
    }

    @Test func `after a pause one is tried, and the others follow when it has come`() {
        var pool = Self.pool(minimum: 4)
        for number in Self.fill(&pool, at: 0, keeping: false) {
            pool.openingFailed(number, .unreachable, now: Self.start)
        }
        let volleys = (0..<3).map { _ in Self.fill(&pool, at: 1).count }
        #expect(volleys == [1, 2, 1])
    }

    // MARK: Whether the server can

    @Test func `as long as it is not known whether the server can, one is asked for`() {
        var pool = Self.pool(minimum: 4)
        #expect(pool.replenish(now: Self.start, asking: .once) == .open([1]))
        #expect(pool.replenish(now: Self.start, asking: .once) == .enough)
        pool.openingFailed(1, .refused, now: Self.start)
        #expect(pool.replenish(now: Self.start, asking: .no) == .enough)
        let later = Self.at(3600)
        #expect(pool.replenish(now: Self.start, asking: .notBefore(later)) == .later(later))
        #expect(pool.replenish(now: Self.start, asking: .freely) == .open([2, 3, 4, 5]))
    }

    @Test func `one refusal says nothing, a second one behind a success does, for an hour`() {
        var ability = EmptyRequestSupport()
        #expect(ability.asking(now: Self.start) == .once)
        ability.tookRequest()
        #expect(ability.asking(now: Self.start) == .once)
        #expect(ability.refusedEmpty(isClear: true, now: Self.start) == true)
        #expect(ability.asking(now: Self.start) == .no)
        ability.tookRequest()
        #expect(ability.asking(now: Self.start) == .once)
        #expect(ability.refusedEmpty(isClear: true, now: Self.start) == true)
        ability.tookRequest()
        #expect(ability.asking(now: Self.start) == .notBefore(Self.at(3600)))
        #expect(ability.asking(now: Self.at(3600)) == .once)
        #expect(ability.refusedEmpty(isClear: true, now: Self.at(3600)) == true)
        #expect(ability.asking(now: Self.at(3600)) == .notBefore(Self.at(7200)))
        ability.tookEmpty()
        #expect(ability.asking(now: Self.at(3600)) == .freely)
    }

    @Test func `a server that can and hangs up once is not taken for one that cannot`() {
        var ability = EmptyRequestSupport()
        ability.tookEmpty()
        #expect(ability.refusedEmpty(isClear: false, now: Self.start) == false)
        #expect(ability.asking(now: Self.start) == .freely)
        #expect(ability.refusedEmpty(isClear: true, now: Self.start) == true)
        #expect(ability.asking(now: Self.start) == .no)
        #expect(!ability.mayBeAsked(now: Self.start))
    }
}
