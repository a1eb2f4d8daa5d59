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
        for reset in Self.resets {
            log.connectionReset(reset, target: Self.secret, tunnel: 1, now: Self.at(0))
            log.refusedFromMemory(reset, target: Self.secret)
        }
        log.tunnelLost(1, target: Self.secret)
        log.userAgentLeft(Self.secret)
        for failure in [ExchangeFailure.unreadableAnswer(.notHTTP), .dial(.timedOut), .busy] {
            log.requestRefused(failure, target: Self.secret)
        }
        log.directFailed(.silent, target: Self.secret)
        log.forwardIsFull(Self.secret, now: Self.at(0))
        log.directConnected(Self.secret)
        #expect(lines.all.contains { $0.level == .debug && $0.text.contains("secret.test") })
        #expect(lines.all.allSatisfy { $0.level == .debug || !$0.text.contains("secret.test") })
    }

    /// With the target in each place where a server can put it.
    private static let resets = [
        Reset.normal, .targetBroken, .forbidden(key: "deny"), .unreachable(secret, "Connection refused"),
        .unreachable(secret, "[Errno 111] Connect call failed ('secret.test', 443)"),
        Reset(reason: "can't connect to \(secret)", detail: "for \(secret)"), Reset(reason: "no \(secret)"),
    ]

    @Test func `each target that is not reached is one line at debug, with the reason`() {
        for failure in Resolver.Failure.allCases.map({ Connector.Failure.lookUp($0) })
            + [.connect(SystemError(call: "connect", code: 111))]
        {
            let lines = LogLines()
            let reset = Reset.unreachable(Self.secret, "\(failure)")
            for _ in 0..<3 { lines.log.connectionReset(reset, target: Self.secret, tunnel: 7, now: Self.at(0)) }
            let told = lines.all.filter { $0.level == .debug }.map(\.text)
            let reason = LogRecord.Field(key: "reason", value: "\(failure)").text
            #expect(
                told
                    == Array(
                        repeating: "target not reached \(reason) target=\(Self.secret) tunnel=7", count: 3))
        }
        let lines = LogLines()
        lines.log.refusedFromMemory(.unreachable(Self.secret, "Connection refused"), target: Self.secret)
        #expect(
            lines.all.last?.text
                == "a target that has just failed was not tried again reason=\"Connection refused\" target=\(Self.secret)")
        lines.log.connectionReset(.forbidden(key: "deny"), target: Self.secret, tunnel: 7, now: Self.at(0))
        #expect(lines.all[1].text.contains("reason=\"forbidden by the server's deny\"") == true)
        lines.log.dialFailed(.timedOut, target: Self.secret)
        #expect(lines.all.contains { $0.level == .debug && $0.text.contains(" reason=\"\(DialFailure.timedOut.text)") })
    }

    /// For those who watch the log: the text may become a better one, the code stays.
    @Test func `the line of a lost server has the code of its cause`() {
        let server = ServerEndpoint(address: Self.secret, name: .name("a.test"), hostHeader: "a.test", pathPrefix: "/")
        for failure in [DialFailure.timedOut, .at(Self.secret, .reset), .unfinishedAnswer(.closed)] {
            let lines = LogLines()
            lines.log.linkChanged(.lost(failure), of: server, isOnly: false, now: Self.at(0))
            #expect(lines.all.last?.text.contains(" code=\(failure.code)") == true)
        }
    }

    @Test func `by default a cause is told once a minute, with the number of those kept back`() {
        let lines = LogLines()
        let log = lines.log
        let refused = Reset.unreachable(Self.secret, "Connection refused")
        for second in [0, 1, 59, 60, 61] {
            log.connectionReset(refused, target: Self.secret, tunnel: 1, now: Self.at(second))
        }
        log.connectionReset(.forbidden(key: "deny"), target: Self.secret, tunnel: 1, now: Self.at(61))
        let told = lines.all.filter { $0.level == .notice }.map(\.text)
        let text = "a target was not reached; log-level debug names it reason="
        #expect(
            told == [
                text + "\"connection refused\"", text + "\"connection refused\" repeated=2",
                text + "\"forbidden by the server\"",
            ])
    }

    @Test func `a user agent that is not served is a line at debug, and a mistake a notice once a minute`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 1, 60] {
            log.unserved(UnservedUserAgent(0x16, answered: nil, .left), now: Self.at(second))
            log.unserved(UnservedUserAgent(nil, answered: nil, .left), now: Self.at(second))
        }
        #expect(lines.all.count { $0.level == .debug } == 6)
        let told = lines.all.filter { $0.level == .notice }.map(\.text)
        #expect(told.count == 2 && told.allSatisfy { $0.contains("speaks TLS") })
        #expect(told.last?.contains("repeated=1") == true)
    }

    @Test func `each user that is refused is a line at debug`() {
        let lines = LogLines()
        let log = lines.log
        for _ in 0..<3 { log.userRefused(1000, peer: "127.0.0.1", now: Self.at(0)) }
        #expect(lines.all.count { $0.level == .debug && $0.text.contains("reason=allow-uid") } == 3)
        #expect(lines.all.count { $0.level == .notice } == 1)
    }

    @Test func `another user's datagrams, those of a closed socket and those of an unknown user are told apart`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 1, 60] {
            log.senderRefused(65534, owner: 1000, now: Self.at(second))
            log.senderClosed(now: Self.at(second))
            log.senderUnknown(owner: 1000, now: Self.at(second))
        }
        let another = "datagrams are dropped: they are for a UDP association of another user of this host owner=1000"
        let closed =
            "datagrams are dropped: their socket was closed before its user was looked up; a program has to keep it open"
        let unknown = "datagrams are dropped: the kernel did not tell the user of their socket owner=1000"
        #expect(
            lines.all.map(\.text) == [
                another + " uid=65534", closed, unknown, another + " repeated=1 uid=65534", closed + " repeated=1",
                unknown + " repeated=1",
            ])
        #expect(lines.all.allSatisfy { $0.level == .notice })
    }

    @Test func `a connection that goes well says nothing at info`() {
        let lines = LogLines()
        lines.log.connectionOpened(1, target: Self.secret, isPooled: true)
        lines.log.connectionReset(.normal, target: Self.secret, tunnel: 1, now: Self.at(0))
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
