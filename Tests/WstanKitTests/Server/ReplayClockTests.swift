import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// A server whose clock is set at random, whose `request-ttl` is changed, whose machine sleeps, and which is restarted and killed
/// at any moment, with an attacker who sends again whatever was ever accepted.
@Suite struct ReplayClockTests {
    private static let keys = [KeyID(value: 1), KeyID(value: 2), KeyID(value: 3)]

    private static let names = [keys[0]: KeyName.configured, keys[1]: KeyName.configured, keys[2]: KeyName("phone") ?? .configured]

    /// - Parameters:
    ///   - strays: key holders whose clock goes with the server's; otherwise all clients' clocks are right.
    ///   - changesLifetime: whether `request-ttl` is changed now and then.
    private static func run(seed: UInt64, steps: Int, strays: Bool, changesLifetime: Bool = false) -> (accepted: Int, served: Int) {
        var random = SeededRandomness(seed: seed)
        var machine = ReplayMachine(slots: 64)
        machine.names = names
        machine.install()
        var accepted: [ReplayMachine.Made] = []
        var known: Set<ReplayMachine.Made> = []
        var token: UInt64 = 0
        var served = 0
        func error() -> Double {
            let sizes = [2.0, 30, 59, 61, 90, 300, 3600, 86_400, 3e8]
            return (random.below(2) == 0 ? -1 : 1) * sizes[random.below(sizes.count)] * Double(1 + random.below(100)) / 100
        }
        for step in 0..<steps {
            switch random.below(60) {
            case 0, 1: machine.set(error: error())
            case 2, 3: machine.set(error: 0)
            case 4: machine.pass(Double(random.below(5000)))
            case 5: machine.restart()
            case 6:
                // A key is retired, and its secret comes back.
                machine.names[keys[random.below(3)]] = nil
                machine.install()
                if random.below(2) == 0 { machine.restart() }
                machine.names = names
                machine.install()
                // What was made before the last request that it had is refused; clients' clocks are a second wrong.
                machine.pass(2.1)
            case 7 where changesLifetime:
                machine.lifetime = [1, 10, 30, 60, 600, 3600][random.below(6)]
                if random.below(2) == 0 { machine.restart() }
                // What is earlier than the last request that was forgotten is refused.
                machine.right = 0
            case 7...19:
                // Sometimes at the moment at which it was made.
                guard let again = accepted.isEmpty ? nil : accepted[random.below(accepted.count)] else { continue }
                let isMoved = random.below(4) == 0
                if isMoved {
                    machine.set(error: again.time + Double(random.below(121)) - 60 - machine.truth)
                }
                if case .new = machine.admits(again) {
                    Issue.record("seed \(seed), step \(step): accepted twice")
                    return (accepted.count, served)
                }
                if isMoved, random.below(4) > 0 { machine.set(error: 0) }
            default:
                machine.pass(Double(random.below(200)) / 10)
                token += 1
                let key = keys[random.below(3)]
                // A client's clock is a second wrong.
                let time = machine.truth + Double(random.below(21)) / 10 - 1 + (strays && random.below(2) == 0 ? machine.error : 0)
                let made = ReplayMachine.Made(key: key, token: token, time: time)
                switch machine.admits(made) {
                case .new:
                    if known.insert(made).inserted { accepted.append(made) }
                    if machine.right > 180 { served += 1 }
                case .full: break
                case let other:
                    if !strays, machine.right > 180 {
                        Issue.record("seed \(seed), step \(step): refused with a right clock: \(String(describing: other))")
                        return (accepted.count, served)
                    }
                }
            }
        }
        return (accepted.count, served)
    }

    private static let rounds = ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] == nil ? 150 : 3000

    @Test func `nothing is accepted twice, and a clock that is right for three minutes lets every honest client in`() {
        var (accepted, served) = (0, 0)
        for seed in 0..<UInt64(Self.rounds) {
            let run = Self.run(seed: seed, steps: 600, strays: false)
            accepted += run.accepted
            served += run.served
        }
        #expect(accepted > 100 * Self.rounds && served > Self.rounds)
    }

    @Test func `nothing is accepted twice, though some clients' clocks go wrong with the server's`() {
        for seed in 0..<UInt64(Self.rounds) { _ = Self.run(seed: 100_000 + seed, steps: 600, strays: true) }
    }

    /// While spans were of expiries, it was accepted again after a shorter `request-ttl`, a restart, and a clock that was set back.
    @Test func `nothing is accepted twice, though request-ttl is changed`() {
        var accepted = 0
        for seed in 0..<UInt64(Self.rounds) {
            accepted += Self.run(seed: 200_000 + seed, steps: 600, strays: seed % 2 == 0, changesLifetime: true).accepted
        }
        #expect(accepted > 50 * Self.rounds)
    }
}
