import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct DaemonEventsTests {
    private static let process = LocalProcess(pid: 1, uid: 2, gid: 3)

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        let log = lines.log
        log.started("wstand")
        for method in ["RotateKey", "RetireKey", "CloseTunnel"] {
            log.commandReceived("org.wstan.control." + method, by: Self.process)
        }
        log.workerHangs(for: .seconds(10), isWatched: true)
        log.stopped()
        #expect(lines.all.map(\.id) == [.started, .keyRotated, .keyRetired, nil, .workerHangs, .stopped])
    }

    @Test func `what became of a command is told with its method and its caller`() {
        let lines = LogLines()
        let log = lines.log
        log.commandReceived("a.b.Reload", by: Self.process)
        log.commandFailed("a.b.Reload", by: Self.process, "a.b.Busy")
        for second in [0, 0, 1] {
            log.commandDenied("a.b.Reload", to: Self.process, now: Instant(nanoseconds: 1) + .seconds(second))
        }
        #expect(
            lines.all.map(\.text) == [
                "control command received method=a.b.Reload pid=1 uid=2",
                "control command failed error=a.b.Busy method=a.b.Reload pid=1 uid=2",
                "control command denied method=a.b.Reload pid=1 repeated=0 uid=2",
                "control command denied method=a.b.Reload pid=1 repeated=1 uid=2",
            ])
    }
}
