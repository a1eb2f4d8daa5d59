import Logging
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct EventLogTests {
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `what a source is refused again is one line when its minute is over`() {
        let lines = LogLines()
        let log = lines.log
        #expect(log.gather("replayed", .notice, of: "a", now: Self.at(0)) == nil)
        #expect(log.gather("replayed", .notice, of: "a", now: Self.at(1)) == Self.at(60))
        #expect(log.gather("expired", .notice, of: "a", now: Self.at(2)) == nil)
        #expect(log.gather("expired", .notice, of: "a", now: Self.at(3)) == Self.at(60))
        #expect(lines.all.isEmpty)
        #expect(log.logGathered(upTo: Self.at(60)) == nil)
        #expect(lines.all.map(\.text) == ["refused again within a minute reasons=\"expired: 1, replayed: 1\" source=a"])
    }

    @Test func `what is logged at info takes no place among the refusals`() {
        let lines = LogLines()
        let log = lines.log
        for level in [Logger.Level.info, .notice, .info, .notice] {
            _ = log.gather("reason", level, of: "a", now: Self.at(0))
        }
        log.logGathered(upTo: nil)
        #expect(lines.all.map(\.level) == [.notice, .info])
    }

    @Test func `how many were kept back is told only when some were`() {
        #expect(Logger.Metadata.repeated(0).isEmpty)
        #expect(Logger.Metadata.repeated(3) == ["repeated": "3"])
        var metadata: Logger.Metadata = ["peer": "a"]
        metadata.addRepeated(0)
        #expect(metadata == ["peer": "a"])
        metadata.addRepeated(1)
        #expect(metadata == ["peer": "a", "repeated": "1"])
    }
}
