import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct DialRoundsTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static let refused = DialFailure.unreachable(.connect(SystemError(call: "connect", code: 111)))

    @Test func `each server is tried once, and the first failure is told`() {
        var rounds = DialRounds()
        rounds.failed(1, of: 3, .closed(usesTLS: false))
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .go)
        rounds.failed(0, of: 3, .notHTTP(.ssh))
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .go)
        #expect(rounds.tried == [0, 1])
        rounds.failed(2, of: 3, .timedOut)
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .fail(.closed(usesTLS: false)))
    }

    @Test func `when all that are left fail to connect the round is over`() {
        var rounds = DialRounds()
        rounds.failed(0, of: 3, .closed(usesTLS: false))
        rounds.failedEverywhere(Self.refused)
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .fail(.closed(usesTLS: false)))
    }

    @Test func `a reset is tried again five times at once`() {
        var rounds = DialRounds()
        for _ in 0..<5 {
            rounds.failed(0, of: 1, .reset)
            #expect(rounds.next(mayBeRestarting: false, Self.start) == .go)
            #expect(rounds.tried.isEmpty)
        }
        rounds.failed(0, of: 1, .reset)
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .fail(.reset))
    }

    @Test func `a server that may come back is waited for, three seconds in all`() {
        var rounds = DialRounds()
        var now = Self.start
        var pauses: [Duration] = []
        while true {
            rounds.failedEverywhere(Self.refused)
            guard case .pause(let pause) = rounds.next(mayBeRestarting: true, now) else { break }
            pauses.append(pause)
            now = now + pause
        }
        #expect(pauses == [100, 200, 400, 800, 1500].map { .milliseconds($0) })
        #expect(rounds.next(mayBeRestarting: true, now) == .fail(Self.refused))
    }

    /// Clients that were cut off together come back apart.
    @Test func `pauses are spread, by numbers that follow from a seed`() {
        func pauses(_ seed: UInt64) -> [Duration] {
            var rounds = DialRounds(jitter: Jitter(seed: seed))
            return (0..<3).compactMap { _ in
                rounds.failedEverywhere(Self.refused)
                guard case .pause(let pause) = rounds.next(mayBeRestarting: true, Self.start) else { return nil }
                return pause
            }
        }
        let all = (0..<100).map { pauses($0) }
        #expect(Set(all.map(\.description)).count > 90 && pauses(7) == all[7])
        for (number, middle) in [100, 200, 400].enumerated() {
            let spread = all.map { $0[number] }
            #expect(spread.allSatisfy { $0 >= .zero && $0 < .milliseconds(middle) })
            #expect(spread.min()! < .milliseconds(middle / 10) && spread.max()! > .milliseconds(middle * 9 / 10))
        }
    }

    @Test func `a failure that is no restart's ends the wait`() {
        var rounds = DialRounds()
        rounds.failedEverywhere(Self.refused)
        #expect(rounds.next(mayBeRestarting: true, Self.start) == .pause(.milliseconds(100)))
        rounds.failed(0, of: 1, .refused(status: 404, clockAhead: nil))
        #expect(rounds.next(mayBeRestarting: false, Self.start) == .fail(.refused(status: 404, clockAhead: nil)))
    }
}
