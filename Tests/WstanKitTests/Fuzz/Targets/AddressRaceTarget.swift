@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// Whatever the order of answers, delays and failures: each address is tried once, and when none answers that is
    /// said, once.
    static let addressRace = FuzzTarget(
        "address-race", seeds: [[2, 3, 0, 1, 2, 3, 2, 2, 3], [0, 1, 1, 2, 0, 3, 3], [0, 0, 0, 1]]
    ) { input in
        let ipv6 = (0..<input.below(5)).map {
            SocketAddress.ipv6(IPv6Address(high: 1, low: UInt64($0)), port: 1, scope: 0)
        }
        let ipv4 = (0..<input.below(5)).map { SocketAddress.ipv4(IPv4Address(UInt32($0)), port: 1) }
        var race = RunningRace()
        var answers: [(addresses: [SocketAddress], family: Resolver.Family)] = [(ipv6, .ipv6), (ipv4, .ipv4)]
        if input.flag() { answers.reverse() }
        while !input.isOver {
            switch input.below(4) {
            case 0: if let answer = answers.popLast() { race.resolved(answer.addresses, answer.family) }
            case 1: race.fail()
            case 2: race.pass(input.below(race.delays.count + 1))
            default: race.passLatest()
            }
        }
        // Everything that is still to come.
        while let answer = answers.popLast() { race.resolved(answer.addresses, answer.family) }
        while race.running > 0 || !race.delays.isEmpty {
            race.passLatest()
            race.fail()
        }
        require(race.hasFailed, "a race that nobody wins is lost")
        require(race.tried == Set(ipv4 + ipv6), "every address was tried")
    }
}

private struct RunningRace {
    private var race = AddressRace()
    private(set) var tried: Set<SocketAddress> = []
    private(set) var running = 0
    private(set) var delays: [Int] = []
    private(set) var hasFailed = false

    mutating func resolved(_ addresses: [SocketAddress], _ family: Resolver.Family) {
        carryOut(race.resolved(addresses, family: family))
    }

    mutating func fail() {
        guard running > 0 else { return }
        running -= 1
        carryOut(race.attemptFailed())
    }

    /// The delays need not pass in their order.
    mutating func pass(_ index: Int) {
        // When it is all over, nobody reports back.
        guard delays.indices.contains(index), !hasFailed else { return delays.removeAll() }
        carryOut(race.delayPassed(delays.remove(at: index)))
    }

    mutating func passLatest() { pass(delays.count - 1) }

    private mutating func carryOut(_ actions: [AddressRace.Action]) {
        for action in actions {
            require(!hasFailed, "nothing after the end")
            switch action {
            case .connect(let address):
                require(tried.insert(address).inserted, "each address once")
                running += 1
            case .delay(_, let number):
                delays.append(number)
            case .fail:
                require(running == 0, "not lost while somebody runs")
                hasFailed = true
            }
        }
    }
}
