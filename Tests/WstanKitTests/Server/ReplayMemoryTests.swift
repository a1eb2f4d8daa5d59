import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ReplayMemoryTests {
    /// The memory behind a reference: `#expect` takes no mutating calls.
    private final class Subject {
        var memory: ReplayMemory

        init(capacity: Int, now: Double = 0) {
            memory = ReplayMemory(capacity: capacity, now: Moment(now))
        }

        var count: Int { memory.count }

        func admission(
            _ token: Nonce, under key: KeyID = ReplayMemoryTests.key, expiry: Double, opens: Bool = true, now: Moment
        ) -> ReplayMemory.Admission {
            memory.admit(token, under: key, madeAt: expiry - 60, lifetime: 60, opens: opens, now: now)
        }

        func admit(
            _ token: Nonce, under key: KeyID = ReplayMemoryTests.key, expiry: Double, now: Double, boot: Double? = nil
        ) -> Bool {
            if case .new = admission(token, under: key, expiry: expiry, now: Moment(wall: now, boot: boot ?? now)) {
                return true
            }
            return false
        }

        @discardableResult
        func install(_ names: [KeyID: String]) -> [ReplayRecord] {
            memory.install(names.compactMapValues { KeyName($0) })
        }
    }

    private static let key = KeyID(value: 1)
    private static let other = KeyID(value: 2)

    private static func token(_ number: Int) -> Nonce { Nonce(high: 7, low: UInt64(number)) }

    @Test func `a request is new once`() {
        let memory = Subject(capacity: 10)
        #expect(memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1060))
        #expect(memory.admit(Self.token(2), expiry: 1060, now: 1060))
        #expect(memory.admit(Self.token(1), under: Self.other, expiry: 1060, now: 1060), "another key's is another's")
    }

    @Test func `it is closed when full, and opens when something has expired`() {
        let memory = Subject(capacity: 4)
        #expect(memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(memory.admit(Self.token(2), expiry: 1090, now: 1000))
        #expect(memory.admission(Self.token(3), expiry: 1090, now: Moment(1050)) == .full)
        #expect(!memory.admit(Self.token(3), expiry: 1090, now: 1069))
        #expect(memory.admit(Self.token(3), expiry: 1130, now: 1070))
        #expect(memory.count == 2)
    }

    @Test func `nothing goes in with a time that is none`() {
        let memory = Subject(capacity: 100)
        let times: [Double] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e300]
        for (number, time) in times.enumerated() {
            #expect(!memory.admit(Self.token(number), expiry: time, now: 1000))
            #expect(!memory.admit(Self.token(number), expiry: 1000, now: time, boot: 1000))
        }
        #expect(memory.count == 0)
        #expect(memory.admit(Self.token(1), expiry: -5, now: -60, boot: 1000))
        #expect(!memory.admit(Self.token(1), expiry: -5, now: -60, boot: 1000))
    }

    // MARK: Shares

    @Test func `a key gets half of what the others leave free, and each next one finds something`() {
        let capacity = 1024
        let memory = Subject(capacity: capacity)
        var held: [Int] = []
        for key in 1...6 {
            var count = 0
            while memory.admit(Self.token(count), under: KeyID(value: UInt64(key)), expiry: 1060, now: 1000) { count += 1 }
            held.append(count)
        }
        #expect(held == [512, 256, 128, 64, 32, 16])
        #expect(memory.admission(Self.token(5000), expiry: 1060, now: Moment(1000)) == .full)
    }

    /// A name may have several keys while it is rotated.
    @Test func `the keys of one name share what one of them would have`() {
        let memory = Subject(capacity: 64)
        memory.install([Self.key: "phone", Self.other: "phone", KeyID(value: 3): "laptop"])
        var count = 0
        for number in 0..<64 {
            let key = number % 2 == 0 ? Self.key : Self.other
            if memory.admit(Self.token(number), under: key, expiry: 1060, now: 1000) { count += 1 }
        }
        #expect(count == 32)
        #expect(memory.admit(Self.token(1), under: KeyID(value: 3), expiry: 1060, now: 1000))
    }

    @Test func `what a retired key held is free at once, and stays refused if its secret comes back`() {
        let memory = Subject(capacity: 16)
        let names = [Self.key: "phone", Self.other: "laptop"]
        memory.install(names)
        for number in 0..<8 { #expect(memory.admit(Self.token(number), expiry: 1118, now: 1000)) }
        #expect(!memory.admit(Self.token(8), expiry: 1118, now: 1000))
        let lines = memory.install([Self.other: "laptop"])
        #expect(lines.count == 1 && lines[0].isLine && lines[0].key == Self.key)
        #expect(memory.count == 1, "the line")
        for number in 0..<7 { #expect(memory.admit(Self.token(number), under: Self.other, expiry: 1060, now: 1000)) }
        memory.install(names)
        for number in 0..<8 {
            #expect(memory.admission(Self.token(number), expiry: 1118, now: Moment(1010)) == .seen)
        }
        #expect(memory.admit(Self.token(9), expiry: 1118.001, now: 1061), "made after it")
        #expect(!memory.admit(Self.token(1), expiry: 1118, now: 1119))
        #expect(memory.admit(Self.token(1), expiry: 1190, now: 1130))
        #expect(memory.count == 1, "the line has gone")
    }

    @Test func `a line stands for all that were retired under the key, however often it comes back`() {
        let memory = Subject(capacity: 64)
        for round in 0..<20 {
            memory.install([Self.key: "phone"])
            let now = 1000 + Double(round) * 20
            #expect(memory.admit(Self.token(round), expiry: now + 60, now: now))
            for former in 0..<round {
                #expect(!memory.admit(Self.token(former), expiry: 1060 + Double(former) * 20, now: now))
            }
            memory.install([:])
            #expect(memory.count <= 2)
        }
    }

    /// Its clients go on at once: the line refuses what was made before the last request that was accepted, and nothing else.
    @Test func `a key that is replaced and comes back serves what is made from then on`() {
        let memory = Subject(capacity: 64)
        for (round, now) in stride(from: 1000.0, to: 1030, by: 0.25).enumerated() {
            memory.install([Self.key: "phone"])
            #expect(memory.admit(Self.token(round), expiry: now + 60, now: now), "\(now)")
            memory.install([:])
            #expect(memory.count == 1, "one line")
        }
        memory.install([Self.key: "phone"])
        for (round, now) in stride(from: 1000.0, to: 1030, by: 0.25).enumerated() {
            #expect(!memory.admit(Self.token(round), expiry: now + 60, now: 1030))
        }
        // One that was ahead of the others is not new either.
        #expect(memory.admit(Self.token(2000), expiry: 1120, now: 1030))
        memory.install([:])
        memory.install([Self.key: "phone"])
        #expect(!memory.admit(Self.token(2000), expiry: 1120, now: 1031))
    }

    /// One that had expired, when `request-ttl` is below ten seconds, took with it those that were still to be made in its unit.
    @Test func `a unit that lasts is not forgotten over a restart`() {
        let first = Subject(capacity: 64)
        #expect(first.memory.admit(Self.token(1), under: Self.key, madeAt: 1002, lifetime: 1, now: Moment(1002)) == .new(slot: 0))
        let second = Subject(capacity: 64)
        second.memory = ReplayMemory(
            capacity: 64, inheriting: ReplayMemory.Inheritance(records: first.memory.records, lifetime: 1), now: Moment(1005))
        func admission(_ token: Int, _ time: Double, now: Double) -> ReplayMemory.Admission {
            second.memory.admit(Self.token(token), under: Self.key, madeAt: time, lifetime: 1, now: Moment(now))
        }
        #expect(admission(2, 1006, now: 1006) == .new(slot: 1))
        #expect(admission(1, 1002, now: 1006) == .seen)
        #expect(admission(3, 1009.5, now: 1010.5) == .new(slot: 2))
        #expect(admission(4, 1009.8, now: 1011) == .forgotten(seconds: 1010 - 1009.8))
        #expect(second.count == 0)
    }

    /// What is written anew does not tell the times of single requests, and its line is none the lower for it.
    @Test func `a line is as exact in the next process`() {
        let first = Subject(capacity: 64)
        first.install([Self.key: "phone"])
        for number in 0..<5 { #expect(first.admit(Self.token(number), expiry: 1061 + Double(number), now: 1005)) }
        let second = Subject(capacity: 64)
        second.memory = ReplayMemory(
            capacity: 64, inheriting: ReplayMemory.Inheritance(records: first.memory.records, lifetime: 60), now: Moment(1005))
        let line = second.install([:])
        #expect(line.map(\.time) == [1005])
        let third = Subject(capacity: 64)
        third.memory = ReplayMemory(
            capacity: 64, inheriting: ReplayMemory.Inheritance(records: second.memory.records, lifetime: 60), now: Moment(1006))
        third.install([Self.key: "phone"])
        for number in 0..<5 { #expect(!third.admit(Self.token(number), expiry: 1061 + Double(number), now: 1006)) }
        #expect(third.admit(Self.token(9), expiry: 1065.5, now: 1006))
    }

    @Test func `records without a key count for all keys, and as one share`() {
        let records = (0..<12).map {
            ReplayRecord(key: ReplayMemory.nameless, content: .request(Self.token($0)), time: 1000, slot: $0)
        }
        let subject = Subject(capacity: 16)
        subject.memory = ReplayMemory(
            capacity: 16, inheriting: ReplayMemory.Inheritance(records: records, lifetime: 60), now: Moment(1000))
        subject.install([Self.key: "phone"])
        #expect(!subject.admit(Self.token(3), expiry: 1060, now: 1000))
        #expect(!subject.admit(Self.token(3), under: Self.other, expiry: 1060, now: 1000))
        #expect(subject.admit(Self.token(99), expiry: 1060, now: 1000))
    }

    /// 0.1.0 let one key fill its journal, and the next release locked every key out until that had expired.
    @Test func `as many records without a key as there are slots lock no key out, and are refused`() {
        for ahead in [-50.0, 0, 55, 4e8] {
            let records = (0..<64).map {
                ReplayRecord(
                    key: ReplayMemory.nameless, content: .request(Self.token($0)), time: 1000 + ahead + Double($0) / 8, slot: $0)
            }
            let left = ReplayMemory.Inheritance(records: records, lifetime: 60, longest: 3600)
            let first = Subject(capacity: 64)
            first.memory = ReplayMemory(capacity: 64, inheriting: left, now: Moment(1000))
            first.install([Self.key: "phone", Self.other: "laptop"])
            #expect(first.count == 32, "slots that they have")
            #expect(first.memory.largestHolder == .formerRelease)
            for number in 0..<64 { #expect(!first.admit(Self.token(number), expiry: 1060 + ahead + Double(number) / 8, now: 1000)) }
            var taken: Set<Int> = Set(first.memory.records.map(\.slot))
            for number in 100..<110 {
                guard case .new(let slot) = first.admission(Self.token(number), expiry: 1060, now: Moment(1000)) else {
                    Issue.record("\(number) is refused")
                    continue
                }
                #expect(slot < 64 && taken.insert(slot).inserted)
            }
            // What has no slot is refused by the next process for its time.
            let second = Subject(capacity: 64)
            let next = ReplayMemory.Inheritance(records: first.memory.records, forgotten: first.memory.noted, lifetime: 60, longest: 3600)
            second.memory = ReplayMemory(capacity: 64, inheriting: next, now: Moment(1001))
            for number in 0..<64 { #expect(!second.admit(Self.token(number), expiry: 1060 + ahead + Double(number) / 8, now: 1001)) }
            for now in stride(from: 1002.0, to: 1300, by: 20) {
                for key in [Self.key, Self.other] {
                    let number = 1000 + Int(now)
                    #expect(first.admit(Self.token(number), under: key, expiry: now + 60, now: now), "\(ahead) \(now)")
                }
            }
        }
    }

    @Test func `the name that holds most is told`() {
        let memory = Subject(capacity: 64)
        memory.install([Self.key: "phone", Self.other: "laptop"])
        for number in 0..<40 { _ = memory.admit(Self.token(number), expiry: 1060, now: 1000) }
        for number in 0..<40 { _ = memory.admit(Self.token(number), under: Self.other, expiry: 1060, now: 1000) }
        #expect(memory.admission(Self.token(50), under: Self.other, expiry: 1060, now: Moment(1000)) == .full)
        #expect(memory.memory.largestHolder == .name(KeyName("phone")))
    }

    // MARK: Openings

    @Test func `a name opens as many tunnels per second as it may, twenty seconds' worth at once, and replays take none of it`() {
        let memory = Subject(capacity: 100_000)
        memory.memory.apply(rate: 10)
        memory.install([Self.key: "phone", Self.other: "laptop"])
        let start = Moment(1000)
        for number in 0..<200 {
            #expect(memory.admission(Self.token(number), expiry: 1060, now: start) == .new(slot: number))
            #expect(memory.admission(Self.token(number), expiry: 1060, now: start) == .seen)
        }
        #expect(memory.admission(Self.token(200), expiry: 1060, now: start) == .tooFast)
        #expect(memory.admit(Self.token(200), under: Self.other, expiry: 1060, now: 1000))
        // What comes on a tunnel opens none.
        #expect(memory.admission(Self.token(300), expiry: 1060, opens: false, now: start) != .tooFast)
        var opened = 0
        for number in 0..<1000 where memory.admit(Self.token(1000 + number), expiry: 1062, now: 1000 + Double(number) / 100) {
            opened += 1
        }
        #expect((95...105).contains(opened))
        memory.install([Self.key: "phone"])
        #expect(memory.admission(Self.token(5000), expiry: 1070, now: Moment(1009.992)) == .tooFast, "keys may be installed meanwhile")
        memory.memory.apply(rate: 0)
        #expect(memory.admit(Self.token(5000), expiry: 1070, now: 1010))
    }

    // MARK: Clocks

    @Test func `a clock that is set ahead, and back again, reopens nothing`() {
        for (ahead, behind) in [(300.0, 0.0), (400, 30), (86_400, 5), (3.2e8, 0)] {
            let memory = Subject(capacity: 100)
            #expect(memory.admit(Self.token(1), expiry: 1060, now: 1000, boot: 50))
            _ = memory.admit(Self.token(2), expiry: 1060 + ahead, now: 1000 + ahead, boot: 52)
            #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1004 + behind, boot: 54))
            #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1004, boot: 500), "nor when it is forgotten")
            #expect(memory.admit(Self.token(3), expiry: 1510, now: 1450, boot: 500), "and others come in")
        }
    }

    @Test func `a clock that is set back comes to nothing that is forgotten`() {
        let memory = Subject(capacity: 400)
        for second in 0..<600 {
            let now = 1000 + Double(second)
            #expect(memory.admit(Self.token(second), expiry: now + 60, now: now, boot: Double(second)))
        }
        #expect(memory.count < 80)
        for back in [100.0, 300, 500] {
            for second in stride(from: 0, to: 600, by: 7) {
                let time = 1000 + Double(second)
                #expect(!memory.admit(Self.token(second), expiry: time + 60, now: 1600 - back, boot: 600))
            }
        }
    }

    @Test func `a clock that was years ahead keeps nobody out`() {
        let memory = Subject(capacity: 400)
        let years = 3e8
        for second in 0..<200 {
            #expect(memory.admit(Self.token(second), expiry: years + Double(second) + 60, now: years + Double(second), boot: Double(second)))
        }
        for second in 200..<1000 {
            let now = 1000 + Double(second)
            #expect(memory.admit(Self.token(second), expiry: now + 60, now: now, boot: Double(second)))
        }
        for second in 0..<200 {
            #expect(!memory.admit(Self.token(second), expiry: years + Double(second) + 60, now: years + Double(second), boot: 2000))
        }
    }

    @Test func `what was remembered for one time is not new when it would be remembered for another`() {
        for (former, next) in [(600.0, 60.0), (60, 600), (3600, 1), (1, 3600)] {
            var memory = ReplayMemory(capacity: 100, now: Moment(1000))
            func admission(_ number: Int, _ time: Double, _ lifetime: Double, _ now: Moment) -> ReplayMemory.Admission {
                memory.admit(Self.token(number), under: Self.key, madeAt: time, lifetime: lifetime, now: now)
            }
            #expect(admission(1, 1000, former, Moment(1000)) == .new(slot: 0))
            #expect(admission(2, 6000, next, Moment(6000)) == .new(slot: 0), "forgotten")
            #expect(admission(1, 1000, next, Moment(wall: 1000, boot: 6010)) == .forgotten(seconds: 10))
        }
    }

    /// The model keeps every token with its expiry, and forgets those whose ten seconds have passed.
    @Test func `it is as exact as a dictionary`() {
        for seed in 0..<8 {
            var random = SeededRandomness(seed: UInt64(seed))
            let capacity = 1 + random.below(60)
            let memory = Subject(capacity: capacity)
            var model: [Int: Double] = [:]
            // Never at the end of ten seconds, where rounding decides.
            var now = 1_763_683_200.005
            for step in 0..<3000 {
                now += random.below(400) == 0 ? Double(random.below(100_000)) : Double(random.below(300)) / 100
                let number = random.below(120)
                let expiry = now + Double(random.below(12_000)) / 100
                model = model.filter { ($0.value / 10).rounded(.down) >= (now / 10).rounded(.down) }
                let own = model.count
                let isNew = model[number] == nil && own < capacity && (own == 0 || own < capacity - own)
                if isNew { model[number] = expiry }
                let admitted = memory.admit(Self.token(number), expiry: expiry, now: now)
                if admitted != isNew || memory.count != model.count { Issue.record("seed \(seed), step \(step)") }
            }
        }
    }

    @Test func `the guard that workers share admits a request on one of them`() async {
        let replayGuard = ReplayGuard(capacity: 2000)
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<500).count {
                        replayGuard.admit(Self.token($0), of: 1000, under: Self.key, now: Moment(1000)) == .new
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 500)
    }

    // MARK: The real size

    /// 0.1.0: 262,142 requests of one key, each a minute ahead, kept every other key out for three minutes.
    @Test func `a flood of one key keeps no other out, neither during it nor after it was retired`() {
        let memory = Subject(capacity: ServerLimits.seenRequests)
        memory.install([Self.key: "attacker", Self.other: "laptop"])
        var accepted = 0
        var token = 0
        while memory.admit(Self.token(token), expiry: 1118, now: 1000 + Double(token) / 20_000) {
            accepted += 1
            token += 1
        }
        #expect(accepted == ServerLimits.seenRequests / 2)
        #expect(memory.admit(Self.token(token), under: Self.other, expiry: 1070, now: 1010))
        memory.install([Self.other: "laptop"])
        #expect(memory.count == 2)
        #expect(memory.admit(Self.token(token), under: Self.other, expiry: 1071, now: 1011) == false)
        #expect(memory.admit(Self.token(token + 1), under: Self.other, expiry: 1071, now: 1011))
    }
}
