import Foundation
import Logging
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ServerEventsTests {
    private static let secret = Address(host: .name("secret.test"), port: 443)
    private static let peer = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4711)

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    private static let refusals: [Refusal] = [
        .notARequest, .silent, .forgotten(seconds: 9.5),
        .forgotten(seconds: .nan), .timedOut, .wire(.malformed), .wire(.badAuthentication),
        .wire(.sealedForOtherScheme), .wire(.expired(seconds: 61.4)), .wire(.expired(seconds: .nan)), .wire(.replayed),
        .wire(.tooLarge), .wire(.unexpectedCommand), .draining, .tls(.notTLS(.http)),
        .tls(.notTLS(.webSocket)), .wire(.incompleteUpgrade(lacking: ["HTTP/1.1", "Upgrade"])), .keyExpired,
        .handshake(.notOurs), .handshake(.unknownUser), .handshake(.notAuthentic), .handshake(.unknownOption(1)),
        .handshake(.noRequest), .handshake(.noCommonCipher), .wire(.violation(.padding)),
    ] + Refusal.Bound.allCases.map { .overLimit($0) }

    @Test func `targets are named at debug only`() {
        let lines = LogLines()
        let log = lines.log
        log.targetFailed(1, Self.secret, .connect(SystemError(call: "connect", code: 111)))
        log.targetConnected(1, Self.secret)
        log.tunnelOpened(1, peer: Self.peer, key: .configured)
        log.tunnelEnded(1)
        for _ in 0..<2 {
            for refusal in Self.refusals { _ = log.requestRefused(refusal, peer: Self.peer, now: Self.at(0)) }
            for key in ["deny", "allow-private"] {
                _ = log.targetForbidden(1, Self.secret, rule: key, peer: Self.peer, now: Self.at(0))
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
        #expect(Set(Self.refusals.map(\.traits.code)).count == Self.refusals.count - 2 - (Refusal.Bound.allCases.count - 1))
        for refusal in Self.refusals {
            let lines = LogLines()
            _ = lines.log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
            #expect(lines.all.count == 1)
            #expect(lines.all.first?.text.contains("reason=\(refusal.traits.code)") == true)
            #expect(lines.all.first?.text.contains("peer=10.0.0.1:4711") == true)
        }
    }

    @Test func `what a front has taken out of a request is told, and TLS that is missing`() {
        let lines = LogLines()
        _ = lines.log.requestRefused(
            .wire(.incompleteUpgrade(lacking: ["HTTP/1.1", "Upgrade"])), peer: Self.peer, now: Self.at(0))
        _ = lines.log.requestRefused(.tls(.notTLS(.webSocket)), peer: Self.peer, now: Self.at(0))
        #expect(lines.all.map(\.level) == [.notice, .notice])
        #expect(lines.all.first?.text.contains("lacking=HTTP/1.1,Upgrade") == true)
        #expect(lines.all.last?.text.contains("wss://") == true)
    }

    @Test func `that X-Forwarded-For is ignored is told once in an hour`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 1, 3599, 3600] { log.forwardedForIgnored(Self.peer, now: Self.at(second)) }
        #expect(lines.all.map(\.level) == [.notice, .notice])
        #expect(lines.all.allSatisfy { $0.text.contains("trusted-proxies") && $0.text.contains("peer=10.0.0.1:4711") })
        #expect(lines.all.last?.text.contains("repeated=2") == true)
    }

    @Test func `a clock that is wrong is told by how much`() {
        for refusal: Refusal in [.wire(.expired(seconds: -61.4)), .handshake(.expired(ahead: -61_400))] {
            let lines = LogLines()
            _ = lines.log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
            #expect(lines.all.first?.text.contains("client-clock-ahead=-61.0s") == true)
            #expect(lines.all.first?.level == .notice)
        }
    }

    @Test func `what one client is refused again is logged when its minute is over`() {
        let lines = LogLines()
        let log = lines.log
        let neighbour = ClientAddress(ipv4: IPv4Address(0x0a00_0001), port: 4712)
        for second in 0..<5 {
            _ = log.requestRefused(.wire(.replayed), peer: second == 3 ? neighbour : Self.peer, now: Self.at(second))
            _ = log.targetForbidden(1, Self.secret, rule: "allow", peer: Self.peer, now: Self.at(second))
        }
        #expect(lines.all.filter { $0.level > .debug }.count == 2)
        #expect(log.requestRefused(.wire(.replayed), peer: Self.peer, now: Self.at(5)) == Self.at(60))
        #expect(log.logGathered(upTo: Self.at(59)) == Self.at(60))
        #expect(log.logGathered(upTo: Self.at(60)) == nil)
        let last = lines.all.last
        #expect(last?.level == .notice)
        #expect(
            last?.text
                == "refused again within a minute reasons=\"forbidden-target by allow: 4, replayed: 5\" source=10.0.0.1")
    }

    @Test func `a client with IPv6 is gathered by its network`() {
        let lines = LogLines()
        let log = lines.log
        for host in 1...2 {
            let peer = ClientAddress(ipv6: IPv6Address(high: 0x2001_0db8_0000_0000, low: UInt64(host)), port: 1)
            _ = log.requestRefused(.wire(.replayed), peer: peer, now: Self.at(0))
        }
        log.logGathered(upTo: nil)
        #expect(lines.all.last?.text == "refused again within a minute reasons=\"replayed: 1\" source=2001:db8::/64")
    }

    @Test func `a line of what is no request is no louder than its first, and is one of its own`() {
        let lines = LogLines()
        let log = lines.log
        for _ in 0..<2 {
            _ = log.requestRefused(.notARequest, peer: Self.peer, now: Self.at(0))
            _ = log.requestRefused(.overLimit(.tunnels), peer: Self.peer, now: Self.at(0))
        }
        log.logGathered(upTo: nil)
        #expect(lines.all.map(\.level) == [.info, .notice, .notice, .info])
    }

    @Test func `the key that would allow a target is named`() {
        let lines = LogLines()
        _ = lines.log.targetForbidden(1, Self.secret, rule: "allow-private", peer: Self.peer, now: Self.at(0))
        let line = lines.all.last
        #expect(line?.level == .notice)
        #expect(line?.text.contains("key=allow-private") == true)
    }

    @Test func `whose key it was is told where that is known`() throws {
        let lines = LogLines()
        let laptop = try #require(KeyName("laptop"))
        lines.log.tunnelOpened(7, peer: Self.peer, key: laptop)
        _ = lines.log.requestRefused(.wire(.replayed), peer: Self.peer, key: laptop, now: Self.at(0))
        _ = lines.log.targetForbidden(7, Self.secret, rule: "deny", peer: Self.peer, key: laptop, now: Self.at(0))
        _ = lines.log.requestRefused(.wire(.badAuthentication), peer: Self.peer, now: Self.at(0))
        #expect(
            lines.all.filter { $0.level > .debug }.map(\.text) == [
                "tunnel opened key-name=laptop peer=10.0.0.1:4711 tunnel=7",
                "request refused key-name=laptop peer=10.0.0.1:4711 reason=replayed",
                "a target was refused by the rules key=deny key-name=laptop peer=10.0.0.1:4711 reason=forbidden-target tunnel=7",
                "request refused: wrong key peer=10.0.0.1:4711 reason=bad-authentication",
            ])
    }

    /// The filter in contrib, without what only fail2ban knows.
    private static func fail2banFilter() throws -> [Regex<AnyRegexOutput>] {
        let file = Repository.file("contrib/fail2ban/filter.d/wstan.conf")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let begin = try #require(lines.firstIndex { $0.hasPrefix("failregex = ") })
        let patterns = [String(lines[begin].dropFirst("failregex = ".count))]
            + lines[(begin + 1)...].prefix { $0.hasPrefix(" ") }.map { String($0.drop { $0 == " " }) }
        return try patterns.map { pattern in
            var pattern = pattern
            for (tag, meaning) in [("<ADDR>", "[0-9a-f.:]+?"), ("<SUBNET>", "[0-9a-f.:/]+"), ("<reasons>", "[a-z0-9-]+")] {
                while let place = pattern.range(of: tag) { pattern.replaceSubrange(place, with: meaning) }
            }
            return try Regex(pattern)
        }
    }

    @Test func `fail2ban's filter knows the line of every refusal, and of every summary`() throws {
        let filter = try Self.fail2banFilter()
        let lines = LogLines()
        let log = lines.log
        let peers = [
            Self.peer, ClientAddress(ipv6: IPv6Address(high: 0x2001_0db8 << 32, low: 1), port: 4711),
            try #require(ClientAddress(text: "192.0.2.1")),
        ]
        for peer in peers {
            for key in [nil, KeyName.configured] {
                for refusal in Self.refusals { _ = log.requestRefused(refusal, peer: peer, key: key, now: Self.at(0)) }
                for rule in ["allow", "deny", "allow-private"] {
                    _ = log.targetForbidden(1, Self.secret, rule: rule, peer: peer, key: key, now: Self.at(0))
                }
            }
        }
        for error in [WireError.malformed, .tooLarge, .unexpectedCommand, .replayed, .badAuthentication] {
            for second in 0...1 { log.tunnelRefused(7, error, peer: "192.0.2.1:1", now: Self.at(second)) }
        }
        log.logGathered(upTo: nil)
        let refused = lines.all.filter { $0.level > .debug }
        #expect(refused.count > 50)
        for line in refused {
            #expect(filter.contains { line.text.wholeMatch(of: $0) != nil }, "\(line.text)")
        }
        for text in [
            "refused again within a minute reasons=replayed: 1 source=others", "stopped",
            "tunnel opened peer=10.0.0.1:4711 tunnel=7", "control command received method=a pid=1 uid=2",
        ] {
            #expect(!filter.contains { text.wholeMatch(of: $0) != nil }, "\(text)")
        }
    }

    @Test func `what operators alert on has an id`() {
        let lines = LogLines()
        let log = lines.log
        for refusal in [Refusal.wire(.replayed), .wire(.badAuthentication), .overLimit(.tunnels), .wire(.malformed)] {
            _ = log.requestRefused(refusal, peer: Self.peer, now: Self.at(0))
        }
        _ = log.targetForbidden(1, Self.secret, rule: "deny", peer: Self.peer, now: Self.at(0))
        let ids = lines.all.filter { $0.level > .debug }.map(\.id)
        #expect(ids == [.replayRefused, .wrongKey, .limitReached, nil, .targetRefused])
    }
}
