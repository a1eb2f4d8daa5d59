import Testing

@testable import WstanCore

@Suite struct FairQueueTests {
    /// A queue by reference: an expectation cannot call what mutates.
    private final class Queue<Work> {
        private var queue: FairQueue<Work>

        init(slots: Int) { queue = FairQueue(slots: slots) }

        var hasRunnable: Bool { queue.hasRunnable }
        func add(_ work: Work, for asker: Asker) -> Bool { queue.add(work, for: asker) }
        func next() -> (work: Work, asker: Asker)? { queue.next() }
        func finished(for asker: Asker) { queue.finished(for: asker) }
    }

    @Test func `one peer gets half of the slots`() {
        for slots in 1...64 {
            let queue = Queue<Int>(slots: slots)
            for work in 0..<100 { #expect(queue.add(work, for: "a")) }
            var running = 0
            while queue.next() != nil { running += 1 }
            #expect(running == max(1, (slots + 1) / 2))
            #expect(!queue.hasRunnable)
        }
    }

    @Test func `the next peer finds half of the rest, and so on to the last slot`() {
        let queue = Queue<Int>(slots: 64)
        var shares: [Int] = []
        for peer in UInt64(0)..<9 {
            for work in 0..<100 { #expect(queue.add(work, for: Asker(.key(peer)))) }
            var share = 0
            while let (_, owner) = queue.next() {
                #expect(owner == Asker(.key(peer)))
                share += 1
            }
            shares.append(share)
        }
        #expect(shares == [32, 16, 8, 4, 2, 1, 1, 0, 0])
    }

    @Test func `a peer's work keeps its order, and peers take turns`() {
        let queue = Queue<String>(slots: 100)
        for number in 1...3 {
            for peer in ["a", "b", "c"] { #expect(queue.add("\(peer)\(number)", for: Asker(.own(peer)))) }
        }
        var order: [String] = []
        while let (work, _) = queue.next() { order.append(work) }
        #expect(order == ["a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"])
    }

    @Test func `too much waiting work of a peer is refused, and only that peer's`() {
        let queue = Queue<Int>(slots: 1)
        for work in 0..<FairQueue<Int>.maxWaiting { #expect(queue.add(work, for: "a")) }
        #expect(!queue.add(0, for: "a"))
        #expect(queue.add(0, for: "b"))
        #expect(queue.next()?.asker == "a")
        #expect(queue.add(0, for: "a"))
        #expect(!queue.add(0, for: "a"))
    }

    @Test func `what is finished makes room, and nothing is lost or done twice`() {
        var random = SeededRandomness(seed: 34)
        let queue = Queue<Int>(slots: 7)
        var added = 0
        var done: Set<Int> = []
        var running: [Asker] = []
        while done.count < 2000 || !running.isEmpty {
            switch random.below(3) {
            case 0 where added < 2000:
                if queue.add(added, for: Asker(.key(UInt64(random.below(5))))) { added += 1 }
            case 1:
                if let (work, peer) = queue.next() {
                    #expect(done.insert(work).inserted)
                    running.append(peer)
                    #expect(running.count <= 7)
                    let share = running.count { $0 == peer }
                    // Half of what the others leave, rounded up.
                    #expect(2 * share <= 7 - (running.count - share) + 1)
                } else {
                    #expect(!queue.hasRunnable)
                }
            default:
                if !running.isEmpty { queue.finished(for: running.remove(at: random.below(running.count))) }
            }
        }
        #expect(queue.next() == nil)
        queue.finished(for: "a stranger")
    }

    // MARK: Holders and their sources

    private static func fill(_ queue: Queue<Int>, _ asker: Asker) -> Int {
        for work in 0..<200 { #expect(queue.add(work, for: asker)) }
        var share = 0
        while queue.next() != nil { share += 1 }
        return share
    }

    /// Behind a front all of them come from one address.
    @Test func `holders of keys at one address do not share`() {
        let queue = Queue<Int>(slots: 64)
        #expect(Self.fill(queue, Asker("a", from: "front")) == 16)
        #expect(Self.fill(queue, Asker("b", from: "front")) == 12)
        #expect(Self.fill(queue, Asker("c", from: "front")) == 9)
    }

    @Test func `a holder with many addresses has no more than half, and leaves half of that to its other ones`() {
        let queue = Queue<Int>(slots: 64)
        var shares: [Int] = []
        for source in UInt64(0)..<40 { shares.append(Self.fill(queue, Asker("a", from: .key(source)))) }
        #expect(shares.prefix(6) == [16, 8, 4, 2, 1, 1])
        #expect(shares.reduce(0, +) == 32)
        #expect(Self.fill(queue, Asker("b", from: .key(0))) == 8)
    }

    @Test func `counts are shared out as slots are, and go back to none`() {
        var counts = FairCounts(capacity: 64)
        func take(_ asker: Asker) -> Int {
            var share = 0
            while counts.add(asker) { share += 1 }
            return share
        }
        #expect(take(Asker("a", from: .key(1))) == 16)
        #expect(take(Asker("a", from: .key(2))) == 8)
        #expect(take(Asker("b", from: .key(1))) == 10)
        for _ in 0..<16 { counts.remove(Asker("a", from: .key(1))) }
        for _ in 0..<8 { counts.remove(Asker("a", from: .key(2))) }
        for _ in 0..<10 { counts.remove(Asker("b", from: .key(1))) }
        counts.remove("a stranger")
        #expect(take("c") == 32)
    }
}
