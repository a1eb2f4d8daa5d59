import Foundation
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

/// The table of causes: every row, by evidence that leads to it.
@Suite struct FailureTableTests {
    private static func connect(_ code: Int32) -> Connector.Failure {
        .connect(SystemError(call: "connect", code: code))
    }

    private static let connecting: [(Connector.Failure, String)] = [
        (.lookUp(.notFound), "name-not-found"), (.lookUp(.unavailable), "name-servers-silent"),
        (.lookUp(.timedOut), "name-timed-out"), (.lookUp(.tooMany), "name-look-ups"),
        (connect(ECONNREFUSED), "connection-refused"), (connect(ETIMEDOUT), "connection-timed-out"),
        (connect(ENETUNREACH), "network-unreachable"), (connect(EHOSTUNREACH), "host-unreachable"),
        (connect(ECONNRESET), "connection-reset"), (connect(EMFILE), "descriptors"),
        (connect(EPERM), "connection-failed"),
    ]

    private static let proxies: [(ProxyRefusal, String)] = [
        (.status(403, reason: ""), "forbidden"), (.status(405, reason: ""), "no-connect"),
        (.status(429, reason: ""), "too-many"), (.status(503, reason: ""), "server-unreachable"),
        (.status(511, reason: ""), "login"), (.status(418, reason: ""), "status"),
        (.wantsCredentials(reason: ""), "password-missing"), (.wrongCredentials(reason: ""), "password-wrong"),
        (.otherSchemes(["NTLM"], reason: ""), "authentication"), (.socks(1), "socks-failure"),
        (.socks(2), "socks-forbidden"), (.socks(3), "socks-network-unreachable"), (.socks(4), "socks-host-unreachable"),
        (.socks(5), "socks-connection-refused"), (.socks(6), "socks-ttl"), (.socks(7), "socks-command"),
        (.socks(8), "socks-address"), (.socks(9), "socks-code"),
        (.socksMethods(hasCredentials: false), "socks-password-missing"),
        (.socksMethods(hasCredentials: true), "socks-authentication"), (.socksCredentials, "socks-password-wrong"),
        (.unreadable(.http), "not-http"), (.unreadable(.socks5), "not-socks"), (.cut, "closed"), (.silent, "timed-out"),
    ]

    private static let tls: [(TLSFailure, String)] = [
        (.expired(on: "2020-01-02"), "tls-expired"), (.notYetValid(until: "2040-01-02"), "tls-not-yet-valid"),
        (.wrongName("a", names: ["b"]), "tls-wrong-name"), (.unknownIssuer("C"), "tls-unknown-issuer"),
        (.selfSigned, "tls-self-signed"), (.distrusted("too weak"), "tls-distrusted"),
        (.pinMismatch(key: "x"), "tls-pin"),
        (.alert(.certificateRequired), "tls-client-certificate"), (.alert(.unrecognizedName), "tls-name-not-served"),
        (.alert(TLSAlert(number: 40)), "tls-alert"), (.noCommonVersion, "tls-version"),
        (.notTLS(.http), "tls-not-spoken"),
        (.malformed("bad length"), "tls-malformed"), (.tooLong, "tls-too-long"), (.cut, "tls-closed"),
        (.reset, "tls-reset"),
        (.timedOut, "tls-timed-out"), (.closed, "tls-abandoned"),
    ]

    private static func answer(_ status: Int, _ change: (inout UpgradeAnswer) -> Void = { _ in }) -> DialFailure {
        var answer = UpgradeAnswer(status: status)
        answer.failure = .status(status)
        change(&answer)
        return .refused(answer)
    }

    private static let answers: [(DialFailure, String)] = [
        (answer(404), "server-refused"), (answer(404) { $0.clockAhead = 3600 }, "clock"),
        (answer(200), "ordinary-page"),
        (answer(404) { $0.minorVersion = 0 }, "http-1.0"),
        (answer(404) { $0.contentType = "application/json" }, "other-service"),
        (answer(400) { $0.complaint = .plainHTTP }, "tls-expected"), (answer(414), "too-large"),
        (answer(302) { $0.redirectsToTLS = true }, "redirect-to-tls"), (answer(302), "redirect"),
        (answer(401), "front-login"),
        (answer(403), "front-forbidden"), (answer(407), "password-required"), (answer(511), "network-login"),
        (answer(408), "front-timeout"), (answer(421), "misdirected"), (answer(426), "upgrade-required"), (answer(429), "too-many-requests"), (answer(502), "front-502"),
        (answer(503), "front-503"), (answer(503) { $0.hasRetryAfter = true }, "server-busy"), (answer(504), "front-504"), (answer(521), "front-521"),
        (answer(500), "front-fault"),
        (answer(418), "unexpected-answer"), (answer(101) { $0.failure = .otherKey }, "websocket-proxy"),
        (answer(101) { $0.failure = .notUpgraded }, "upgrade-removed"),
        (answer(101) { $0.failure = .unaskedExtension }, "unasked-extension"),
        (answer(101) { $0.failure = .unaskedSubprotocol }, "unasked-subprotocol"),
        (answer(426) { $0.upgrade = "h2c" }, "protocol-required"), (answer(426) { $0.webSocketVersions = "8, 7" }, "websocket-version"),
    ]

