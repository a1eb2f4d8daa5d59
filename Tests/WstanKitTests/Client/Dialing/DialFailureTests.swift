import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct DialFailureTests {
    @Test func `a refusal names what may be wrong`() {
        let text = DialFailure.refused(status: 404, clockAhead: nil).text
        for word in ["404", "key", "path", "URI"] { #expect(text.contains(word)) }
        // Half a minute is no reason to blame the clock.
        #expect(DialFailure.refused(status: 404, clockAhead: 29.9).text == text)
        #expect(DialFailure.refused(status: 404, clockAhead: -30).text == text)
    }

    @Test(arguments: [
        (31.0, "31 seconds behind"), (-31.9, "31 seconds ahead of"), (119.9, "119 seconds behind"),
        // The server's date has no fractions, so its clock seems late by up to a second.
        (179.01, "3 minutes behind"), (180, "3 minutes behind"), (-180.99, "3 minutes ahead of"),
        (3600 * 8 - 0.5, "8 hours behind"), (-1e9, "277778 hours ahead of"),
    ])
    func `a clock that is wrong is named, with the direction`(clockAhead: Double, words: String) {
        let text = DialFailure.refused(status: 404, clockAhead: clockAhead).text
        #expect(text.contains("your clock is \(words) the server's"))
        #expect(text.contains("set it"))
    }

    @Test func `every failure says what it is about`() {
        let failures: [(DialFailure, [String])] = [
            (.unreachable(.connect(SystemError(call: "connect", code: 111))), ["server", "Connection refused"]),
            (.unreachable(.lookUp(.notFound)), ["server", "the name does not exist"]),
            (.proxyUnreachable(.lookUp(.notFound)), ["proxy", "the name does not exist"]),
            (.proxyRefused(.status(403, reason: "Forbidden")), ["proxy", "403 Forbidden", "443"]),
            (.proxyRefused(.status(502, reason: "Bad")), ["502 Bad", "cannot reach the server"]),
            (.proxyRefused(.status(404, reason: "")), ["404", "no proxy"]),
            (.proxyRefused(.status(511, reason: "")), ["log in"]), (.proxyRefused(.status(429, reason: "")), ["wait"]),
            (.proxyRefused(.status(418, reason: "Teapot")), ["418 Teapot", "password"]),
            (
                .proxyRefused(.wantsCredentials(reason: "Proxy Authentication Required")),
                ["407 Proxy Authentication Required", "proxy = http://user:password@"]
            ),
            (.proxyRefused(.wrongCredentials(reason: "No")), ["407 No", "wrong", "percent-encoded"]),
            (
                .proxyRefused(.otherSchemes(["NTLM", "Negotiate", "NTLM"], reason: "No")),
                ["407 No", "it takes NTLM and Negotiate only", "only Basic", "cntlm"]
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
                .at(Address(host: .name("a.test"), port: 81), .closed),
                ["a.test:81: the server closed", "its log says more"]
            ),
            (.notWebSocket, ["check the URI"]), (.reset, ["each time"]), (.closed, ["handshake"]),
            (.timedOut, ["handshake", "in time"]),
            (.tls(.expired(on: "2026-01-02")), ["expired on 2026-01-02", "renewed", "clock here", "GMT"]),
            (.tls(.notYetValid(until: "2030-01-02")), ["2030-01-02", "clock"]),
            (
                .tls(.wrongName("a.test", names: ["b.test", "c.test"])),
                ["not for a.test but for b.test, c.test", "sni"]
            ),
            (.tls(.unknownIssuer("Office CA")), ["by 'Office CA'", "ca-file"]),
            (.tls(.selfSigned), ["itself", "ca-file", "pin-sha256"]),
            (.tls(.pinMismatch(key: "sha256/x=")), ["sha256/x=", "pin-sha256"]),
            (.tls(.alert(.certificateRequired)), ["certificate required", "client-ca", "certificate and key"]),
            (.tls(.alert(.unrecognizedName)), ["unrecognized name", "sni"]),
            (.tls(.noCommonVersion), ["TLS 1.2"]), (.tls(.notTLS), ["no TLS", "port", "ws://"]),
            (.tls(.cut), ["closed in the middle"]), (.tls(.malformed("bad length")), ["bad length"]),
        ]
        for (failure, words) in failures {
            for word in words { #expect(failure.text.contains(word), "\(failure.text)") }
        }
    }
}
