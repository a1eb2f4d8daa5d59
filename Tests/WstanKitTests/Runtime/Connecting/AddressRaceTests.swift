import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct AddressRaceTests {
    private typealias Action = AddressRace.Action

    private static func v6(_ number: UInt64) -> SocketAddress {
        .ipv6(IPv6Address(high: 1, low: number), port: 1, scope: 0)
    }
    private static func v4(_ number: UInt32) -> SocketAddress { .ipv4(IPv4Address(number), port: 1) }

    private static func attempt(_ number: Int) -> Action { .delay(AddressRace.attemptDelay, number: number) }

    @Test func `IPv6 starts at once, and the families take turns`() {
        var race = AddressRace()
        #expect(race.resolved([Self.v6(1), Self.v6(2)], family: .ipv6) == [.connect(Self.v6(1)), Self.attempt(1)])
        #expect(race.resolved([Self.v4(1), Self.v4(2)], family: .ipv4) == [])
        #expect(race.delayPassed(1) == [.connect(Self.v4(1)), Self.attempt(2)])
        #expect(race.delayPassed(2) == [.connect(Self.v6(2)), Self.attempt(3)])
        #expect(race.delayPassed(3) == [.connect(Self.v4(2)), Self.attempt(4)])
        #expect(race.delayPassed(4) == [])
        for _ in 0..<3 { #expect(race.attemptFailed() == []) }
        #expect(race.attemptFailed() == [.fail])
    }

    @Test func `IPv4 gives IPv6 a moment, and IPv6 uses it`() {
        var race = AddressRace()
        #expect(race.resolved([Self.v4(1)], family: .ipv4) == [.delay(AddressRace.resolutionDelay, number: 1)])
        #expect(race.resolved([Self.v6(1)], family: .ipv6) == [.connect(Self.v6(1)), Self.attempt(2)])
        // The moment passes later; it is over already.
        #expect(race.delayPassed(1) == [])
        #expect(race.delayPassed(2) == [.connect(Self.v4(1)), Self.attempt(3)])
    }

    @Test func `IPv4 does not wait longer, and IPv6 joins when it comes`() {
        var race = AddressRace()
        #expect(
            race.resolved([Self.v4(1), Self.v4(2)], family: .ipv4) == [.delay(AddressRace.resolutionDelay, number: 1)])
        #expect(race.delayPassed(1) == [.connect(Self.v4(1)), Self.attempt(2)])
        #expect(race.resolved([Self.v6(1)], family: .ipv6) == [])
        #expect(race.delayPassed(2) == [.connect(Self.v6(1)), Self.attempt(3)])
    }

    @Test func `IPv4 does not wait for an IPv6 that is not there`() {
        var race = AddressRace()
        #expect(race.resolved([], family: .ipv6) == [])
        #expect(race.resolved([Self.v4(1)], family: .ipv4) == [.connect(Self.v4(1)), Self.attempt(1)])
        race = AddressRace()
        #expect(race.resolved([Self.v4(1)], family: .ipv4) == [.delay(AddressRace.resolutionDelay, number: 1)])
        #expect(race.resolved([], family: .ipv6) == [.connect(Self.v4(1)), Self.attempt(2)])
    }

    @Test func `a failure starts the next attempt at once`() {
        var race = AddressRace()
        #expect(race.resolved([], family: .ipv4) == [])
        #expect(race.resolved([Self.v6(1), Self.v6(2)], family: .ipv6) == [.connect(Self.v6(1)), Self.attempt(1)])
        #expect(race.attemptFailed() == [.connect(Self.v6(2)), Self.attempt(2)])
        #expect(race.delayPassed(1) == [])
        #expect(race.attemptFailed() == [.fail])
    }

    @Test func `without any address it fails`() {
        for first in [Resolver.Family.ipv4, .ipv6] {
            var race = AddressRace()
            #expect(race.resolved([], family: first) == [])
            #expect(race.resolved([], family: first == .ipv4 ? .ipv6 : .ipv4) == [.fail])
        }
    }

    /// The attempt's delay is for attempts that are under way.
    @Test func `a late answer starts at once when all before it have failed`() {
        var race = AddressRace()
        #expect(race.resolved([Self.v6(1)], family: .ipv6) == [.connect(Self.v6(1)), Self.attempt(1)])
        #expect(race.attemptFailed() == [])
        #expect(race.resolved([Self.v4(1)], family: .ipv4) == [.connect(Self.v4(1)), Self.attempt(2)])
    }

    /// An IPv6 route that swallows everything, and a slow name server: IPv4 must not wait for the deadline.
    @Test func `a late answer starts at once when the attempts before it have had their time`() {
        var race = AddressRace()
        #expect(race.resolved([Self.v6(1)], family: .ipv6) == [.connect(Self.v6(1)), Self.attempt(1)])
        #expect(race.delayPassed(1) == [])
        #expect(race.resolved([Self.v4(1)], family: .ipv4) == [.connect(Self.v4(1)), Self.attempt(2)])
    }

    /// Delivers what is pending in any order until the race is lost or nothing is pending; some attempts hang for ever.
    private struct Driver {
        enum Event {
            case resolved([SocketAddress], Resolver.Family)
            case delayPassed(Int)
            case attemptFailed
        }

        var race = AddressRace()
        var pending: [Event]
        var connected: [SocketAddress] = []
        var fails = 0
        var hanging = 0

        mutating func run(hangs: Bool, _ random: inout SeededRandomness) {
            while !pending.isEmpty, fails == 0 {
                let actions: [Action]
                switch pending.remove(at: random.below(pending.count)) {
                case .resolved(let addresses, let family): actions = race.resolved(addresses, family: family)
                case .delayPassed(let number): actions = race.delayPassed(number)
                case .attemptFailed: actions = race.attemptFailed()
                }
                for action in actions {
                    switch action {
                    case .connect(let address):
                        connected.append(address)
                        if hangs, random.below(2) == 0 { hanging += 1 } else { pending.append(.attemptFailed) }
                    case .delay(_, let number): pending.append(.delayPassed(number))
                    case .fail: fails += 1
                    }
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `in whatever order things happen, every address is tried once and the end comes last`(hangs: Bool) {
        var random = SeededRandomness(seed: 35)
        for _ in 0..<5000 {
            let sixes = (0..<random.below(4)).map { Self.v6(UInt64($0)) }
            let fours = (0..<random.below(4)).map { Self.v4(UInt32($0)) }
            var driver = Driver(pending: [.resolved(sixes, .ipv6), .resolved(fours, .ipv4)])
            driver.run(hangs: hangs, &random)
            if driver.connected.count != sixes.count + fours.count || Set(driver.connected) != Set(sixes + fours) {
                Issue.record("tried \(driver.connected) of \(sixes) and \(fours)")
            }
            if driver.fails != (driver.hanging == 0 ? 1 : 0) { Issue.record("failed \(driver.fails) times") }
        }
    }
}
