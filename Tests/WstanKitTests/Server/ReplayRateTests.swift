import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// A busy server: a thousand requests of a hundred users each second, and as many replays.
@Suite struct ReplayRateTests {
    private static let users: [(key: KeyID, name: KeyName)] = (1...100).compactMap { number in
        KeyName("user\(number)").map { (KeyID(value: UInt64(number)), $0) }
    }
    private static let replays = ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] == nil ? 40_000 : 1_000_000

    @Test func `no replay is accepted and no genuine request refused, over restarts and steps of the clock`() {
        var random = SeededRandomness(seed: 7)
        var machine = ReplayMachine(slots: ServerLimits.seenRequests)
        machine.names = Dictionary(uniqueKeysWithValues: Self.users.map { ($0.key, $0.name) })
        machine.install()
        var accepted: [ReplayMachine.Made] = []
        for number in 0..<Self.replays {
            machine.pass(0.001)
            // As a time server corrects it, and the next time sets it right.
            if number % 20_000 == 10_000 { machine.set(error: Double(random.below(100)) / 100 - 0.5) }
            if number % 20_000 == 15_000 { machine.set(error: 0) }
            if number % 50_000 == 19_000 { machine.restart() }
            let user = Self.users[number % Self.users.count]
            let made = ReplayMachine.Made(
                key: user.key, token: UInt64(number), time: machine.truth + Double(random.below(21)) / 10 - 1)
            guard case .new = machine.admits(made) else {
                Issue.record("request \(number) was refused")
                return
            }
            accepted.append(made)
            // Every other one is within the window still.
            let reach = number % 2 == 0 ? min(accepted.count, 60_000) : accepted.count
            let again = accepted[accepted.count - 1 - random.below(reach)]
            if case .new = machine.admits(again) {
                Issue.record("replay \(number) was accepted")
                return
            }
        }
        #expect(accepted.count == Self.replays)
    }
}
