import Testing

@testable import WstanKit

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
            (.proxyRefused(status: 407, reason: "Proxy Authentication Required"), ["proxy", "407", "Authentication"]),
            (.notWebSocket, ["check the URI"]), (.reset, ["each time"]), (.closed, ["handshake"]),
            (.timedOut, ["handshake", "in time"]),
        ]
        for (failure, words) in failures {
            for word in words { #expect(failure.text.contains(word), "\(failure.text)") }
        }
    }
}
