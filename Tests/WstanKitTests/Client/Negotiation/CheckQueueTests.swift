import Testing

@testable import WstanBase
@testable import WstanCore

/// By a clock of the test's own.
@Suite struct CheckQueueTests {
    typealias Queue = CheckQueue<Int>

    private static let maker = Fingerprint.Maker()

    private static func line(_ client: UInt32, _ name: String) -> Queue.Line {
        Queue.Line(client: .user(client), name: maker.fingerprint(of: [Array(name.utf8)]))
    }

    private static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(Int(seconds * 1000))
    }

    @Test func `a name's checks begin in their order, so many at once`() {
        var queue = Queue()
        let anna = Self.line(1, "anna")
        for work in 0..<20 { #expect(queue.add(work, to: anna, now: Self.at(0)) == true) }
        var begun: [Int] = []
        while let next = queue.next() { begun.append(next.work) }
        #expect(begun == Array(0..<Queue.places))
        #expect(queue.finished(anna, isWrong: false, now: Self.at(1)) == .zero)
        queue.left(anna)
        #expect(queue.next()?.work == Queue.places)
        #expect(queue.next() == nil)
    }

    @Test func `another name has its turn at once, and so has the same name with another client`() {
        var queue = Queue()
        for work in 0..<60 { #expect(queue.add(work, to: Self.line(1, "anna"), now: Self.at(0)) == true) }
        while queue.next() != nil {}
        #expect(queue.add(100, to: Self.line(1, "bert"), now: Self.at(0)) == true)
        #expect(queue.next()?.work == 100)
        #expect(queue.add(101, to: Self.line(2, "anna"), now: Self.at(0)) == true)
        #expect(queue.next()?.work == 101)
    }

    @Test func `one client guessing at many names holds up no other client`() {
        var queue = Queue()
        for work in 0..<200 { #expect(queue.add(work, to: Self.line(1, "name\(work)"), now: Self.at(0)) == true) }
        var begun = 0
        while queue.next() != nil { begun += 1 }
        #expect(begun == Queue.placesOfClient)
        #expect(queue.add(1000, to: Self.line(2, "anna"), now: Self.at(0)) == true)
        #expect(queue.next()?.work == 1000)
    }

    @Test func `after each failure the place is kept longer, up to two seconds, and a success ends that`() {
        var queue = Queue()
        let anna = Self.line(1, "anna")
        func check(isWrong: Bool, at seconds: Double) -> Duration {
            #expect(queue.add(0, to: anna, now: Self.at(seconds)) == true)
            #expect(queue.next() != nil)
            defer { queue.left(anna) }
            return queue.finished(anna, isWrong: isWrong, now: Self.at(seconds))
        }
        let pauses = (0..<6).map { check(isWrong: true, at: Double($0)) }
        #expect(pauses == [250, 500, 1000, 2000, 2000, 2000].map { .milliseconds($0) })
        #expect(check(isWrong: false, at: 7) == .zero)
        #expect(check(isWrong: true, at: 8) == .milliseconds(250))
        #expect(check(isWrong: true, at: 9) == .milliseconds(500))
        // Nobody has guessed for a minute.
        #expect(check(isWrong: true, at: 69) == .milliseconds(250))
    }

    /// 30 who guess at one name all the time, each as soon as it has its answer, and one who has the right password.
    @Test func `among those who guess at a name the right password has its turn within a bounded time`() {
        for start in stride(from: 0.0, to: 30, by: 2.7) {
            var queue = Queue()
            let anna = Self.line(1, "anna")
            var now = 0.0
            var leaving: [(at: Double, isRight: Bool)] = []
            var guesses = 0
            var hasCome = false
            for guess in 0..<30 { #expect(queue.add(guess, to: anna, now: Self.at(now)) == true) }
            search: while now < 100 {
                if !hasCome, now >= start {
                    hasCome = true
                    #expect(queue.add(-1, to: anna, now: Self.at(now)) == true)
                }
                while let next = queue.next() {
                    if next.work == -1 { break search }
                    guesses += 1
                    let pause = queue.finished(anna, isWrong: true, now: Self.at(now))
                    leaving.append((now + 0.02 + pause.inSeconds, false))
                }
                now += 0.01
                let left = leaving.count { $0.at <= now }
                leaving.removeAll { $0.at <= now }
                for _ in 0..<left {
                    queue.left(anna)
                    #expect(queue.add(0, to: anna, now: Self.at(now)) == true)
                }
            }
            #expect(now - start < 10, "after \(now - start) s")
            // And who guesses gets no more than four answers a second.
            #expect(Double(guesses) <= 16 + 4.1 * now, "\(guesses) in \(now) s")
        }
    }

    @Test func `what waits, and what is remembered, is bounded`() {
        var queue = Queue()
        let anna = Self.line(1, "anna")
        var taken = 0
        for work in 0..<1000 where queue.add(work, to: anna, now: Self.at(0)) { taken += 1 }
        #expect(taken == Queue.lineLength)
        for work in 0..<1000 where queue.add(work, to: Self.line(1, "\(work)"), now: Self.at(0)) { taken += 1 }
        #expect(taken == Queue.waitingOfClient)
        // Clients without end: those that failed long ago give way, those that are served do not.
        for number in 0..<(2 * Queue.capacity) {
            let line = Self.line(UInt32(10 + number), "x")
            #expect(queue.add(0, to: line, now: Self.at(1)) == true)
            while let next = queue.next() {
                _ = queue.finished(next.line, isWrong: true, now: Self.at(1))
                queue.left(next.line)
            }
        }
        #expect(queue.waitingCount <= taken)
    }
}
