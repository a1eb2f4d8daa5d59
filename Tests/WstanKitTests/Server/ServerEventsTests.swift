import Logging
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ServerEventsTests {
    private static let secret = Address(host: .name("secret.test"), port: 443)
    private static let peer = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4711)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    private static let refusals: [Refusal] = [
        .notARequest, .silent, .overLimit, .timedOut, .wire(.malformed), .wire(.badAuthentication),
        .wire(.sealedForOtherScheme), .wire(.expired(seconds: 61.4)), .wire(.expired(seconds: .nan)), .wire(.replayed),
        .wire(.tooLarge), .wire(.unexpectedCommand), .draining, .tls(.notTLS(.http)),
    ]

    @Test func `targets are named at debug only`() {
        let lines = LogLines()
        let log = lines.log
        log.targetFailed(1, Self.secret, .connect(SystemError(call: "connect", code: 111)))
        log.targetConnected(1, Self.secret)
        log.tunnelOpened(1, peer: Self.peer)
        log.tunnelEnded(1)
        for _ in 0..<2 {
            for refusal in Self.refusals { _ = log.requestRefused(refusal, peer: Self.peer, now: Self.at(0)) }
            for key in ["deny", "allow-private"] {
                _ = log.targetForbidden(1, Self.secret, key: key, peer: Self.peer, now: Self.at(0))
            }
        }
        log.logGathered(upTo: nil)
        #expect(lines.all.contains { $0.level == .debug && $0.text.contains("secret.test") })
        #expect(lines.all.allSatisfy { $0.level == .debug || !$0.text.contains("secret.test") })
    }

    @Test func `a connection that goes well says nothing at info`() {
        let lines = LogLines()
        lines.log.targetConnected(1, Self.secret)
        #expect(lines.all.allSatisfy { $0.level < .info })
    }

    @Test func `every refusal has a code of its own and is one line`() {
        #expect(Set(Self.refusals.map(\.traits.code)).count == Self.refusals.count - 1)
        for refusal in Self.refusals {
            let lines = LogLines()
            _ = lines.log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
            #expect(lines.all.count == 1)
            #expect(lines.all.first?.text.contains("reason=\(refusal.traits.code)") == true)
            #expect(lines.all.first?.text.contains("peer=10.0.0.1:4711") == true)
        }
    }

    @Test func `a clock that is wrong is told by how much`() {
        let lines = LogLines()
        _ = lines.log.requestRefused(.wire(.expired(seconds: -61.4)), peer: Self.peer, now: Self.at(0))
        #expect(lines.all.first?.text.contains("client-clock-ahead=-61.0s") == true)
        #expect(lines.all.first?.level == .notice)
    }

    @Test func `what one client is refused again is logged when its minute is over`() {
        let lines = LogLines()
        let log = lines.log
        let neighbour = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4712)
        for second in 0..<5 {
            _ = log.requestRefused(.wire(.replayed), peer: second == 3 ? neighbour : Self.peer, now: Self.at(second))
            _ = log.targetForbidden(1, Self.secret, key: "allow", peer: Self.peer, now: Self.at(second))
        }
        #expect(lines.all.filter { $0.level > .debug }.count == 2)
        #expect(log.requestRefused(.wire(.replayed), peer: Self.peer, now: Self.at(5)) == Self.at(60))
        #expect(log.logGathered(upTo: Self.at(59)) == Self.at(60))
        #expect(log.logGathered(upTo: Self.at(60)) == nil)
        let last = lines.all.last
        #expect(last?.level == .notice)
        #expect(
            last?.text
                == "refused again within a minute reasons=forbidden-target by allow: 4, replayed: 5 source=10.0.0.1")
    }

    @Test func `a client with IPv6 is gathered by its network`() {
        let lines = LogLines()
        let log = lines.log
        for host in 1...2 {
            let peer = ClientAddress(ipv6: IPv6Address(high: 0x2001_0db8_0000_0000, low: UInt64(host)), port: 1)
            _ = log.requestRefused(.wire(.replayed), peer: peer, now: Self.at(0))
        }
        log.logGathered(upTo: nil)
        #expect(lines.all.last?.text == "refused again within a minute reasons=replayed: 1 source=2001:db8::/64")
    }

    @Test func `a line of what is no request is no louder than its first, and is one of its own`() {
        let lines = LogLines()
        let log = lines.log
        for _ in 0..<2 {
            _ = log.requestRefused(.notARequest, peer: Self.peer, now: Self.at(0))
            _ = log.requestRefused(.overLimit, peer: Self.peer, now: Self.at(0))
        }
        log.logGathered(upTo: nil)
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
        for refusal in [Refusal.wire(.replayed), .wire(.badAuthentication), .overLimit, .wire(.malformed)] {
            _ = log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
        }
        _ = log.targetForbidden(1, Self.secret, key: "deny", peer: Self.peer, now: Self.at(0))
        let ids = lines.all.filter { $0.level > .debug }.map(\.id)
        #expect(ids == [.replayRefused, .wrongKey, .limitReached, nil, .targetRefused])
    }
}
