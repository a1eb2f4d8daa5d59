import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ForwardedHeadTests {
    private static func forwarded(_ lines: String...) throws -> String {
        let head = try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        return HTTPFixture.text(try ProxyRequest(head).head)
    }

    @Test func `a request goes on in origin form, with a Host of its URI`() throws {
        #expect(
            try Self.forwarded("GET http://h:81/a?b HTTP/1.1", "host: other", "X: 1", "Cookie: c", "x: 2")
                == "GET /a?b HTTP/1.1\r\nHost: h:81\r\nX: 1\r\nCookie: c\r\nx: 2\r\n\r\n")
        #expect(try Self.forwarded("M http://h HTTP/1.1") == "M / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(throws: RequestFault.hosts) { try Self.forwarded("GET http://h HTTP/1.1", "Host: h", "Host: h") }
    }

    @Test func `fields for the next hop stay behind, framing does not`() throws {
        #expect(
            try Self.forwarded(
                "POST http://h/ HTTP/1.1", "Connection: keep-alive, X-A , content-length,,HOST", "x-a: 1", "X-AB: 2",
                "Keep-Alive: 5", "Proxy-Connection: keep-alive", "Proxy-Authorization: x", "TE: gzip",
                "Upgrade: x", "Content-Length: 3", "Connection: X-Z", "X-Z: 3")
                == "POST / HTTP/1.1\r\nHost: h\r\nX-AB: 2\r\nContent-Length: 3\r\n\r\n")
        let many = String(repeating: "a,", count: 65)
        #expect(throws: RequestFault.unreadable(.list("Connection", 64))) {
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: \(many)")
        }
    }

    /// Found by the fuzzer: behind so many, the rest of a list was taken for one option, and so nothing in it was heeded.
    @Test func `items that are blank hide none behind them`() throws {
        let blanks = String(repeating: " ,", count: 70)
        #expect(throws: RequestFault.unreadable(.list("Connection", 64))) {
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: \(blanks) close, x-a", "X-A: 1")
        }
        #expect(throws: HTTPHead.Failure.list("Connection", 64)) {
            try Self.answer(false, "HTTP/1.1 200 OK", "Connection: \(blanks) close, x-a", "X-A: 1")
        }
        let few = String(repeating: " ,", count: 50)
        #expect(
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: \(few) close, x-a", "X-A: 1")
                == "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }

    @Test func `an upgrade, trailers and a close are said to the target anew`() throws {
        #expect(
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: Upgrade, TE", "Upgrade: echo/1", "TE: trailers")
                == "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: echo/1\r\nTE: trailers\r\nConnection: Upgrade, TE\r\n\r\n")
        #expect(
            try Self.forwarded("GET http://h/ HTTP/1.1", "Proxy-Connection: close")
                == "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        // RFC 9110 section 7.8: a 1.0 user agent cannot ask for one.
        #expect(
            try Self.forwarded("GET http://h/ HTTP/1.0", "Connection: Upgrade, keep-alive", "Upgrade: echo")
                == "GET / HTTP/1.0\r\nHost: h\r\nConnection: close\r\n\r\n")
    }

    @Test func `only methods that may be repeated are idempotent`() throws {
        for (method, isIdempotent) in [
            ("GET", true), ("HEAD", true), ("PUT", true), ("DELETE", true), ("OPTIONS", true), ("TRACE", true),
            ("POST", false), ("PATCH", false), ("get", false), ("LOCK", false),
        ] {
            let request = try ProxyRequest(HTTPFixture.head("\(method) http://h/ HTTP/1.1"))
            #expect(request.isIdempotent == isIdempotent, "\(method)")
            #expect(request.isHEAD == (method == "HEAD"))
        }
    }

    private static func answer(_ closing: Bool, _ lines: String...) throws -> String {
        let head = try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8), as: .answer)
        return HTTPFixture.text(try ProxyResponse(head, toHEAD: false).forwarded(closing: closing, now: 0))
            .replacing("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", with: "")
    }

    @Test func `an answer goes on with our version and without what was for us`() throws {
        #expect(
            try Self.answer(
                false, "HTTP/1.0 200 All is\u{1} well", "Connection: X-A", "X-A: 1", "Keep-Alive: 5",
                "Proxy-Authenticate: x", "Upgrade: y", "Content-Length: 0", "Set-Cookie: a", "Set-Cookie: b")
                == "HTTP/1.1 200 All is well\r\nContent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n")
        #expect(try Self.answer(true, "HTTP/1.1 200") == "HTTP/1.1 200 \r\nConnection: close\r\n\r\n")
        // RFC 9112 section 6.3: the coding counts, so the length goes.
        #expect(
            try Self.answer(false, "HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked")
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(
            try Self.answer(false, "HTTP/1.1 101 Go", "Upgrade: echo", "Connection: upgrade")
                == "HTTP/1.1 101 Go\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        // Sections 2.2, 5.1 and 5.2: it is written anew.
        #expect(
            try Self.answer(
                false, "http/1.2  200  OK", "X-A\t : 1\n\t2", "no field", "B:c\u{0}d", "Connection : e", "E: f")
                == "HTTP/1.1 200  OK\r\nX-A: 1  2\r\nB: c d\r\n\r\n")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK", "", true), ("HTTP/1.1 200 OK", "Connection: x, Close", false),
        ("HTTP/1.0 200 OK", "", false), ("HTTP/1.0 200 OK", "Connection: keep-alive", true),
        ("HTTP/1.0 200 OK", "Connection: keep-alive\r\nTransfer-Encoding: chunked", false),
        ("HTTP/1.1 200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked", false),
    ])
    func `a target's connection is kept when it says so`(line: String, fields: String, persists: Bool) throws {
        let head = try HTTPFixture.head(line, "Content-Type: x" + (fields.isEmpty ? "" : "\r\n" + fields))
        #expect(try ProxyResponse(head, toHEAD: false).persists == persists)
    }

    @Test(
        arguments: [
            ("HTTP/1.1 099 x", .status(99)), ("HTTP/1.1 x", .notHTTP), ("GET / HTTP/1.1", .notHTTP), ("ICY", .notHTTP),
        ] as [(String, HTTPHead.Failure)])
    func `what is no status line is malformed`(line: String, failure: HTTPHead.Failure) throws {
        let head = try HTTPFixture.answer(line)
        #expect(throws: failure) { try ProxyResponse(head, toHEAD: false) }
    }

    /// RFC 9110 section 15: user agents take it for a server's error.
    @Test func `a status that no one knows is passed on`() throws {
        for status in [299, 418, 599, 600, 999] {
            #expect(try Self.answer(false, "HTTP/1.1 \(status) x") == "HTTP/1.1 \(status) x\r\n\r\n")
        }
    }

    /// RFC 9110 section 6.6.1.
    @Test func `an answer without a date gets one, an interim answer does not`() throws {
        func dates(_ lines: [String]) throws -> [String] {
            let head = try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8), as: .answer)
            let forwarded = try ProxyResponse(head, toHEAD: false).forwarded(closing: false, now: 784_111_777)
            return try HTTPHead(forwarded, as: .answer).values(of: "Date").map { HTTPFixture.text($0) }
        }
        #expect(try dates(["HTTP/1.1 200 OK"]) == ["Sun, 06 Nov 1994 08:49:37 GMT"])
        #expect(try dates(["HTTP/1.1 200 OK", "Date: x"]) == ["x"])
        #expect(try dates(["HTTP/1.1 103 Hints"]) == [])
    }

    /// RFC 9110 section 8.6, RFC 9112 sections 6.1 and 6.3.
    @Test func `an answer has one length, and none where it has no body`() throws {
        func lengths(_ status: Int, _ fields: String..., toHEAD: Bool = false) throws -> [String] {
            let text = "HTTP/1.1 \(status) x\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
            let response = try ProxyResponse(HTTPHead(Array(text.utf8), as: .answer), toHEAD: toHEAD)
            let head = try HTTPHead(response.forwarded(closing: false, now: 0), as: .answer)
            return (head.values(of: "Content-Length") + head.values(of: "Transfer-Encoding")).map {
                HTTPFixture.text($0)
            }
        }
        #expect(try lengths(200, "Content-Length: 42, 42") == ["42"])
        #expect(try lengths(200, "Content-Length: 042", "A: b", "Content-Length: 42") == ["42"])
        #expect(try lengths(204, "Content-Length: 42", "Transfer-Encoding: chunked") == [])
        #expect(try lengths(103, "Content-Length: 42", "Transfer-Encoding: chunked") == [])
        #expect(try lengths(304, "Content-Length: 42") == ["42"])
        #expect(try lengths(200, "Content-Length: 42", toHEAD: true) == ["42"])
        #expect(try lengths(200, "Content-Length: x", toHEAD: true) == [])
        #expect(try lengths(200, "Content-Length: 42", "Transfer-Encoding: identity") == ["42"])
        #expect(try lengths(304, "Content-Length: 42", "Transfer-Encoding: chunked") == ["chunked"])
    }

    /// RFC 9110 section 4.2.4; a fragment is no part of the target (section 7.1).
    @Test func `what was typed before the host becomes Authorization, and a fragment is left out`() throws {
        #expect(
            try Self.forwarded("GET http://u:p%40x@h:81/a#b HTTP/1.1", "Host: u:p@h")
                == "GET /a HTTP/1.1\r\nHost: h:81\r\nAuthorization: Basic dTpwQHg=\r\n\r\n")
        #expect(
            try Self.forwarded("GET http://u:p@h/ HTTP/1.1", "authorization: Bearer x")
                == "GET / HTTP/1.1\r\nHost: h\r\nauthorization: Bearer x\r\n\r\n")
        #expect(try Self.forwarded("GET http://@h#b HTTP/1.1") == "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    }

    /// RFC 9110 section 7.6.2.
    @Test func `Max-Forwards is counted down for TRACE and OPTIONS, and means nothing elsewhere`() throws {
        for (method, value, expected) in [
            ("TRACE", "5", "4"), ("OPTIONS", "1", "0"), ("GET", "5", "5"), ("TRACE", "x", "x"), ("options", "5", "5"),
        ] {
            #expect(
                try Self.forwarded("\(method) http://h/ HTTP/1.1", "Max-Forwards: \(value)")
                    == "\(method) / HTTP/1.1\r\nHost: h\r\nMax-Forwards: \(expected)\r\n\r\n")
        }
        for line in ["GET http://h/ HTTP/1.1", "TRACE /x HTTP/1.1", "TRACE * HTTP/1.1", "OPTIONS h HTTP/1.1"] {
            #expect(FinalRequest(try HTTPFixture.head(line, "Max-Forwards: 0")) == nil, "\(line)")
        }
    }

    @Test func `a request that no proxy passes on is answered here, without what is secret`() throws {
        let trace = try HTTPFixture.head(
            "TRACE http://h/ HTTP/1.1", "Max-Forwards: 0", "Cookie: c", "authorization: a", "A:b",
            "Proxy-Authorization: p")
        let body = "TRACE http://h/ HTTP/1.1\r\nMax-Forwards: 0\r\nA: b\r\n\r\n"
        let answer = try #require(FinalRequest(trace)?.answer(closing: false))
        #expect(
            HTTPFixture.text(answer)
                == "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        for lines in [["OPTIONS * HTTP/1.1"], ["OPTIONS http://h HTTP/1.1", "Max-Forwards: 0"]] {
            let options = try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
            let request = try #require(FinalRequest(options))
            #expect(request.persists)
            #expect(
                HTTPFixture.text(request.answer(closing: true)).contains(
                    "Content-Length: 0\r\nConnection: close\r\n\r\n"))
        }
        let withBody = try HTTPFixture.head("OPTIONS * HTTP/1.1", "Content-Length: 3")
        #expect(FinalRequest(withBody)?.persists == false)
    }

    @Test(arguments: [
        ("GET http://h/ HTTP/2.0", RequestFault.otherVersion("HTTP/2.0")), ("GET http://h/", .unreadable(.notHTTP)),
    ])
    func `a request of another version is refused for it`(line: String, fault: RequestFault) throws {
        let head = try HTTPFixture.head(line)
        #expect(throws: fault) { try ProxyRequest(head) }
    }

    /// RFC 9110 section 9.1: a proxy passes on what it does not know.
    @Test func `a method is a token, known or not, however long`() throws {
        for method in ["get", "PROPFIND", "x-y_z!", String(repeating: "M", count: 5000)] {
            #expect(try Self.forwarded("\(method) http://h/ HTTP/1.1") == "\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
        }
    }

    @Test func `HTML is for those who name it`() throws {
        for (accept, takes) in [
            ("text/html", true), ("a/b, Text/HTML ;Q=0.1", true), ("text/html;q=0", false),
            ("text/html;q=0.000", false),
            ("text/html; charset=x;q=0", false), ("*/*", false), ("text/*", false), ("text/htmlx", false), ("", false),
        ] {
            let head = try HTTPFixture.head("GET / HTTP/1.1", "Accept: \(accept)")
            #expect(AcceptHeader(head).takesHTML == takes, "\(accept)")
        }
        #expect(!AcceptHeader(try HTTPFixture.head("GET / HTTP/1.1")).takesHTML)
    }

    /// What goes on is a head again, and reads as the same message: framing is not what an attacker makes of it.
    @Test func `mutated requests and answers never trap, and keep their framing`() throws {
        var random = SeededRandomness(seed: 65)
        let request =
            "POST http://h:80/a HTTP/1.1\r\nHost: h\r\n"
            + "Connection: X, close\r\nX: 1\r\nContent-Length: 12\r\nTE: trailers\r\n\r\n"
        let answer = "HTTP/1.1 200 OK\r\nConnection : X\r\nX: 1\nTransfer-Encoding:\r\n chunked\r\n\r\n"
        for _ in 0..<8000 {
            if let head = try? HTTPHead(Mutation.of(Array(request.utf8), &random)), let it = try? ProxyRequest(head) {
                let again = try HTTPHead(it.head)
                #expect(try MessageBody(ofRequest: again) == it.body)
                #expect(again.values(of: "Host").count == 1)
            }
            if let head = try? HTTPHead(Mutation.of(Array(answer.utf8), &random), as: .answer),
                let it = try? ProxyResponse(head, toHEAD: false)
            {
                let again = try ProxyResponse(
                    HTTPHead(it.forwarded(closing: false, now: 0), as: .answer), toHEAD: false)
                #expect(again.status == it.status)
                #expect(again.body == it.body)
            }
        }
    }
}
