import Testing

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
}
