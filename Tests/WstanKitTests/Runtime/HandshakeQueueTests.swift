import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct HandshakeQueueTests {
    private static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000 + UInt64(milliseconds) * 1_000_000)
    }

    /// A queue by reference: an expectation cannot call what mutates.
    private final class Queue {
        var queue: HandshakeQueue

        init(capacity: Int) { queue = HandshakeQueue(capacity: capacity) }

        func hasRoom(_ time: Int) -> Bool { queue.hasRoom(now: at(time)) }
        func enter(_ time: Int) -> HandshakeQueue.Entry { queue.enter(now: at(time)) }
        func wait(for awaited: HandshakeQueue.Awaited, of ticket: HandshakeQueue.Ticket, _ time: Int) {
            queue.wait(for: awaited, of: ticket, now: at(time))
        }
    }

    @Test func `nothing is closed for a younger one before its second is over`() {
        let queue = Queue(capacity: 3)
        let tickets = [0, 100, 200].map { queue.enter($0).ticket }
        for ticket in tickets { queue.wait(for: .moreBytes, of: ticket, 300) }
        for time in stride(from: 300, through: 999, by: 33) { #expect(!queue.hasRoom(time)) }
        #expect(queue.hasRoom(1000))
        #expect(queue.enter(1000).evicted == [tickets[0]])
        #expect(!queue.hasRoom(1099))
        #expect(queue.enter(1100).evicted == [tickets[1]])
        #expect(queue.queue.count == 3)
    }

    @Test func `what has said nothing gives way after a moment`() {
        let queue = Queue(capacity: 2)
        let speaking = queue.enter(0).ticket
        let silent = queue.enter(1).ticket
        queue.wait(for: .moreBytes, of: speaking, 2)
        queue.wait(for: .firstBytes, of: silent, 2)
        #expect(!queue.hasRoom(251))
        #expect(queue.enter(252).evicted == [silent])
    }

    @Test func `what this end has to go on with is never closed`() {
        let queue = Queue(capacity: 2)
        let one = queue.enter(0).ticket
        let two = queue.enter(0).ticket
        #expect(!queue.hasRoom(60_000))
        queue.wait(for: .moreBytes, of: one, 100)
        queue.queue.goOn(one)
        #expect(!queue.hasRoom(60_000))
        queue.wait(for: .moreBytes, of: one, 60_000)
        queue.queue.goOn(two)
        #expect(queue.enter(60_000).evicted == [one])
    }

    @Test func `what waits for its turn behind others gives way after its second`() {
        let queue = Queue(capacity: 4)
        let tickets = [0, 100, 200, 300].map { queue.enter($0).ticket }
        #expect(queue.queue.waitForTurn(of: tickets[0], now: Self.at(300)).mayWait)
        #expect(!queue.hasRoom(999))
        #expect(queue.hasRoom(1000))
        // Its turn has come.
        queue.queue.goOn(tickets[0])
        #expect(!queue.hasRoom(1000))
        #expect(queue.queue.waitForTurn(of: tickets[0], now: Self.at(1500)).mayWait)
        #expect(queue.enter(1500).evicted == [tickets[0]])
    }

    @Test func `at most a quarter of the places wait for a turn`() {
        let queue = Queue(capacity: 8)
        let tickets = (0..<4).map { queue.enter($0).ticket }
        let waits = [tickets[0], tickets[1], tickets[2]].map { queue.queue.waitForTurn(of: $0, now: Self.at(10)) }
        #expect(waits.map(\.mayWait) == [true, true, false])
        // The same ones, again.
        #expect(queue.queue.waitForTurn(of: tickets[0], now: Self.at(500)).mayWait)
        let late = queue.queue.waitForTurn(of: tickets[3], now: Self.at(1000))
        #expect(late.mayWait && late.evicted == tickets[0])
        #expect(!queue.queue.contains(tickets[0]))
        queue.queue.leave(tickets[1])
        let next = queue.queue.waitForTurn(of: tickets[2], now: Self.at(1000))
        #expect(next.mayWait && next.evicted == nil)
    }

    @Test func `while there may be fewer, those that may be ended leave until there are`() {
        let queue = Queue(capacity: 0)
        let tickets = (0..<4).map { queue.enter($0).ticket }
        for ticket in tickets { queue.wait(for: .firstBytes, of: ticket, 10) }
        let isFull = !queue.queue.hasRoom(now: Self.at(100), most: 2)
        #expect(isFull)
        let hasRoom = queue.queue.hasRoom(now: Self.at(260), most: 2)
        #expect(hasRoom)
        let evicted = queue.queue.enter(now: Self.at(260), most: 2).evicted
        #expect(evicted.count == 3)
        let isOpen = queue.queue.hasRoom(now: Self.at(260))
        #expect(isOpen)
    }

    @Test func `what is said of one that has left means nothing for the one that has its slot now`() {
        let queue = Queue(capacity: 1)
        let gone = queue.enter(0).ticket
        queue.queue.leave(gone)
        let next = queue.enter(1).ticket
        #expect(next.slot == gone.slot)
        #expect(!queue.queue.contains(gone))
        queue.wait(for: .end, of: gone, 2)
        #expect(!queue.hasRoom(60_000))
        queue.wait(for: .end, of: next, 3)
        queue.queue.goOn(gone)
        #expect(queue.hasRoom(3))
        let hasLeftAgain = queue.queue.leave(gone)
        #expect(!hasLeftAgain)
        #expect(queue.queue.count == 1)
    }

    @Test func `what has been answered gives way at once`() {
        let queue = Queue(capacity: 1)
        let ticket = queue.enter(0).ticket
        queue.wait(for: .end, of: ticket, 5)
        #expect(queue.enter(5).evicted == [ticket])
    }

    /// A byte now and then must not buy another second each time.
    @Test func `a second is counted from the arrival`() {
        let queue = Queue(capacity: 1)
        let ticket = queue.enter(0).ticket
        for time in stride(from: 0, to: 2000, by: 100) {
            queue.wait(for: .moreBytes, of: ticket, time)
            if time < 1000 { #expect(!queue.hasRoom(time)) } else { #expect(queue.hasRoom(time)) }
            queue.queue.goOn(ticket)
        }
    }

    @Test func `who leaves makes room, once`() {
        let queue = Queue(capacity: 2)
        let one = queue.enter(0).ticket
        _ = queue.enter(0)
        #expect(!queue.hasRoom(1))
        let left = (queue.queue.leave(one), queue.queue.leave(one))
        #expect(left == (true, false))
        #expect(queue.hasRoom(1))
        #expect(queue.enter(1).evicted.isEmpty)
        queue.wait(for: .end, of: one, 1)
        #expect(!queue.hasRoom(9000))
    }

    @Test func `a capacity of 0 is no limit, and a lower one comes into force with the next`() {
        let queue = Queue(capacity: 0)
        let tickets = (0..<40).map { _ in queue.enter(0).ticket }
        for ticket in tickets { queue.wait(for: .firstBytes, of: ticket, 0) }
        #expect(queue.hasRoom(0))
        queue.queue.capacity = 10
        #expect(!queue.hasRoom(0))
        #expect(queue.enter(300).evicted.count == 31)
        #expect(queue.queue.count == 10)
    }

    /// What it remembers, those that are over included.
    private static func remembered(_ queue: HandshakeQueue) -> Int {
        let waits = Mirror(reflecting: queue).children.first { $0.label == "waits" }?.value
        return waits.map { Mirror(reflecting: $0).children.count } ?? .max
    }

    @Test(arguments: [0, 4, 1024])
    func `it does not grow with those who come and go`(capacity: Int) {
        var queue = HandshakeQueue(capacity: capacity)
        _ = queue.enter(now: Self.at(0))
        for step in 0..<20_000 {
            let ticket = queue.enter(now: Self.at(step)).ticket
            queue.wait(for: .firstBytes, of: ticket, now: Self.at(step))
            queue.goOn(ticket)
            queue.wait(for: .moreBytes, of: ticket, now: Self.at(step))
            queue.leave(ticket)
        }
        #expect(Self.remembered(queue) <= 128)
        #expect(queue.count == 1)
    }

    /// Against a list that is searched from its beginning.
    @Test func `it does what a list does`() {
        struct Model {
            var number: HandshakeQueue.Ticket
            var arrived: Int
            var end: Int?
        }
        for seed in 0..<20 {
            var random = SeededRandomness(seed: UInt64(seed))
            let capacity = 1 + random.below(20)
            var queue = HandshakeQueue(capacity: capacity)
            var models: [Model] = []
            var time = 0
            for step in 0..<2000 {
                time += random.below(60)
                let overdue = models.filter { $0.end.map { $0 <= time } ?? false }
                switch random.below(4) {
                case 0:
                    let hasRoom = models.count < capacity || !overdue.isEmpty
                    if queue.hasRoom(now: Self.at(time)) != hasRoom { Issue.record("seed \(seed), step \(step)") }
                    guard hasRoom else { continue }
                    let entry = queue.enter(now: Self.at(time))
                    if models.count == capacity {
                        let first = overdue.compactMap(\.end).min()
                        let gone = models.firstIndex { $0.number == entry.evicted.first }
                        if gone.flatMap({ models[$0].end }) != first { Issue.record("seed \(seed), step \(step)") }
                        if let gone { models.remove(at: gone) }
                    }
                    models.append(Model(number: entry.ticket, arrived: time))
                case 1 where !models.isEmpty:
                    let place = random.below(models.count)
                    let isFirst = random.below(2) == 0
                    queue.wait(for: isFirst ? .firstBytes : .moreBytes, of: models[place].number, now: Self.at(time))
                    models[place].end = isFirst ? time + 250 : models[place].arrived + 1000
                case 2 where !models.isEmpty:
                    let place = random.below(models.count)
                    queue.goOn(models[place].number)
                    models[place].end = nil
                case 3 where !models.isEmpty:
                    queue.leave(models.remove(at: random.below(models.count)).number)
                default: break
                }
                if queue.count != models.count { Issue.record("seed \(seed), step \(step)") }
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct HandshakeLimiterTests {
    @Test func `one that has to give way is closed on its worker, and told of`() async throws {
        try await WorkerThread.run { worker in
            let limiter = HandshakeLimiter(capacity: 1)
            let first = try await Loopback.pair(on: worker).far
            let second = try await Loopback.pair(on: worker).far
            var evicted = 0
            let place = HandshakePlace(limiter.enter(now: worker.now), of: first, from: .key(1), in: limiter) { evicted += 1 }
            place.wait(for: .end)
            #expect(limiter.hasRoom(now: worker.now))
            let other = HandshakePlace(limiter.enter(now: worker.now), of: second, from: .key(1), in: limiter)
            await worker.until { first.isClosed }
            #expect(evicted == 1)
            #expect(!second.isClosed)
            #expect(limiter.count == 1)
            other.leave()
            #expect(limiter.count == 0)
            second.close()
        }
    }

    /// It was decided on another worker, and carried out when the request had held.
    @Test func `one that has left before its eviction was carried out stays open`() async throws {
        try await WorkerThread.run { worker in
            let limiter = HandshakeLimiter(capacity: 1)
            let stream = try await Loopback.pair(on: worker).far
            var evicted = 0
            let place = HandshakePlace(limiter.enter(now: worker.now), of: stream, from: .key(1), in: limiter) { evicted += 1 }
            place.wait(for: .end)
            let newcomer = limiter.enter(now: worker.now)
            place.leave()
            for _ in 0..<3 { await worker.yield() }
            #expect(!stream.isClosed)
            #expect(evicted == 0)
            #expect(limiter.count == 1)
            limiter.leave(newcomer)
            stream.close()
        }
    }

    @Test func `a stream that is closed leaves`() async throws {
        try await WorkerThread.run { worker in
            let limiter = HandshakeLimiter(capacity: 1)
            let stream = try await Loopback.pair(on: worker).far
            _ = HandshakePlace(limiter.enter(now: worker.now), of: stream, from: .key(1), in: limiter)
            #expect(limiter.count == 1)
            stream.close()
            #expect(limiter.count == 0)
        }
    }
    /// Twelve have sent their first bytes before a turn, which handles eight: the other four do not look silent meanwhile.
    @Test func `one whose bytes wait for their turn does not give way`() async throws {
        try await WorkerThread.run { worker in
            let limiter = HandshakeLimiter(capacity: 12)
            var streams: [(near: WstanCore.Stream, far: WstanCore.Stream)] = []
            for _ in 0..<12 {
                let (near, far) = try await Loopback.pair(on: worker)
                HandshakePlace(limiter.enter(now: worker.now), of: near, from: .key(1), in: limiter)
                    .wait(for: .firstBytes)
                streams.append((near, far))
            }
            defer {
                for (near, far) in streams {
                    near.close()
                    far.close()
                }
            }
            for (_, far) in streams { far.write([1]) }
            await worker.yield()
            let waiting = streams.filter { !$0.near.deferred.isEmpty }.count
            try #require(waiting == 4)
            let later = worker.now + .seconds(1)
            var entered = 0
            while limiter.hasRoom(now: later), entered < 12 {
                _ = limiter.enter(now: later)
                entered += 1
            }
            #expect(entered == 8)
        }
    }

    /// At a server eight are served in a turn. At a client a crowd of user agents is served as it comes, but not beside those that
    /// wait already.
    @Test(arguments: [(Worker.strangersInTurn, [22, 14, 6, 0]), (20, [10, 2, 0, 0]), (Worker.userAgentsAtOnce, [0, 0, 0, 0])])
    func `strangers that come together wait for their turns`(atOnce: Int, left: [Int]) async throws {
        try await WorkerThread.run(strangersAtOnce: atOnce) { worker in
            let limiter = HandshakeLimiter(capacity: 30)
            var streams: [WstanCore.Stream] = []
            var peers: [Int32] = []
            defer {
                for stream in streams { stream.close() }
                for peer in peers { Glibc.close(peer) }
            }
            for _ in 0..<30 {
                var ends: [Int32] = [-1, -1]
                let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
                try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
                peers.append(ends[1])
                let stream = try WstanCore.Stream(descriptor: ends[0], worker: worker)
                streams.append(stream)
                _ = HandshakePlace(limiter.enter(now: worker.now), of: stream, from: .key(1), in: limiter)
            }
            var waiting: [Int] = []
            for _ in left {
                await worker.yield()
                waiting.append(streams.filter { !$0.deferred.isEmpty }.count)
            }
            #expect(waiting == left)
        }
    }

    /// Each is writable in its first turn, which is nothing that its peer has done.
    @Test func `one that has only connected gives way, though others came with it`() async throws {
        try await WorkerThread.run { worker in
            let limiter = HandshakeLimiter(capacity: 12)
            var streams: [WstanCore.Stream] = []
            var peers: [Int32] = []
            defer {
                for stream in streams { stream.close() }
                for peer in peers { Glibc.close(peer) }
            }
            for _ in 0..<12 {
                var ends: [Int32] = [-1, -1]
                let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
                try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
                peers.append(ends[1])
                let stream = try WstanCore.Stream(descriptor: ends[0], worker: worker)
                streams.append(stream)
                HandshakePlace(limiter.enter(now: worker.now), of: stream, from: .key(1), in: limiter)
                    .wait(for: .firstBytes)
            }
            await worker.yield()
            try #require(streams.contains { !$0.deferred.isEmpty })
            let later = worker.now + .seconds(1)
            var entered = 0
            while limiter.hasRoom(now: later), entered < 12 {
                _ = limiter.enter(now: later)
                entered += 1
            }
            #expect(entered == 12)
        }
    }
}
