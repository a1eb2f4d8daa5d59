import Testing

@testable import WstanCore

@Suite struct ResponseReaderTests {
    /// Events with the bodies' bytes put together, so that they compare however these were cut.
    private struct Heard: Equatable {
        var heads: [Int] = []
        var body: [UInt8] = []
        var hasEnded = false
        var endsWithConnection = false
        var isMalformed = false
        var surplus: [UInt8] = []
    }

    private static func hear(_ pieces: [[UInt8]], toHEAD: Bool = false) -> Heard {
        var reader = ResponseReader(toHEAD: toHEAD, limit: 1000)
        var heard = Heard()
        for piece in pieces where !heard.isMalformed {
            var offset = 0
            piece.withUnsafeBytes { bytes in
                do throws(HTTPHead.Failure) {
                    while let event = try reader.next(in: bytes, from: &offset) {
                        switch event {
                        case .head(let response): heard.heads.append(response.status)
                        case .body(let range): heard.body += bytes[range]
                        case .missingCR: heard.body.append(13)
                        case .end: heard.hasEnded = true
                        }
                    }
                    if reader.hasEnded { heard.surplus += bytes[offset...] }
                } catch {
                    heard.isMalformed = true
                }
            }
        }
        heard.endsWithConnection = reader.endsWithConnection
        return heard
    }

    private static let answers: [(String, toHEAD: Bool, Heard)] = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false,
            Heard(heads: [200], body: Array("hello".utf8), hasEnded: true)
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Heard(heads: [200], hasEnded: true)),
        (
            "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 None\r\n\r\n", false,
            Heard(heads: [100, 103, 204], hasEnded: true)
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n", false,
            Heard(heads: [200], body: Array("3\r\nabc\r\n0\r\nA: b\r\n\r\n".utf8), hasEnded: true)
        ),
        // RFC 9112 section 2.2: what ends in LF alone is passed on as it should be.
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n1 ;x\r\n\n\n0\nA: b\n\nHTTP/1.1", false,
            Heard(
                heads: [200], body: Array("3\r\nabc\r\n1 ;x\r\n\n\r\n0\r\nA: b\r\n\r\n".utf8), hasEnded: true,
                surplus: Array("HTTP/1.1".utf8))
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", false,
            Heard(heads: [200], body: Array("ok".utf8), hasEnded: true, surplus: Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        ),
        (
            "HTTP/1.0 200 OK\r\n\r\nto the end", false,
            Heard(heads: [200], body: Array("to the end".utf8), endsWithConnection: true)
        ),
        (
            "HTTP/1.1 101 Go\r\n\r\n\u{0}\u{1}", false,
            Heard(heads: [101], body: [0, 1], endsWithConnection: true)
        ),
        ("SSH-2.0\r\n", false, Heard(isMalformed: true)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", false, Heard(isMalformed: true)),
        (
            "\r\nHTTP/1.1 200 OK\nA : b\n folded\nContent-Length : 5\n\nhello", false,
            Heard(heads: [200], body: Array("hello".utf8), hasEnded: true)
        ),
        (
            "ICY 200 OK\r\nicy-name:radio\r\n\r\nmusic", false,
            Heard(heads: [200], body: Array("music".utf8), endsWithConnection: true)
        ),
    ]

    @Test(arguments: answers.indices)
    func `an answer makes the same events however it is cut`(number: Int) {
        let (text, toHEAD, expected) = Self.answers[number]
        var random = SeededRandomness(seed: 66)
        for pieces in HTTPFixture.cuts(of: Array(text.utf8), &random) {
            #expect(Self.hear(pieces, toHEAD: toHEAD) == expected)
        }
    }

    @Test func `an answer that is cut short has not ended`() {
        for (text, toHEAD, expected) in Self.answers where expected.hasEnded && expected.surplus.isEmpty {
            let bytes = Array(text.utf8)
            for count in 0..<bytes.count {
                let heard = Self.hear([Array(bytes[..<count])], toHEAD: toHEAD)
                #expect(!heard.hasEnded && !heard.endsWithConnection && !heard.isMalformed, "\(count) of \(text)")
            }
        }
    }

    @Test func `a head that does not end is malformed, and not held for ever`() {
        let endless = Array(("HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 2000)).utf8)
        #expect(Self.hear([endless]).isMalformed)
        #expect(Self.hear(endless.map { [$0] }).isMalformed)
    }

    @Test func `interim answers without end are refused`() {
        let interim = Array("HTTP/1.1 100 \r\n\r\n".utf8)
        let last = Array("HTTP/1.1 204 None\r\n\r\n".utf8)
        func flood(_ count: Int) -> [UInt8] { Array(repeatElement(interim, count: count).joined()) + last }
        #expect(Self.hear([flood(HTTPLimits.interimAnswers)]).heads.last == 204)
        let tooMany = Self.hear([flood(HTTPLimits.interimAnswers + 1)])
        #expect(tooMany.isMalformed && tooMany.heads.count == HTTPLimits.interimAnswers)
    }

    @Test func `mutated answers never trap, and mean the same however they are cut`() {
        var random = SeededRandomness(seed: 67)
        for round in 0..<4000 {
            let bytes = Mutation.of(Array(Self.answers[round % Self.answers.count].0.utf8), &random)
            let whole = Self.hear([bytes])
            var dripped = Self.hear(bytes.map { [$0] })
            // Of a body that breaks, more or less has been passed on.
            if whole.isMalformed { dripped.body = whole.body }
            #expect(dripped == whole, "\(HTTPFixture.text(bytes).debugDescription)")
        }
    }
}
