import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ClientEventsTests {
    private static let secret = Address(host: .name("secret.test"), port: 443)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `targets are named at debug only`() {
        let lines = LogLines()
        let log = lines.log
        log.dialFailed(.timedOut, target: Self.secret)
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

    private static let server = ServerEndpoint(
        address: Address(host: .name("server.test"), port: 80), name: .name("server.test"), hostHeader: "server.test",
        pathPrefix: "/hidden/")

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        let log = lines.log
        log.dialFailed(.timedOut, target: Self.secret)
        log.openingAheadFailed(.timedOut)
        #expect(lines.all.allSatisfy { $0.level == .debug })
        log.linkChanged(.lost(.timedOut), of: Self.server, isOnly: true, now: Self.at(0))
        log.linkChanged(.back(after: .seconds(90)), of: Self.server, isOnly: true, now: Self.at(0))
        let told = lines.all.filter { $0.level > .debug }
        #expect(told.map(\.id) == [.serverLost, .serverBack])
        #expect(told.map(\.level) == [.warning, .notice])
        #expect(told.last?.text == "server server.test:80 works again after=90s")
        #expect(told.allSatisfy { !$0.text.contains("hidden") })
    }

    @Test func `one of several servers is named when it is lost`() {
        let lines = LogLines()
        lines.log.linkChanged(.lost(.closed(usesTLS: false)), of: Self.server, isOnly: false, now: Self.at(0))
        lines.log.serverChanged(.fellBack(to: 0), of: [Self.server], now: Self.at(0))
        let texts = lines.all.map(\.text)
        #expect(texts.first?.hasPrefix("server.test:80: ") == true)
        #expect(texts.last == "now using server server.test:80")
    }

    @Test func `a server that comes and goes is told of once a second, with the number of those kept back`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 0, 0, 1, 1] {
            log.linkChanged(.lost(.timedOut), of: Self.server, isOnly: true, now: Self.at(second))
        }
        let warnings = lines.all.filter { $0.level == .warning }.map(\.text)
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("repeated") == false)
        #expect(warnings.last?.contains("repeated=2") == true)
    }
}