    private static let all: [(DialFailure, String)] =
        connecting.map { (.unreachable($0), $1) } + connecting.map { (.proxyUnreachable($0), "proxy-" + $1) }
        + proxies.map { (.proxyRefused($0), "proxy-" + $1) } + tls.map { (.tls($0), $1) } + answers
        + [
            (.notHTTP(.ssh), "not-http"), (.notHTTP(.http), "malformed-answer"), (.reset, "handshake-reset"),
            (.closed(usesTLS: false), "handshake-closed"), (.timedOut, "handshake-timed-out"),
            (.overtaken, "server-slow"), (.tooLargeAnswer(.tooLong(16384)), "answer-too-large"),
            (.unfinishedAnswer(.closed), "answer-cut-short"), (.unfinishedAnswer(.timedOut), "answer-timed-out"),
            (.impostor(reason: "length"), "impostor"), (.unproven(.closed), "unproven"),
            (.unusableServerKey, "server-key-unusable"), (.dismissed(.keyRevoked), "key-revoked"),
            (.dismissed(.other(code: 99)), "dismissed"),
        ]

    @Test func `every cause has a code of its own, which never changes`() {
        for (failure, code) in Self.all { #expect(failure.code == code) }
        #expect(Set(Self.all.map(\.1)).count == Self.all.count)
        #expect(
            Self.all.allSatisfy { $0.1.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-.".utf8.contains($0) } })
        // The same cause by other evidence.
        #expect(DialFailure.notHTTP(.tls).code == "tls-expected")
        #expect(Self.answer(400) { $0.complaint = .tooLarge }.code == "too-large")
        for status in [413, 431] { #expect(Self.answer(status).code == "too-large") }
        for status in [405, 406, 451] { #expect(Self.answer(status).code == "front-forbidden") }
        #expect(Self.answer(400).code == "server-refused")
        #expect(DialFailure.closed(usesTLS: true).code == "handshake-closed")
        for reason in [DialFailure.Dismissal.draining, .overLimit] {
            #expect(DialFailure.dismissed(reason).code == "server-busy")
        }
        for number in 520...530 { #expect(Self.answer(number).code == "front-\(number)") }
        #expect(Self.answer(426) { $0.upgrade = "TLS/1.2, HTTP/1.1" }.code == "tls-expected")
        #expect(Self.answer(426) { $0.upgrade = "websocket" }.code == "upgrade-required")
        #expect(Self.answer(426) { $0.webSocketVersions = "13, 8" }.code == "upgrade-required")
        #expect(Self.answer(400) { $0.webSocketVersions = "8" }.code == "websocket-version")
        #expect(Self.answer(400) { $0.webSocketVersions = "13" }.code == "server-refused")
        for limit in [HTTPHead.Failure.firstLineTooLong(16384), .tooManyFields(1000), .interimAnswersTooLong(1 << 20)] {
            #expect(DialFailure.tooLargeAnswer(limit).code == "answer-too-large")
        }
    }

    /// Before, each was told as something that was not seen: no answer at all, or a malformed one.
    @Test(arguments: [
        (DialFailure.unfinishedAnswer(.closed), "the connection was closed in the middle of the answer's head"),
        (.unfinishedAnswer(.timedOut), "the answer has begun, and its head did not end in time"),
        (.tooLargeAnswer(.tooLong(16384)), "the answer is too long: its head is above 16 KiB"),
        (.tooLargeAnswer(.firstLineTooLong(16384)), "the answer is too long: its first line is above 16 KiB"),
        (.tooLargeAnswer(.tooManyFields(1000)), "the answer is too long: it has more than 1000 fields"),
        (.tooLargeAnswer(.interimAnswersTooLong(1 << 20)), "the answer is too long: its interim answers (1xx) are above 1024 KiB"),
        (.notHTTP(.http), "the answer is malformed HTTP"), (answer(426), "the answer was 426"),
        (answer(426) { $0.upgrade = "websocket" }, "the answer was 426: the request arrived without its upgrade to WebSocket"),
        (answer(426) { $0.webSocketVersions = "8" }, "the answer was 426, with Sec-WebSocket-Version: 8"),
        (answer(426) { $0.upgrade = "h2c" }, "the answer was 426, with Upgrade: h2c"),
        (answer(426) { $0.upgrade = "TLS/1.0" }, "the server's port expects TLS: it answered 426, with Upgrade: TLS/1.0"),
    ])
    func `a cause is what was seen`(failure: DialFailure, cause: String) {
        #expect(failure.cause == cause)
    }

    @Test func `a server that ends a tunnel at once is told by its code`() throws {
        for (number, code) in [(20, "server-busy"), (21, "server-busy"), (25, "server-busy"), (22, "key-revoked")] as [(UInt8, String)] {
            #expect(DialFailure.dismissed(.init(Bye(number: number))).code == code)
        }
        let bytes: [UInt8] = [99, 0x78]
        let unknown = try bytes.withUnsafeBytes { try Bye.read($0) }
        #expect(unknown == Bye(number: 99, text: "x") && unknown.code == .failed)
        for (bye, words) in [(unknown, "with code 99"), (Bye(code: .notAllowed), "with code 2 (not allowed)")] {
            let failure = DialFailure.dismissed(.init(bye))
            #expect(failure.cause.hasSuffix(words) && !failure.mayBeRestart, "\(failure.cause)")
        }
    }

    @Test func `the manual lists every code`() throws {
        let manual = try String(contentsOf: Repository.file("docs/man/wstand.8"), encoding: .utf8)
        let lines = manual.split(separator: "\n").drop { $0 != ".Sh CODES OF CAUSES" }.dropFirst().prefix { !$0.hasPrefix(".Sh ") }
        let listed = lines.compactMap { String($0).suffix(after: ".It Li ") }
        // Those of a proxy are said once for all, and those of a CDN.
        let connecting = Set(Self.connecting.map(\.1))
        let codes = Self.all.map(\.1).filter { code in
            !(code.suffix(after: "proxy-").map(connecting.contains) ?? false) && code != "front-521"
        }
        #expect(Set(listed) == Set(codes + ["front-520"]) && listed.count == Set(listed).count)
    }

    @Test func `the advice fits a server on this host`() {
        let refused = Connector.Failure.connect(SystemError(call: "connect", code: ECONNREFUSED))
        #expect(DialFailure.unreachable(refused).advice.contains("not on 127.0.0.1"))
        #expect(DialFailure.unreachable(refused, onLoopback: true).code == "connection-refused")
        #expect(!DialFailure.unreachable(refused, onLoopback: true).advice.contains("127.0.0.1"))
        for (host, isHere) in [("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("localhost", true), ("::2", false), ("a.test", false)] {
            let host = Host(text: host) ?? .name("x")
            let server = ServerEndpoint(
                address: Address(host: host, port: 1), name: host, hostHeader: "h", pathPrefix: "/")
            #expect(server.isOnLoopback == isHere, "\(host)")
        }
    }

    @Test func `it is said whose clock was compared`() {
        let text = Self.answer(404) { $0.clockAhead = 3600 }.cause
        #expect(text.hasSuffix("the clock here is 60 minutes behind that of the web server that answered"))
    }

    @Test func `every cause has a title, a sentence and a remedy`() {
        for (failure, _) in Self.all {
            let row = failure.row
            for text in [row.title, row.cause, row.advice] {
                #expect(!text.isEmpty && !text.hasSuffix(".") && !text.contains("\n"), "\(text)")
            }
            #expect(row.title.first?.isUppercase == true, "\(row.title)")
            #expect(row.advice.first?.isLowercase == true || row.advice.first?.isUppercase == true, "\(row.advice)")
            #expect(failure.text == "\(failure.cause); \(failure.advice)")
        }
    }

    @Test func `a guess is no accusation`() {
        for (failure, code) in Self.all where !["proxy-socks-password-wrong", "proxy-password-wrong"].contains(code) {
            #expect(!failure.text.contains("is wrong") || failure.text.contains("if that is wrong"), "\(failure.text)")
            #expect(!failure.text.contains("at its limits"))
        }
    }

    @Test func `the log, the page and the doctor say the same`() throws {
        let target = Address(host: .name("a.test"), port: 80)
        let server = ServerEndpoint(address: target, name: .name("a.test"), hostHeader: "a.test", pathPrefix: "/")
        for (failure, _) in Self.all {
            let lines = LogLines()
            lines.log.linkChanged(.lost(failure), of: server, isOnly: true, now: .now())
            #expect(lines.all.last?.text.hasPrefix(failure.text) == true)
            let page = ExchangeFailure.dial(failure).explanation(of: target, here: "here")
            #expect(page.title == failure.row.title)
            #expect(page.cause.dropFirst() == failure.cause.dropFirst() + ".")
            #expect(page.advice.count == 1 && page.advice[0].dropFirst() == failure.advice.dropFirst() + ".")
            let among = DialFailure.at(target, failure)
            #expect(among.code == failure.code && among.advice == failure.advice)
            #expect(among.cause == "a.test:80: \(failure.cause)")
        }
        for (failure, _) in Self.tls {
            let finding = CertificateObservation.finding(failure)
            #expect(finding.text == DialFailure.tls(failure).cause && finding.remedy == DialFailure.tls(failure).advice)
        }
        for (failure, _) in Self.answers {
            guard case .refused(let answer) = failure else { continue }
            let finding = try #require(UpgradeObservation(answer: answer, requestLifetime: .seconds(60)).findings.first)
            #expect(finding.text == failure.cause && finding.remedy == failure.advice)
        }
    }
}
