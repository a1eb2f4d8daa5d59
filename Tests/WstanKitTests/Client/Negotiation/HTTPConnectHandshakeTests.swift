import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite struct HTTPConnectHandshakeTests {
    private static func passage(_ proxy: String, to server: String = "server.test:8080") throws -> HTTPConnectHandshake
    {
        HTTPConnectHandshake(proxy: try ProxyAddress.read(proxy), server: try #require(Address(authority: server)))
    }

    private static func refusal(_ proxy: String, _ lines: String...) throws -> ProxyRefusal? {
        let head = lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return try passage(proxy).refusal(in: try HTTPHead(Array(head.utf8)))
    }

    @Test func `the request names the server, and says who asks if that is known`() throws {
        func request(_ proxy: String, _ server: String) throws -> String {
            String(decoding: try Self.passage(proxy, to: server).request, as: UTF8.self)
        }
        #expect(try request("p:1", "a.test:80") == "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n")
        #expect(try request("p:1", "[::1]:80") == "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
        // RFC 7617 section 2.
        let basic = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
        #expect(try request("http://Aladdin:open%20sesame@p:1", "a.test:80").contains(basic))
        // Section 2.1.
        #expect(try request("http://test:123%C2%A3@p:1", "a.test:80").contains("Basic dGVzdDoxMjPCow==\r\n"))
        #expect(try request("http://a@p:1", "a.test:80").contains("Basic YTo=\r\n"))
    }

    @Test func `every 2xx is a yes`() throws {
        #expect(try Self.refusal("p:1", "HTTP/1.0 200 Connection established") == nil)
        #expect(try Self.refusal("p:1", "HTTP/1.1 204 X", "Content-Length: 5") == nil)
    }

    @Test func `a 407 is about what was sent and what is spoken`() throws {
        let line = "HTTP/1.1 407 No"
        let basic = "Proxy-Authenticate: Basic realm=\"x\""
        #expect(try Self.refusal("p:1", line) == .wantsCredentials(reason: "No"))
        #expect(try Self.refusal("p:1", line, basic) == .wantsCredentials(reason: "No"))
        #expect(try Self.refusal("u:p@p:1", line, basic) == .wrongCredentials(reason: "No"))
        #expect(try Self.refusal("u:p@p:1", line) == .wrongCredentials(reason: "No"))
        let others = "Proxy-Authenticate: NTLM, Negotiate"
        for proxy in ["p:1", "u:p@p:1"] {
            #expect(try Self.refusal(proxy, line, others) == .otherSchemes(["NTLM", "Negotiate"], reason: "No"))
        }
        #expect(try Self.refusal("p:1", line, others, basic) == .wantsCredentials(reason: "No"))
    }

    @Test func `any other answer is a no`() throws {
        #expect(try Self.refusal("p:1", "HTTP/1.1 403 Forbidden") == .status(403, reason: "Forbidden"))
        #expect(try Self.refusal("p:1", "HTTP/1.1 302 Found") == .status(302, reason: "Found"))
        #expect(try Self.refusal("p:1", "SSH-2.0-x") == .unreadable(.http))
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(0, true), (1, true), (1000, true), (60_000, false)])
    func `interim answers are passed over, and bounded by their bytes`(count: Int, isPassed: Bool) async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            worker.spawn {
                let interim = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: count)
                far.write(Array((interim + "HTTP/1.1 200 OK\r\n\r\n").utf8))
                _ = await far.readAll()
                far.close()
            }
            let passage = try Self.passage("p:1")
            var refusal: ProxyRefusal?
            do throws(ProxyRefusal) {
                try await passage.pass(near, until: worker.now + .seconds(30))
            } catch {
                refusal = error
            }
            #expect(refusal == (isPassed ? nil : .unreadable(.http)))
            near.close()
        }
    }

    @Test func `what a restart looks like is told apart`() {
        let restarts: [ProxyRefusal] = [.status(502, reason: ""), .status(504, reason: ""), .socks(5), .cut]
        let others: [ProxyRefusal] = [
            .status(403, reason: ""), .status(500, reason: ""), .wantsCredentials(reason: ""), .socks(2), .silent,
            .unreadable(.http), .socksCredentials, .socksMethods(hasCredentials: true),
        ]
        #expect(restarts.allSatisfy { $0.mayBeRestart })
        #expect(!others.contains { $0.mayBeRestart })
    }
}
