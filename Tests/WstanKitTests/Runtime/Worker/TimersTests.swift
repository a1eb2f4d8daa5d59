import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct TimersTests {
    /// The same as a list: slow, and plainly right.
    private struct Model {
        struct Entry {
            let deadline: UInt64
            let name: Int
            let id: Timers.ID
        }

        var entries: [Entry] = []
        var earliest: UInt64? { entries.map(\.deadline).min() }
    }

    @Test(arguments: [UInt64(30), 31, 32, 33])
    func `any course of scheduling, cancelling and popping is that of a list`(seed: UInt64) {
        var random = SeededRandomness(seed: seed)
        var timers = Timers()
        var model = Model()
        var popped: [Int] = []
        var old: [Timers.ID] = []
        var clock: UInt64 = 0
        // Half of the runs cancel nearly all, as connections do; so compaction is met.
        let cancelShare = seed % 2 == 0 ? 2 : 6
        for name in 0..<4000 {
            switch random.below(10) {
            case 0..<(10 - cancelShare - 1):
                let deadline = clock + UInt64(random.below(1000))
                let id = timers.schedule(at: Instant(nanoseconds: deadline)) { popped.append(name) }
                model.entries.append(Model.Entry(deadline: deadline, name: name, id: id))
            case 9:
                clock += UInt64(random.below(200))
                while let action = timers.popDue(at: Instant(nanoseconds: clock)) {
                    let earliest = model.earliest
                    action()
                    let index = model.entries.firstIndex { $0.name == popped.last }
                    guard let index else {
                        Issue.record("popped what was not there")
                        return
                    }
                    let entry = model.entries.remove(at: index)
                    #expect(entry.deadline == earliest)
                    #expect(entry.deadline <= clock)
                    old.append(entry.id)
                }
                #expect(model.entries.allSatisfy { $0.deadline > clock })
            default:
                if !model.entries.isEmpty {
                    let entry = model.entries.remove(at: random.below(model.entries.count))
                    timers.cancel(entry.id)
                    old.append(entry.id)
                }
                // Late or twice means nothing.
                if let id = old.randomElement(using: &random) { timers.cancel(id) }
            }
            #expect(timers.isEmpty == model.entries.isEmpty)
            #expect(timers.next()?.nanoseconds == model.earliest)
        }
        #expect(popped.count == Set(popped).count)
    }

    @Test func `an action may schedule and cancel others`() {
        var timers = Timers()
        let now = Instant(nanoseconds: 10)
        var order: [Int] = []
        let second = timers.schedule(at: now) { order.append(2) }
        _ = timers.schedule(at: Instant(nanoseconds: 5)) { order.append(1) }
        while let action = timers.popDue(at: now) {
            action()
            if order == [1] {
                timers.cancel(second)
                _ = timers.schedule(at: now) { order.append(3) }
            }
        }
        #expect(order == [1, 3])
        #expect(timers.isEmpty)
        #expect(timers.next() == nil)
    }
}
