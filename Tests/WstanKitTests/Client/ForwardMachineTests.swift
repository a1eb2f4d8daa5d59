import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ForwardMachineTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func at(_ seconds: Int) -> Instant { start + .seconds(seconds) }

    @Test func `each source gets one association`() {
        var machine = ForwardMachine<Int>(capacity: 4, patience: .seconds(60))
        let actions = [1, 2, 1, 2, 3].map { machine.arrived(from: $0, now: Self.start) }
        #expect(actions == [.new(ending: nil), .new(ending: nil), .known, .known, .new(ending: nil)])
        #expect(machine.count == 3)
    }

    @Test func `the least recently used gives way, in either direction`() {
        var machine = ForwardMachine<Int>(capacity: 3, patience: .seconds(60))
        for source in 1...3 {
            _ = machine.arrived(from: source, now: Self.start)
            machine.settled(source)
        }
        // All at the same time: their order tells.
        machine.answered(1, now: Self.start)
        #expect(machine.arrived(from: 4, now: Self.start) == .new(ending: 2))
        #expect(machine.arrived(from: 5, now: Self.start) == .new(ending: 3))
        #expect(machine.arrived(from: 6, now: Self.start) == .new(ending: 1))
        #expect(machine.count == 3)
    }

    @Test func `one that is still being opened does not give way`() {
        var machine = ForwardMachine<Int>(capacity: 2, patience: .seconds(60))
        for source in 1...2 { _ = machine.arrived(from: source, now: Self.start) }
        #expect(machine.arrived(from: 3, now: Self.start) == .drop)
        machine.settled(2)
        #expect(machine.arrived(from: 3, now: Self.start) == .new(ending: 2))
        #expect(machine.arrived(from: 4, now: Self.start) == .drop)
    }

    @Test func `idle ones end, used ones stay`() throws {
        var machine = ForwardMachine<Int>(capacity: 4, patience: .seconds(60))
        #expect(machine.nextExpiry == nil)
        for source in 1...3 { _ = machine.arrived(from: source, now: Self.at(source)) }
        #expect(machine.nextExpiry == Self.at(61))
        #expect(machine.takeExpired(now: Self.at(60)) == [])
        _ = machine.arrived(from: 2, now: Self.at(50))
        #expect(machine.takeExpired(now: Self.at(61)) == [1])
        #expect(machine.takeExpired(now: Self.at(109)) == [3])
        #expect(machine.takeExpired(now: Self.at(110)) == [2])
        #expect(machine.count == 0)
        #expect(machine.nextExpiry == nil)
    }

    @Test func `events of one that has ended mean nothing`() {
        var machine = ForwardMachine<Int>(capacity: 1, patience: .seconds(60))
        machine.settled(1)
        machine.answered(1, now: Self.start)
        #expect(machine.count == 0)
    }

    @Test func `one that has ended is new when it comes again`() {
        var machine = ForwardMachine<Int>(capacity: 4, patience: .seconds(60))
        _ = machine.arrived(from: 1, now: Self.start)
        machine.ended(1)
        machine.ended(2)
        #expect(machine.count == 0)
        #expect(machine.arrived(from: 1, now: Self.start) == .new(ending: nil))
    }
}
