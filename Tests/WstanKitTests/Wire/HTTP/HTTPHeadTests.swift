import Testing

@testable import WstanCore

@Suite struct HTTPHeadTests {
    private static func head(_ text: String) throws -> HTTPHead {
        try HTTPHead(Array((text + "\r\n\r\n").utf8))
    }

    private static func text(_ bytes: ArraySlice<UInt8>?) -> String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `a request line has three parts`() throws {
        let line = try #require(try Self.head("GET /a?b HTTP/1.0\r\nHost: h").requestLine)
        #expect([line.method, line.target, line.version].map { Self.text($0) } == ["GET", "/a?b", "HTTP/1.0"])
        for text in [
            "GET / HTTP/2.0", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /", "GET / HTTP/1.10",
            "G(T / HTTP/1.1",
            "GET /\t HTTP/1.1", "GET /\u{7f} HTTP/1.1", " / HTTP/1.1",
            "GET / http/1.1",
            "HTTP/1.1 200 OK",
        ] {
            #expect(try Self.head(text).requestLine == nil, "\(text.debugDescription)")
        }
    }

    /// Some readers end a line there.
    @Test(arguments: ["GET /\u{0} HTTP/1.1", "GET /\nX HTTP/1.1", "HTTP/1.1 200 OK\nA: b", "HTTP/1.1 200 \rOK"])
    func `a first line has no control characters that end lines`(text: String) {
        #expect(throws: HTTPHead.Failure.malformed) { try Self.head(text) }
    }

    @Test func `a status line has a status of three digits`() throws {
        let head = try Self.head("HTTP/1.1 403 Clock is wrong\r\nServer: x")
        #expect(head.status == 403)
        #expect(head.reason == "Clock is wrong")
        #expect(try Self.head("HTTP/1.1 403 ab\u{1b}[31m\u{9b}c").reason == "ab[31mc")
        #expect(try Self.head("HTTP/1.0 200").status == 200)
        #expect(try Self.head("HTTP/1.1 101 ").reason == "")
        for text in [
            "HTTP/1.1 20", "HTTP/1.1  200", "HTTP/2 200", "HTTP/1.1 2x0 OK", "HTTP/1.1 2000 OK", "GET / HTTP/1.1",
        ] {
            #expect(try Self.head(text).status == nil, "\(text)")
        }
    }

    @Test func `names have no case, values are trimmed, doubles have no single value`() throws {
        let head = try Self.head("GET / HTTP/1.1\r\nA: 1\r\nb:\t two words \t\r\nC:\r\na: 3\r\nD: x:y")
        #expect(head.values(of: "a").map { Self.text($0) } == ["1", "3"])
        #expect(head.value(of: "A") == nil)
        #expect(Self.text(head.value(of: "B")) == "two words")
        #expect(Self.text(head.value(of: "c")) == "")
        #expect(Self.text(head.value(of: "d")) == "x:y")
        #expect(head.value(of: "e") == nil)
    }

    @Test func `tokens are whole, in lists, in several fields`() throws {
        let head = try Self.head("GET / HTTP/1.1\r\nConnection: close , \tUpgrade,\r\nConnection: x-y")
        for token in ["close", "UPGRADE", "x-y"] { #expect(head.hasToken(token, in: "connection")) }
        for token in ["up", "x", "", "close , Upgrade"] { #expect(!head.hasToken(token, in: "connection")) }
    }

    /// What two readers of one head may take for different things is how requests are smuggled.
    @Test(arguments: [
        "Host : h", ": h", "Ho st: h", "Host", " folded", "\tfolded", "A: b\nC: d", "A: b\rC: d", "A: b\u{0}", "A: b\r",
        "H\u{f6}st: h",
        "Host\n: h",
    ])
    func `fields that can be read in two ways are malformed`(line: String) {
        #expect(throws: HTTPHead.Failure.malformed) { try Self.head("GET / HTTP/1.1\r\nA: b\r\n" + line) }
    }

    @Test func `a head begins with a line and has at most 200 fields`() throws {
        #expect(throws: HTTPHead.Failure.malformed) { try HTTPHead([]) }
        #expect(throws: HTTPHead.Failure.malformed) { try HTTPHead([13, 10]) }
        let fields = String(repeating: "\r\nA: b", count: 200)
        #expect(try Self.head("GET / HTTP/1.1" + fields).values(of: "a").count == 200)
        #expect(throws: HTTPHead.Failure.tooLarge) { try Self.head("GET / HTTP/1.1\r\nA: b" + fields) }
    }

    @Test func `mutated heads never trap, whatever is asked of them`() {
        var random = SeededRandomness(seed: 20)
        let texts = [
            "GET /path HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\n\r\n",
        ]
        for round in 0..<10_000 {
            let bytes = Mutation.of(Array(texts[round % 2].utf8), &random)
            guard let head = try? HTTPHead(bytes) else { continue }
            _ = (
                head.requestLine, head.status, head.reason, head.value(of: "Host"),
                head.hasToken("upgrade", in: "Connection")
            )
            if let status = head.status, !(0...999).contains(status) { Issue.record("\(status)") }
        }
    }
}
