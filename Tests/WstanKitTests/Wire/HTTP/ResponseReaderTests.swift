import Testing

@testable import WstanCore

@Suite struct ResponseReaderTests {
    /// Events with the bodies' bytes put together, so that they compare however these were cut.
    private struct Heard: Equatable {
        var heads: [Int] = []
        var body: [UInt8] = []
        var hasEnded = false
        /// What would end it with the connection.
        var missingEnd: [UInt8]?
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
        heard.missingEnd = heard.isMalformed ? nil : reader.missingEnd
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
            Heard(heads: [200], body: Array("to the end".utf8), missingEnd: [])
        ),
        (
            "HTTP/1.1 101 Go\r\n\r\n\u{0}\u{1}", false,
            Heard(heads: [101], body: [0, 1], missingEnd: [])
        ),
        // As written by a program whose library makes CR LF of LF.
        (
            "\r\r\nHTTP/1.1 200 OK\r\r\nContent-Length: 5\r\r\nA: b\r\r\n\r\r\nhello", false,
            Heard(heads: [200], body: Array("hello".utf8), hasEnded: true)
        ),
        ("SSH-2.0\r\n", false, Heard(isMalformed: true)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", false, Heard(isMalformed: true)),
        (
            "\r\nHTTP/1.1 200 OK\nA : b\n folded\nContent-Length : 5\n\nhello", false,
            Heard(heads: [200], body: Array("hello".utf8), hasEnded: true)
        ),
        (
            "ICY 200 OK\r\nicy-name:radio\r\n\r\nmusic", false,
            Heard(heads: [200], body: Array("music".utf8), missingEnd: [])
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
                #expect(!heard.hasEnded && !heard.isMalformed, "\(count) of \(text)")
                // A body that is whole is so without the end of its framing.
                let mended = heard.missingEnd.map { heard.body + $0 }
                #expect(mended == nil || mended == expected.body || mended == Array("3\r\nabc\r\n0\r\n\r\n".utf8), "\(count) of \(text)")
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
        let most = HTTPLimits.interimAnswers / interim.count
        #expect(Self.hear([flood(most)]).heads.last == 204)
        let tooMany = Self.hear([flood(most + 1)])
        #expect(tooMany.isMalformed && tooMany.heads.count == most)
    }

    private static let chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    /// Servers of all kinds close the connection there; curl and browsers have the whole body then.
    @Test func `a chunked body that ends with its connection is whole once its last chunk is there`() {
        for (text, missing) in [
            ("3\r\nabc\r\n0\r\n", "\r\n"), ("0\r\n", "\r\n"), ("0\n", "\r\n"), ("0\r\n\r", "\n"), ("0\r", "\n\r\n"), ("0;x\r", "\n\r\n"),
            ("0\r\nA: b\r\n", "\r\n"), ("000\r\n", "\r\n"), ("0\r\r\n", "\r\n"),
        ] {
            #expect(Self.hear([Array((Self.chunkedHead + text).utf8)]).missingEnd == Array(missing.utf8), "\(text.debugDescription)")
        }
        for text in ["", "0", "1\r\n", "3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0", "0\r\nA: b", "0\r\nA: b\r", "0;x", "00", "1\r"] {
            #expect(Self.hear([Array((Self.chunkedHead + text).utf8)]).missingEnd == nil, "\(text.debugDescription)")
        }
        #expect(Self.hear([Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n".utf8)]).missingEnd == nil)
    }

    /// What the next reader may take otherwise, or not at all, is put right.
    @Test func `leading zeros of a size and CRs before a CR LF are left out`() {
        let zeros = String(repeating: "0", count: 500)
        var random = SeededRandomness(seed: 68)
        for (text, body) in [
            (zeros + "3\r\nabc\r\n" + zeros + "\r\n\r\nrest", "03\r\nabc\r\n0\r\n\r\n"),
            ("0000000000000000003;x\r\nabc\r\n00\r\nA: b\r\n\r\nrest", "03;x\r\nabc\r\n0\r\nA: b\r\n\r\n"),
            ("3\r\r\nabc\r\r\r\n0\r\r\nA: b\r\r\n\r\r\nrest", "3\r\nabc\r\n0\r\nA: b\r\n\r\n"),
        ] {
            for pieces in HTTPFixture.cuts(of: Array((Self.chunkedHead + text).utf8), &random) {
                let heard = Self.hear(pieces)
                #expect(heard.hasEnded && heard.body == Array(body.utf8) && heard.surplus == Array("rest".utf8), "\(text.debugDescription)")
            }
        }
        for text in [
            String(repeating: "0", count: 1025) + "\r\n", "0" + String(repeating: "f", count: 16) + "\r\n",
            "1\r\na" + String(repeating: "\r", count: 1100) + "\n0\r\n\r\n", "1\r\r1\r\n", "1\r\na\rb", "0\r\n\r\rX",
        ] {
            let bytes = Array((Self.chunkedHead + text).utf8)
            #expect(Self.hear([bytes]).isMalformed && Self.hear(bytes.map { [$0] }).isMalformed, "\(text.debugDescription)")
        }
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
