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
        #expect(throws: RequestFault.malformed) { try Self.forwarded("GET http://h HTTP/1.1", "Host: h", "Host: h") }
    }

    @Test func `fields for the next hop stay behind, framing does not`() throws {
        #expect(
            try Self.forwarded(
                "POST http://h/ HTTP/1.1", "Connection: keep-alive, X-A , content-length,,HOST", "x-a: 1", "X-AB: 2",
                "Keep-Alive: 5", "Proxy-Connection: keep-alive", "Proxy-Authorization: x", "TE: gzip",
                "Upgrade: x", "Content-Length: 3", "Connection: X-Z", "X-Z: 3")
                == "POST / HTTP/1.1\r\nHost: h\r\nX-AB: 2\r\nContent-Length: 3\r\n\r\n")
        let many = String(repeating: "a,", count: 65)
        #expect(throws: RequestFault.malformed) {
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: \(many)")
        }
    }

    /// Found by the fuzzer: behind so many, the rest of a list was taken for one option, and so nothing in it was heeded.
    @Test func `items that are blank hide none behind them`() throws {
        let blanks = String(repeating: " ,", count: 70)
        #expect(throws: RequestFault.malformed) {
            try Self.forwarded("GET http://h/ HTTP/1.1", "Connection: \(blanks) close, x-a", "X-A: 1")
        }
        #expect(throws: HTTPHead.Failure.malformed) {
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
        return HTTPFixture.text(try ProxyResponse(head, toHEAD: false).forwarded(closing: closing))
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

    @Test(arguments: ["HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 x", "GET / HTTP/1.1", "ICY"])
    func `what is no status line is malformed`(line: String) throws {
        let head = try HTTPFixture.head(line)
        #expect(throws: HTTPHead.Failure.malformed) { try ProxyResponse(head, toHEAD: false) }
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
                let again = try ProxyResponse(HTTPHead(it.forwarded(closing: false)), toHEAD: false)
                #expect(again.status == it.status)
                #expect(again.body == it.body)
            }
        }
    }
}
