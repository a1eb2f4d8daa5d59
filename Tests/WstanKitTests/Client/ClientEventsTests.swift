import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ClientEventsTests {
    private static let secret = Address(host: .name("secret.test"), port: 443)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `targets are named at debug only`() {
        let lines = LogLines()
        let log = lines.log
        log.dialFailed(.timedOut, target: Self.secret, now: Self.at(0))
        log.connectionOpened(1, target: Self.secret, isPooled: false)
        log.connectionReset(Reset(reason: "can't connect to \(Self.secret)", detail: "for \(Self.secret)"), tunnel: 1)
        log.connectionReset(.normal, tunnel: 1)
        log.tunnelLost(1)
        log.forwardIsFull(Self.secret, now: Self.at(0))
        log.directConnected(Self.secret)
        #expect(lines.all.contains { $0.level == .debug && $0.text.contains("secret.test") })
        #expect(lines.all.allSatisfy { $0.level == .debug || !$0.text.contains("secret.test") })
    }

    @Test func `a connection that goes well says nothing at info`() {
        let lines = LogLines()
        lines.log.connectionOpened(1, target: Self.secret, isPooled: true)
        lines.log.connectionReset(.normal, tunnel: 1)
        #expect(lines.all.allSatisfy { $0.level < .info })
    }

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        lines.log.dialFailed(.timedOut, target: Self.secret, now: Self.at(0))
        #expect(lines.all.filter { $0.level > .debug }.map(\.id) == [.serverLost])
    }

    @Test func `what repeats is logged once a second, with the number of those kept back`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 0, 0, 1, 1] { log.dialFailed(.timedOut, target: Self.secret, now: Self.at(second)) }
        let warnings = lines.all.filter { $0.level == .warning }.map(\.text)
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("repeated") == false)
        #expect(warnings.last?.contains("repeated=2") == true)
    }
}
