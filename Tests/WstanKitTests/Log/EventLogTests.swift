import Logging
import Synchronization
import Testing

@testable import WstanKit

@Suite struct EventLogTests {
    private static let secret = Address(host: .name("secret.test"), port: 443)
    private static let peer = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4711)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    /// Every event there is.
    private static func speak(_ log: EventLog) {
        log.targetFailed(1, secret, .connect(SystemError(call: "connect", code: 111)))
        log.targetConnected(1, secret)
        log.dialFailed(.timedOut, target: secret, now: at(0))
        log.connectionOpened(1, target: secret, isPooled: false)
        log.connectionReset(Reset(reason: "can't connect to \(secret)", detail: "for \(secret)"), tunnel: 1)
        log.connectionReset(.normal, tunnel: 1)
        log.tunnelLost(1)
        log.tunnelOpened(1, peer: peer)
        log.tunnelEnded(1)
        log.tunnelRefused(1, .badAuthentication, now: at(0))
        _ = log.targetForbidden(1, secret, key: "deny", peer: peer, now: at(0))
        for _ in 0..<2 {
            for refusal in refusals { _ = log.requestRefused(refusal, peer: peer, now: at(0)) }
            _ = log.targetForbidden(1, secret, key: "allow-private", peer: peer, now: at(0))
        }
        log.sayGathered(upTo: nil)
    }

    private static let refusals: [Refusal] = [
        .notARequest, .silent, .overLimit, .timedOut, .wire(.malformed), .wire(.badAuthentication),
        .wire(.sealedForOtherScheme), .wire(.expired(seconds: 61.4)), .wire(.expired(seconds: .nan)), .wire(.replayed),
        .wire(.tooLarge), .wire(.unexpectedCommand),
    ]

    @Test func `targets are named at debug only`() {
        let lines = LogLines()
        Self.speak(lines.log)
        #expect(lines.all.contains { $0.level == .debug && $0.text.contains("secret.test") })
        #expect(lines.all.allSatisfy { $0.level == .debug || !$0.text.contains("secret.test") })
    }

    @Test func `a connection that goes well says nothing at info`() {
        let lines = LogLines()
        lines.log.connectionOpened(1, target: Self.secret, isPooled: true)
        lines.log.targetConnected(1, Self.secret)
        lines.log.connectionReset(.normal, tunnel: 1)
        #expect(lines.all.allSatisfy { $0.level < .info })
    }

    @Test func `every refusal has a code of its own and is one line`() {
        #expect(Set(Self.refusals.map(\.code)).count == Self.refusals.count - 1)
        for refusal in Self.refusals {
            let lines = LogLines()
            _ = lines.log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
            #expect(lines.all.count == 1)
            #expect(lines.all.first?.text.contains("reason=\(refusal.code)") == true)
            #expect(lines.all.first?.text.contains("peer=10.0.0.1:4711") == true)
        }
    }

    @Test func `a clock that is wrong is told by how much`() {
        let lines = LogLines()
        _ = lines.log.requestRefused(.wire(.expired(seconds: -61.4)), peer: Self.peer, now: Self.at(0))
        #expect(lines.all.first?.text.contains("client-clock-ahead=-61.0s") == true)
        #expect(lines.all.first?.level == .notice)
    }

    @Test func `what one client is refused again is said when its minute is over`() {
        let lines = LogLines()
        let log = lines.log
        let neighbour = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4712)
        for second in 0..<5 {
            _ = log.requestRefused(.wire(.replayed), peer: second == 3 ? neighbour : Self.peer, now: Self.at(second))
            _ = log.targetForbidden(1, Self.secret, key: "allow", peer: Self.peer, now: Self.at(second))
        }
        #expect(lines.all.filter { $0.level > .debug }.count == 2)
        #expect(log.requestRefused(.wire(.replayed), peer: Self.peer, now: Self.at(5)) == Self.at(60))
        #expect(log.sayGathered(upTo: Self.at(59)) == Self.at(60))
        #expect(log.sayGathered(upTo: Self.at(60)) == nil)
        let last = lines.all.last
        #expect(last?.level == .notice)
        #expect(
            last?.text
                == "refused again within a minute reasons=forbidden-target by allow: 4, replayed: 5 source=10.0.0.1")
    }

    @Test func `a line of what is no request is no louder than its first, and is one of its own`() {
        let lines = LogLines()
        let log = lines.log
        for _ in 0..<2 {
            _ = log.requestRefused(.notARequest, peer: Self.peer, now: Self.at(0))
            _ = log.requestRefused(.overLimit, peer: Self.peer, now: Self.at(0))
        }
        log.sayGathered(upTo: nil)
        #expect(lines.all.map(\.level) == [.info, .notice, .notice, .info])
    }

    @Test func `the key that would allow a target is named`() {
        let lines = LogLines()
        _ = lines.log.targetForbidden(1, Self.secret, key: "allow-private", peer: Self.peer, now: Self.at(0))
        let line = lines.all.last
        #expect(line?.level == .notice)
        #expect(line?.text.contains("key=allow-private") == true)
    }

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        let log = lines.log
        log.started("wstand")
        for refusal in [Refusal.wire(.replayed), .wire(.badAuthentication), .overLimit, .wire(.malformed)] {
            _ = log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
        }
        _ = log.targetForbidden(1, Self.secret, key: "deny", peer: Self.peer, now: Self.at(0))
        log.dialFailed(.timedOut, target: Self.secret, now: Self.at(0))
        let process = LocalProcess(pid: 1, uid: 2, gid: 3)
        for method in ["RotateKey", "RetireKey", "CloseTunnel"] {
            log.ordered("org.wstan.control." + method, by: process)
        }
        log.workerHangs(for: .seconds(10), isWatched: true)
        log.stopped()
        let ids = lines.all.filter { $0.level > .debug }.map(\.id)
        #expect(
            ids == [
                .started, .replayRefused, .wrongKey, .limitReached, nil, .targetRefused, .serverLost, .keyRotated,
                .keyRetired, nil, .workerHangs, .stopped,
            ])
    }

    @Test func `what repeats is said once a second, with the number of those kept back`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 0, 0, 1, 1] { log.dialFailed(.timedOut, target: Self.secret, now: Self.at(second)) }
        let warnings = lines.all.filter { $0.level == .warning }.map(\.text)
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("repeated") == false)
        #expect(warnings.last?.contains("repeated=2") == true)
    }
}

/// What was logged, in order.
private final class LogLines: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        /// Message and metadata.
        let text: String
        var id: MessageID?
    }

    private let lines = Mutex<[Line]>([])

    var all: [Line] { lines.withLock { $0 } }
    /// A log with a throttle of its own.
    var log: EventLog { EventLog(Logger(label: "test") { _ in Handler(lines: self) }) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).filter { $0.key != MessageID.key }
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let line = Line(
                level: event.level, text: ([event.message.description] + pairs).joined(separator: " "),
                id: MessageID(in: event.metadata ?? [:]))
            lines.lines.withLock { $0.append(line) }
        }
    }
}
