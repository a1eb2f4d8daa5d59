import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct DaemonEventsTests {
    private static let process = LocalProcess(pid: 1, uid: 2, gid: 3)
    private static let root = LocalProcess(pid: 539, uid: 0, gid: 0)
    private static let key = Key.random()

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        let log = lines.log
        log.started("wstand")
        log.keyRotated("default", to: Self.key.id, method: "a.RotateKey", by: Self.process)
        log.keyRetired("default", "\(Self.key.id)", method: "a.RetireKey", by: Self.process)
        log.commandReceived("org.wstan.control.CloseTunnel", by: Self.process)
        log.workerHangs(for: .seconds(10), isWatched: true)
        log.stopped()
        #expect(lines.all.map(\.id) == [.started, .keyRotated, .keyRetired, nil, .workerHangs, .stopped])
    }

    @Test func `a change of keys says whose, which and by whom, in a sentence and in fields`() {
        let lines = LogLines()
        let id = Self.key.id
        lines.log.keyRotated("default", to: id, method: "a.RotateKey", by: Self.root)
        lines.log.keyAdded("laptop", id, method: "a.AddKey", by: Self.process)
        lines.log.keyRetired("laptop", "\(id)", method: "a.RetireKey", by: Self.root)
        let told = "key-id=\(id) key-name=laptop method=a.RetireKey pid=539 uid=0"
        #expect(
            lines.all.map(\.text) == [
                "rotate-key default (new ID \(id)) by root, pid 539 key-id=\(id) key-name=default method=a.RotateKey pid=539 uid=0",
                "add-key laptop (ID \(id)) by user 2, pid 1 key-id=\(id) key-name=laptop method=a.AddKey pid=1 uid=2",
                "retire-key laptop (ID \(id)) by root, pid 539 \(told)",
            ])
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
