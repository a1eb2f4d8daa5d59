import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct DialFailureTests {
    @Test func `a refusal names what may be wrong, and no more than that`() {
        let text = DialFailure.refused(status: 404, clockAhead: 0).text
        for word in ["404", "key", "path", "uri", "compatible"] { #expect(text.contains(word)) }
        #expect(!text.contains("wrong") && !text.contains("clock"))
        // Half a minute is not worth a word. Without a date nothing is known of the clock.
        #expect(DialFailure.refused(status: 404, clockAhead: 29.9).text == text)
        #expect(DialFailure.refused(status: 404, clockAhead: -30).text == text)
        #expect(DialFailure.refused(status: 404).text.contains("compare the clocks"))
    }

    /// Each carrier names what a front may do to it, and none what only version 1 has.
    @Test(arguments: RequestCarrier.allCases, [200, 400, 404])
    func `a refusal of version 2 names the key, the clock and the carrier`(carrier: RequestCarrier, status: Int) {
        func text(othersAreTried: Bool = false) -> String {
            var answer = UpgradeAnswer(status: status)
            answer.failure = .status(status)
            answer.carrier = carrier
            answer.othersAreTried = othersAreTried
            return DialFailure.refused(answer).text
        }
        for word in ["wstanctl client-config", "unknown, revoked or expired", "compare the clocks", "Upgrade"] {
            #expect(text().contains(word), "\(text())")
        }
        for word in ["compatible", "both ends"] { #expect(!text().contains(word), "\(text())") }
        let others = RequestCarrier.allCases.filter { $0 != carrier }.map(\.rawValue).joined(separator: " or ")
        #expect(text().contains("carrier = \(others)"), "\(text())")
        let own = [RequestCarrier.cookie: "cookies", .path: "the path", .subprotocol: "Sec-WebSocket-Protocol"]
        #expect(text(othersAreTried: true).contains((own[carrier] ?? "") + " (carrier = auto tries the others, too)"))
    }

    @Test func `a 101 that version 2 cannot use is not explained by what only version 1 has`() {
        func failure(_ carrier: RequestCarrier?, _ failure: ClientHandshake.Failure) -> DialFailure {
            var answer = UpgradeAnswer(status: 101)
            answer.failure = failure
            answer.carrier = carrier
            return .refused(answer)
        }
        #expect(failure(nil, .otherKey).advice.contains("compatible = yes"))
        #expect(failure(.cookie, .otherKey).advice.contains("Sec-WebSocket-Accept"))
        #expect(!failure(.cookie, .otherKey).advice.contains("compatible"))
        #expect(failure(.cookie, .unaskedSubprotocol).cause.contains("not asked for"))
        #expect(failure(.subprotocol, .unaskedSubprotocol).advice.contains("carrier = cookie or path"))
        #expect(!failure(.subprotocol, .unaskedSubprotocol).cause.contains("not asked for"))
    }

    @Test(arguments: [
        (31.0, "31 seconds behind"), (-31.9, "31 seconds ahead of"), (119.9, "119 seconds behind"),
        // The server's date has no fractions, so its clock seems late by up to a second.
        (179.01, "3 minutes behind"), (180, "3 minutes behind"), (-180.99, "3 minutes ahead of"),
        (3600 * 8 - 0.5, "8 hours behind"), (-1e9, "277778 hours ahead of"),
    ])
    func `a clock that is wrong is named, with the direction`(clockAhead: Double, words: String) {
        let failure = DialFailure.refused(status: 404, clockAhead: clockAhead)
        #expect(failure.text.contains("the clock here is \(words) that of the web server that answered"))
        // A request lasts a minute, so less of a difference does not explain a refusal.
        #expect((failure.code == "clock") == (abs(clockAhead) > 60))
        #expect(failure.advice.contains("set the clock") == (abs(clockAhead) > 60))
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan, 1e300])
    func `a clock of any time does not trap`(clockAhead: Double) {
        #expect(!DialFailure.refused(status: 404, clockAhead: clockAhead).text.isEmpty)
    }

    @Test func `every failure says what it is about`() {
        let failures: [(DialFailure, [String])] = [
            (.unreachable(.connect(SystemError(call: "connect", code: 111))), ["server", "Connection refused"]),
            (.unreachable(.lookUp(.notFound)), ["server", "the name does not exist"]),
            (.proxyUnreachable(.lookUp(.notFound)), ["proxy", "the name does not exist"]),
            (.proxyRefused(.status(403, reason: "Forbidden")), ["proxy", "403 Forbidden", "443"]),
            (.proxyRefused(.status(502, reason: "Bad")), ["502 Bad", "cannot reach the server"]),
            (.proxyRefused(.status(404, reason: "")), ["404", "not be a proxy"]),
            (.proxyRefused(.status(511, reason: "")), ["a login"]), (.proxyRefused(.status(429, reason: "")), ["wait"]),
            (.proxyRefused(.status(418, reason: "Teapot")), ["418 Teapot", "password"]),
            (
                .proxyRefused(.wantsCredentials(reason: "Proxy Authentication Required")),
                ["407 Proxy Authentication Required", "proxy = http://user:password@"]
            ),
            (.proxyRefused(.wrongCredentials(reason: "No")), ["407 No", "correct", "percent-encoded"]),
            (
                .proxyRefused(.otherSchemes(["NTLM", "Negotiate", "NTLM"], reason: "No")),
                ["407 No", "takes NTLM and Negotiate only", "only Basic", "cntlm"]
            ),
            (.proxyRefused(.otherSchemes(["A", "B", "C"], reason: "No")), ["A, B and C only"]),
            (.proxyRefused(.socks(2)), ["not allowed", "code 2"]), (.proxyRefused(.socks(5)), ["refused", "code 5"]),
            (.proxyRefused(.socks(99)), ["SOCKS code 99"]),
            (.proxyRefused(.socksMethods(hasCredentials: false)), ["proxy = socks5://user:password@"]),
            (.proxyRefused(.socksMethods(hasCredentials: true)), ["takes no user name"]),
            (.proxyRefused(.socksCredentials), ["wrong"]), (.proxyRefused(.unreadable(.http)), ["HTTP", "socks5://"]),
            (.proxyRefused(.unreadable(.socks5)), ["SOCKS5", "http://"]), (.proxyRefused(.cut), ["without an answer"]),
            (.proxyRefused(.silent), ["in time"]), (.overtaken, ["within a second"]),
            (
                .at(Address(host: .name("a.test"), port: 81), .closed(usesTLS: false)),
                ["a.test:81: the server closed", "wss://", "may"]
            ),
            (.notHTTP(.ssh), ["SSH", "port"]), (.notHTTP(.tls), ["expects TLS", "wss://"]),
            (.notHTTP(.text("220 mail.test")), ["'220 mail.test'", "port"]), (.reset, ["each time"]),
            (.closed(usesTLS: true), ["without an answer", "front"]),
            (.timedOut, ["handshake", "in time"]),
            (.tls(.expired(on: "2026-01-02")), ["expired on 2026-01-02", "renew it", "clock of this host", "GMT"]),
            (.tls(.notYetValid(until: "2030-01-02")), ["2030-01-02", "clock"]),
            (
                .tls(.wrongName("a.test", names: ["b.test", "c.test"])),
                ["not for a.test but for b.test, c.test", "sni"]
            ),
            (.tls(.unknownIssuer("Office CA")), ["by 'Office CA'", "ca-file", "may open TLS"]),
            (.tls(.unknownIssuer("Zscaler Root CA")), ["Zscaler opens TLS", "ws://"]),
            (.tls(.selfSigned), ["self-signed", "ca-file", "pin-sha256"]),
            (.tls(.pinMismatch(key: "sha256/x=")), ["sha256/x=", "pin-sha256"]),
            (.tls(.alert(.certificateRequired)), ["certificate required", "client-ca", "certificate and key"]),
            (.tls(.alert(.unrecognizedName)), ["unrecognized name", "sni"]),
            (.tls(.noCommonVersion), ["TLS 1.2"]),
            (.tls(.notTLS(.http)), ["not speak TLS", "plain HTTP", "port", "ws://"]),
            (.tls(.notTLS(.ssh)), ["it speaks SSH", "port"]), (.tls(.cut), ["closed during"]),
            (.tls(.malformed("bad length")), ["bad length"]),
        ]
        for (failure, words) in failures {
            for word in words { #expect(failure.text.contains(word), "\(failure.text)") }
        }
    }
}
