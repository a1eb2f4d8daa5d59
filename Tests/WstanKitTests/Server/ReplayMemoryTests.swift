import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ReplayMemoryTests {
    /// The memory behind a reference: `#expect` takes no mutating calls.
    private final class Subject {
        private var memory: ReplayMemory

        init(capacity: Int) {
            memory = ReplayMemory(capacity: capacity)
        }

        var count: Int { memory.count }

        func admit(_ token: Nonce, expiry: Double, now: Double) -> Bool {
            if case .new = memory.admit(token, expiry: expiry, now: now) { return true }
            return false
        }
    }

    private static func token(_ number: Int) -> Nonce { Nonce(high: 7, low: UInt64(number)) }

    @Test func `a request is new once`() {
        let memory = Subject(capacity: 10)
        #expect(memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(!memory.admit(Self.token(1), expiry: 1060, now: 1060))
        #expect(memory.admit(Self.token(2), expiry: 1060, now: 1060))
    }

    @Test func `it is closed when full, and opens when something has expired`() {
        let memory = Subject(capacity: 2)
        #expect(memory.admit(Self.token(1), expiry: 1060, now: 1000))
        #expect(memory.admit(Self.token(2), expiry: 1090, now: 1000))
        #expect(!memory.admit(Self.token(3), expiry: 1090, now: 1050))
        #expect(!memory.admit(Self.token(3), expiry: 1090, now: 1070))
        // What has expired is kept for the margin on top, lest a clock set back reopens it.
        let later = 1070 + ReplayMemory.margin
        #expect(!memory.admit(Self.token(2), expiry: later + 60, now: later))
        #expect(memory.admit(Self.token(3), expiry: later + 60, now: later))
        #expect(memory.count == 2)
    }

    @Test func `nothing goes in with a time that is none`() {
        let memory = Subject(capacity: 100)
        let times: [Double] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e300]
        for (number, time) in times.enumerated() {
            #expect(!memory.admit(Self.token(number), expiry: time, now: 1000))
            #expect(!memory.admit(Self.token(number), expiry: 1000, now: time))
        }
        #expect(memory.count == 0)
        #expect(memory.admit(Self.token(1), expiry: -5, now: -60))
        #expect(!memory.admit(Self.token(1), expiry: -5, now: -60))
    }

    @Test func `a clock that jumps ahead forgets, one that jumps back does not`() {
        let memory = Subject(capacity: 100)
        for number in 0..<10 { #expect(memory.admit(Self.token(number), expiry: 1060, now: 1000)) }
        #expect(memory.admit(Self.token(99), expiry: 160, now: 100))
        for number in 0..<10 { #expect(!memory.admit(Self.token(number), expiry: 1060, now: 100)) }
        #expect(memory.count == 11)
        #expect(memory.admit(Self.token(100), expiry: 1e15 + 60, now: 1e15))
        #expect(memory.count == 1)
        #expect(!memory.admit(Self.token(100), expiry: 1e15 + 60, now: -1e15))
    }

    /// The model keeps every token with its expiry, and forgets those whose ten seconds have passed.
    @Test func `it is as exact as a dictionary`() {
        for seed in 0..<8 {
            var random = SeededRandomness(seed: UInt64(seed))
            let capacity = 1 + random.below(60)
            let memory = Subject(capacity: capacity)
            var model: [Int: Double] = [:]
            var now = 1_763_683_200.0
            for step in 0..<3000 {
                switch random.below(400) {
                case 0: now += Double(random.below(100_000))
                case 1: now -= Double(random.below(100_000))
                default: now += Double(random.below(300)) / 100
                }
                let number = random.below(120)
                let expiry = now + Double(random.below(12_000)) / 100
                model = model.filter {
                    ($0.value / 10).rounded(.down) >= ((now - ReplayMemory.margin) / 10).rounded(.down)
                }
                let isNew = model[number] == nil && model.count < capacity
                if isNew { model[number] = expiry }
                let admitted = memory.admit(Self.token(number), expiry: expiry, now: now)
                if admitted != isNew || memory.count != model.count { Issue.record("seed \(seed), step \(step)") }
            }
        }
    }

    @Test func `the guard that workers share admits a request on one of them`() async {
        let key = Key.random().id
        let replayGuard = ReplayGuard(capacity: 1000)
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<500).count {
                        replayGuard.admit(Self.token($0), of: 1000, under: key, expiry: 1060, now: 1000) == .new
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 500)
    }
}
