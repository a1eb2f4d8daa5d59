import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct GatheredRefusalsTests {
    /// Behind a reference: `#expect` takes no mutating calls.
    private final class Subject {
        private var refusals = GatheredRefusals()

        /// - Returns: whether it was to be logged.
        func refused(_ reason: String, _ client: Int, at second: Int) -> Bool {
            action(reason, client, at: second) == .log
        }

        func action(_ reason: String, _ client: Int, at second: Int) -> GatheredRefusals.Action {
            refusals.refused(reason, of: source(client), now: GatheredRefusalsTests.at(second))
        }

        func lines(at second: Int?) -> [GatheredRefusals.Line] {
            refusals.removeLines(now: second.map(GatheredRefusalsTests.at))
        }

        var nextEnd: Instant? { refusals.nextEnd }
    }

    private static func at(_ second: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(second) }

    private static func source(_ client: Int) -> String { "source \(client)" }

    @Test func `the first of a source and reason is logged, the others are counted`() {
        let subject = Subject()
        #expect(subject.refused("expired", 1, at: 0))
        #expect(!subject.refused("expired", 1, at: 1))
        #expect(subject.refused("replayed", 1, at: 2))
        #expect(subject.refused("expired", 2, at: 3))
        #expect(subject.action("expired", 1, at: 59) == .counted(until: Self.at(60)))
        #expect(!subject.refused("replayed", 1, at: 59))
        #expect(subject.lines(at: 59).isEmpty)
        #expect(
            subject.lines(at: 60)
                == [GatheredRefusals.Line(source: Self.source(1), counts: ["expired": 2, "replayed": 1])])
    }

    @Test func `a minute without repetition leaves nothing to log`() {
        let subject = Subject()
        #expect(subject.refused("expired", 1, at: 0))
        #expect(subject.nextEnd == nil)
        #expect(subject.lines(at: 60).isEmpty)
        #expect(subject.refused("expired", 1, at: 60))
        #expect(!subject.refused("expired", 1, at: 119))
        #expect(subject.nextEnd == Self.at(120))
        #expect(subject.lines(at: nil).count == 1)
        #expect(subject.nextEnd == nil)
    }

    @Test func `every minute is a line, the earliest first`() {
        let subject = Subject()
        for client in 1...3 {
            for _ in 0...client { _ = subject.refused("expired", client, at: client) }
        }
        #expect(subject.nextEnd == Self.at(61))
        #expect(subject.lines(at: 62).map(\.counts) == [["expired": 1], ["expired": 2]])
        #expect(subject.lines(at: nil).map(\.source) == [Self.source(3)])
    }

    @Test func `beyond the limit of sources the others are one`() {
        let subject = Subject()
        for client in 0..<GatheredRefusals.maxSources { #expect(subject.refused("expired", client, at: 0)) }
        #expect(subject.refused("expired", 1000, at: 1))
        for client in 1001..<2000 { #expect(!subject.refused("expired", client, at: 1)) }
        #expect(!subject.refused("expired", 5, at: 2))
        let lines = subject.lines(at: 61)
        #expect(Set(lines.map(\.source)) == [Self.source(5), nil])
        #expect(lines.first { $0.source == nil }?.counts == ["expired": 999])
        // There is room again.
        #expect(subject.refused("expired", 1000, at: 62))
        #expect(!subject.refused("expired", 1000, at: 63))
        #expect(subject.lines(at: nil).map(\.source) == [Self.source(1000)])
    }
}
