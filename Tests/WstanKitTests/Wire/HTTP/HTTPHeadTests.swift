import Testing

@testable import WstanCore

@Suite struct HTTPHeadTests {
    private static func head(_ text: String, as kind: HTTPHead.Kind = .request) throws -> HTTPHead {
        try HTTPHead(Array((text + "\r\n\r\n").utf8), as: kind)
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
    @Test(
        arguments: [
            ("GET /\u{0} HTTP/1.1", .lineEnd), ("GET /\nX HTTP/1.1", .field("X HTTP/1.1")),
            ("GET /\rX HTTP/1.1", .lineEnd), ("GET / HTTP/1.1\r", .lineEnd),
        ] as [(String, HTTPHead.Failure)])
    func `a first line has no control characters that end lines`(text: String, failure: HTTPHead.Failure) {
        #expect(throws: failure) { try Self.head(text) }
    }

    @Test func `a request line of another version is told from others`() throws {
        for (line, version) in [
            ("PRI * HTTP/2.0", "HTTP/2.0"), ("GET / HTTP/3", "HTTP/3"), ("GET / HTTP/1.1", nil),
            ("GET / HTTP/1.10", nil),
            ("GET /", nil), ("HTTP/2.0", "HTTP/2.0"),
        ] {
            #expect(try Self.head(line).otherVersion == version, "\(line)")
        }
    }

    @Test func `a status line has a status of three digits`() throws {
        let head = try Self.head("HTTP/1.1 403 Clock is wrong\r\nServer: x")
        #expect(head.status == 403)
        #expect(head.reason == "Clock is wrong")
        #expect(try Self.head("HTTP/1.1 403 ab\u{1b}[31m\u{9b}c").reason == "ab[31mc")
        #expect(try Self.head("HTTP/1.1 101 ").reason == "")
        for text in [
            "HTTP/1.1 20", "HTTP/1.1 2x0 OK", "HTTP/1.1 2000 OK", "GET / HTTP/1.1", "HTTP/1.1",
            "HTTP/1.1.1 200", "HTTP/ 200", "HTTP/1. 200", "HTTP/x.1 200", "HTTP/1111.1 200", "HTTPS 200", "200 OK",
            "SSH-2.0-x 200", "RTSP/1.0 200 OK", "220 ready", "ICY/1.0 200",
        ] {
            #expect(try Self.head(text).status == nil, "\(text)")
        }
    }

    /// RFC 9112 section 4 and RFC 9110 section 6.2; "ICY" is internet radio's, "SOURCETABLE" a GNSS caster's.
    @Test(arguments: [
        ("HTTP/1.0 200", 200, 0), ("HTTP/1.2 200 OK", 200, 1), ("HTTP/1.1  404 \tNo", 404, 1),
        ("http/1.1 200 ok", 200, 1),
        ("HTTP/2 200", 200, 1), ("HTTP/2.0 200 OK", 200, 1), ("HTTP/0.9 200 OK", 200, 0), ("HTTP/1 200 OK", 200, 0),
        ("HTTP 200 OK", 200, 0), ("HTTP/1.1\t200", 200, 1), ("ICY 200 OK", 200, 0), ("icy 401 No", 401, 0),
        ("SOURCETABLE 200 OK", 200, 0), ("HTTP/1.1 200OK", 200, 1), ("HTTP/1.1 999 Denied", 999, 1),
        ("HTTP/1.10 200 OK", 200, 1),
    ])
    func `a status line is understood as old and odd servers write it`(text: String, status: Int, minor: Int) throws {
        let head = try Self.head(text, as: .answer)
        #expect(head.status == status)
        #expect(head.minorVersion == minor)
    }

    /// Each field as `name=value`.
    private static func fields(_ text: String) throws -> [String] {
        try HTTPHead(Array(text.utf8), as: .answer).allFields.map { "\(HTTPFixture.text($0))=\(HTTPFixture.text($1))" }
    }

    @Test(arguments: [
        ("A : b\r\nC\t \t:d", ["A=b", "C=d"]),
        // RFC 9112 section 5.2.
        ("A: b\r\n c\r\n\t d\t\r\nE: f", ["A=b   c    d", "E=f"]), ("A:\r\n b", ["A=b"]),
        ("A: b\r\n \r\n c", ["A=b      c"]),
        ("A: b\r\n ", ["A=b"]),
        // Section 2.2: after the first line, or after what is no field, there is none to continue.
        (" A: b\r\nC: d", ["C=d"]), ("A\r\n B: c\r\nD: e", ["D=e"]),
        // What is no field is left out.
        ("A\r\nB: c", ["B=c"]), (": a\r\nB: c", ["B=c"]), ("A b: c\r\nD: e", ["D=e"]), ("H\u{f6}: a\r\nB: c", ["B=c"]),
        ("HTTP/1.1 200 OK\r\nB: c", ["B=c"]), (" : a\r\nB: c", ["B=c"]),
        // A CR that ends no line, or a NUL, is a blank.
        ("A: b\rC: d", ["A=b C: d"]), ("A: b\u{0}c", ["A=b c"]), ("A: b\r\r\nC: d", ["A=b", "C=d"]),
        ("A\r: b", ["A=b"]), ("A\u{0}B: c\r\nD: e", ["D=e"]), ("\rA: b\r\nC: d", ["C=d"]),
        ("A: \u{e4}\u{1}", ["A=\u{e4}\u{1}"]),
    ])
    func `an answer's fields are read tolerantly`(lines: String, expected: [String]) throws {
        #expect(try Self.fields("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\n") == expected)
        // Section 2.2: LF alone may end a line; a fold is a blank shorter then.
        let bare = try Self.fields("HTTP/1.1 200 OK\n\(lines.replacing("\r\n", with: "\n"))\n\n")
        #expect(bare.map { $0.replacing(" ", with: "") } == expected.map { $0.replacing(" ", with: "") })
        #expect(try Self.fields("\r\n\nHTTP/1.1 200 OK\n\(lines)\r\n\n") == expected)
    }

    /// As `printf` and `nc` send it. Where the first line ends in CR LF, an LF alone is not the end of another one: a
    /// reader before us may have taken it for a part of a field.
    @Test func `a request's lines may end in LF alone if all do, and empty lines may come first`() throws {
        for text in [
            "GET / HTTP/1.0\nA: b\nC: d\n\n", "GET / HTTP/1.0\nA: b\r\nC: d\n\r\n", "\nGET / HTTP/1.0\nA: b\nC: d\n\n",
            "\r\n\r\nGET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n", "\n\r\nGET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
        ] {
            let head = try HTTPHead(Array(text.utf8))
            #expect(head.requestLine.map { Self.text($0.target) } == "/")
            #expect(head.allFields.map { Self.text($0.value) } == ["b", "d"], "\(text.debugDescription)")
        }
        for (text, failure) in [
            ("GET / HTTP/1.0\r\nA: b\nC: d\r\n\r\n", HTTPHead.Failure.lineEnd),
            ("GET / HTTP/1.0\r\nA: b\r\n\n", .lineEnd),
            ("GET / HTTP/1.0\nA: b\rC: d\n\n", .lineEnd), ("\rGET / HTTP/1.0\r\n\r\n", .lineEnd),
            ("GET / HTTP/1.0\n A: b\n\n", .field(" A")), ("GET / HTTP/1.0\nA: b\r\r\n\n", .lineEnd),
        ] {
            #expect(throws: failure, "\(text.debugDescription)") { try HTTPHead(Array(text.utf8)) }
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

    /// What two readers of one head may take for different things is how requests are smuggled. What stands behind a
    /// colon may be a secret, and is not repeated.
    @Test(
        arguments: [
            ("Host : h", .field("Host ")), (": h", .field("")), ("Ho st: h", .field("Ho st")), ("Host", .field("Host")),
            (" folded", .field(" folded")), ("\tfolded", .field("folded")), ("H\u{f6}st: h", .field("Hst")),
            ("Cookie=secret", .field("Cookie")), ("Authorization : Basic c2VjcmV0", .field("Authorization ")),
            ("A: b\nC: d", .lineEnd), ("A: b\rC: d", .lineEnd), ("A: b\u{0}", .lineEnd), ("A: b\r", .lineEnd),
            ("Host\n: h", .lineEnd),
        ] as [(String, HTTPHead.Failure)])
    func `fields that can be read in two ways are malformed`(line: String, failure: HTTPHead.Failure) {
        #expect(throws: failure) { try Self.head("GET / HTTP/1.1\r\nA: b\r\n" + line) }
    }

    @Test func `a head begins with a line; a request has at most 200 fields, an answer 1000`() throws {
        for kind in [HTTPHead.Kind.request, .answer] {
            #expect(throws: HTTPHead.Failure.notHTTP) { try HTTPHead([], as: kind) }
            #expect(throws: HTTPHead.Failure.notHTTP) { try HTTPHead([13, 10], as: kind) }
        }
        let fields = String(repeating: "\r\nA: b", count: 200)
        #expect(try Self.head("GET / HTTP/1.1" + fields).values(of: "a").count == 200)
        #expect(throws: HTTPHead.Failure.tooManyFields(200)) { try Self.head("GET / HTTP/1.1\r\nA: b" + fields) }
        let many = "HTTP/1.1 200 OK" + String(repeating: "\r\nSet-Cookie: c", count: 1000)
        #expect(try Self.head(many, as: .answer).values(of: "set-cookie").count == 1000)
        #expect(throws: HTTPHead.Failure.tooManyFields(1000)) { try Self.head(many + "\r\nA: b", as: .answer) }
    }

    @Test func `mutated heads never trap, whatever is asked of them`() {
        var random = SeededRandomness(seed: 20)
        let texts = [
            "GET /path HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 101 Ok\r\nConnection : Upgrade,\n x\r\nA\r\n\r\n",
        ]
        for round in 0..<10_000 {
            let bytes = Mutation.of(Array(texts[round % 2].utf8), &random)
            guard let head = try? HTTPHead(bytes, as: round % 2 == 0 ? .request : .answer) else { continue }
            for (name, value) in head.allFields {
                #expect(!name.isEmpty && name.allSatisfy(HTTPHead.isTokenByte))
                #expect(!value.contains { [0, 10, 13].contains($0) } && value.first != 32 && value.last != 32)
            }
            _ = (
                head.requestLine, head.status, head.reason, head.value(of: "Host"),
                head.hasToken("upgrade", in: "Connection")
            )
            if let status = head.status, !(0...999).contains(status) { Issue.record("\(status)") }
        }
    }
}
