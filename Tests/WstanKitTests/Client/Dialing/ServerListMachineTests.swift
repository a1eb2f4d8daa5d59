import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ServerListMachineTests {
    private typealias Machine = ServerListMachine
    private static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static func at(_ seconds: Double) -> Instant { start + .milliseconds(Int(seconds * 1000)) }

    /// A tunnel is opened, or a try fails, at once.
    private static func opens(_ machine: inout Machine, _ number: Int, _ now: Instant) -> Machine.Change? {
        machine.began(number, now)
        machine.connected(number, now)
        machine.began(number, now)
        return machine.accepted(number, now)
    }

    private static func fails(_ machine: inout Machine, _ number: Int, _ now: Instant, looksRestarting: Bool = false) {
        machine.began(number, now)
        machine.failed(number, looksRestarting: looksRestarting, now)
    }

    @Test func `servers are tried in the order in which they are given`() {
        #expect(Machine(count: 3).order(Self.start) == [0, 1, 2])
    }

    @Test func `one that fails goes to the end, and those that are out keep their order`() {
        var machine = Machine(count: 3)
        Self.fails(&machine, 0, Self.at(0))
        #expect(machine.order(Self.at(0)) == [1, 2, 0])
        Self.fails(&machine, 1, Self.at(0))
        #expect(machine.order(Self.at(0)) == [2, 0, 1])
        Self.fails(&machine, 2, Self.at(0))
        #expect(machine.order(Self.at(0)) == [0, 1, 2])
    }

    @Test func `a silent server is passed over until it answers`() {
        var machine = Machine(count: 2)
        machine.began(0, Self.at(0))
        #expect(machine.patienceEnds(0, Self.at(0)) == Self.at(1))
        machine.began(0, Self.at(0.9))
        // Whoever came later does not wait longer.
        #expect(machine.patienceEnds(0, Self.at(0.9)) == Self.at(1))
        #expect(machine.order(Self.at(0.999)) == [0, 1])
        #expect(machine.order(Self.at(1)) == [1, 0])
        machine.connected(0, Self.at(1.5))
        #expect(machine.order(Self.at(1.5)) == [0, 1])
        // The other one has still not heard.
        #expect(machine.order(Self.at(2.5)) == [1, 0])
        machine.gaveUp(0)
        #expect(machine.order(Self.at(2.5)) == [0, 1])
    }

    @Test func `a busy server is not a silent one`() {
        var machine = Machine(count: 2)
        machine.began(0, Self.at(0))
        for step in 1...20 {
            machine.began(0, Self.at(Double(step) * 0.3))
            machine.connected(0, Self.at(Double(step) * 0.3 + 0.2))
            #expect(machine.order(Self.at(Double(step) * 0.3 + 0.2)) == [0, 1])
        }
    }

    @Test func `pauses double from five seconds to five minutes, each ended by one probe`() {
        var machine = Machine(count: 2)
        var now = Self.at(0)
        Self.fails(&machine, 0, now)
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            #expect(machine.nextProbe == now + .seconds(seconds))
            #expect(machine.takeProbes(now + .milliseconds(seconds * 1000 - 1)).isEmpty)
            now = now + .seconds(seconds)
            #expect(machine.takeProbes(now) == [0])
            #expect(machine.takeProbes(now) == [])
            #expect(machine.nextProbe == nil)
            #expect(machine.order(now) == [1, 0])
            machine.probed(0, works: false, now)
        }
        machine.probed(0, works: true, now)
        #expect(machine.order(now) == [1, 0], "nobody had asked")
    }

    @Test func `failures at the same time make the pause no longer`() {
        var machine = Machine(count: 2)
        for step in 0..<50 { Self.fails(&machine, 0, Self.at(Double(step) * 0.05)) }
        #expect(machine.nextProbe == Self.at(5))
        // Nor those of users for whom nothing else was left.
        machine.began(0, Self.at(3))
        machine.connected(0, Self.at(3))
        machine.began(0, Self.at(3))
        machine.failed(0, looksRestarting: false, Self.at(3.1))
        #expect(machine.nextProbe == Self.at(5))
    }

    /// A front whose server is away takes connections all the same.
    @Test func `one that connects and then refuses is out for longer each time`() {
        var machine = Machine(count: 2)
        Self.fails(&machine, 0, Self.at(0))
        #expect(machine.takeProbes(Self.at(5)) == [0])
        machine.probed(0, works: true, Self.at(5))
        #expect(machine.order(Self.at(5)) == [0, 1])
        Self.fails(&machine, 0, Self.at(6))
        #expect(machine.nextProbe == Self.at(16))
        // What it has once opened is forgiven.
        _ = Self.opens(&machine, 0, Self.at(17))
        Self.fails(&machine, 0, Self.at(18))
        #expect(machine.nextProbe == Self.at(23))
    }

    @Test func `falling back and coming back are told once`() {
        var machine = Machine(count: 3)
        #expect(Self.opens(&machine, 0, Self.at(0)) == nil)
        Self.fails(&machine, 0, Self.at(1))
        #expect(Self.opens(&machine, 1, Self.at(1)) == .fellBack(to: 1))
        #expect(Self.opens(&machine, 1, Self.at(2)) == nil)
        Self.fails(&machine, 1, Self.at(3))
        #expect(Self.opens(&machine, 2, Self.at(3)) == .fellBack(to: 2))
        #expect(Self.opens(&machine, 0, Self.at(9)) == .returned(to: 0))
        #expect(Self.opens(&machine, 0, Self.at(10)) == nil)
    }

    @Test func `free tunnels are wanted until a preferred server is known to work`() {
        var machine = Machine(count: 2)
        #expect(machine.isWanted(0) && machine.isWanted(1))
        Self.fails(&machine, 0, Self.at(0))
        _ = Self.opens(&machine, 1, Self.at(0))
        #expect(machine.isWanted(1))
        #expect(machine.takeProbes(Self.at(5)) == [0])
        machine.probed(0, works: true, Self.at(5))
        #expect(machine.isWanted(1), "a probe proves little")
        _ = Self.opens(&machine, 0, Self.at(6))
        #expect(!machine.isWanted(1))
        #expect(machine.isWanted(0))
        Self.fails(&machine, 0, Self.at(7))
        #expect(machine.isWanted(1))
    }

    @Test func `only one that has worked, not long ago, can be restarting`() {
        var machine = Machine(count: 1)
        Self.fails(&machine, 0, Self.at(0), looksRestarting: true)
        #expect(!machine.mayBeRestarting(Self.at(0)))
        _ = Self.opens(&machine, 0, Self.at(1))
        #expect(!machine.mayBeRestarting(Self.at(1)))
        Self.fails(&machine, 0, Self.at(2), looksRestarting: true)
        #expect(machine.mayBeRestarting(Self.at(2)))
        Self.fails(&machine, 0, Self.at(3), looksRestarting: false)
        #expect(!machine.mayBeRestarting(Self.at(3)))
        Self.fails(&machine, 0, Self.at(4), looksRestarting: true)
        #expect(machine.mayBeRestarting(Self.at(61)))
        #expect(!machine.mayBeRestarting(Self.at(62)))
    }

    @Test func `in another network every server has another chance`() {
        var machine = Machine(count: 2)
        Self.fails(&machine, 0, Self.at(0))
        #expect(machine.takeProbes(Self.at(5)) == [0])
        machine.forgetFailures(Self.at(5))
        #expect(machine.order(Self.at(5)) == [0, 1])
        machine.probed(0, works: false, Self.at(6))
        #expect(machine.order(Self.at(6)) == [0, 1], "the probe was of the former network")
        #expect(machine.nextProbe == nil)
    }
}
