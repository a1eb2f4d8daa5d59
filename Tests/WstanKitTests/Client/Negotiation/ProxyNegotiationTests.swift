import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct ProxyNegotiationTests {
    /// What a user agent gets: what the client knows then, and what it was answered.
    struct Visit: Sendable {
        var request: ProxyNegotiation.Command?
        var answer: [UInt8]

        var connect: ProxyNegotiation.Connect? {
            if case .connect(let connect) = request { connect } else { nil }
        }
    }

    /// - Parameter dripped: byte by byte, each read before the next is sent.
    private static func visit(_ bytes: [UInt8], dripped: Bool = false, finishing: Bool = false) async throws -> Visit {
        try await WorkerThread.run { worker in
            let (userAgent, stream) = try await Loopback.pair(on: worker)
            let found = Wait<ProxyNegotiation.Command?>(worker: worker)
            let task = worker.spawn {
                var door = ProxyNegotiation(stream)
                let request = await door.receive()
                found.fulfill(request)
            }
            if dripped {
                for byte in bytes {
                    userAgent.write([byte])
                    await worker.settle()
                }
            } else {
                userAgent.write(bytes)
            }
            if finishing { userAgent.finish() }
            await task.value
            let request = await found.value(onTimeout: nil, onCancel: nil)
            // As the session does when there is no request.
            stream.closeOrderly(awaitingPeer: true)
            let answer = await userAgent.readAll().bytes
            userAgent.close()
            await worker.until { stream.isClosed }
            return Visit(request: request, answer: answer)
        }
    }

    // MARK: SOCKS5

    private static let greeting: [UInt8] = [5, 2, 2, 0]
    private static let name = Address(host: .name("example.com"), port: 443)
    private static let granted: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

    private static func socks(_ target: Address, command: UInt8 = 1) -> [UInt8] {
        var bytes = greeting + [5, command]
        target.encode(into: &bytes)
        return bytes
    }

    static let targets = [
        name, Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 1),
        Address(host: .ipv6(IPv6Address(high: 1, low: 2)), port: 65_535),
    ]

    @Test(arguments: targets, [false, true])
    func `SOCKS5 leads to its target however it comes`(target: Address, dripped: Bool) async throws {
        let visit = try await Self.visit(Self.socks(target), dripped: dripped)
        #expect(
            visit.connect
                == ProxyNegotiation.Connect(target: target, early: [], successReply: Self.granted, reply: .socks5))
        #expect(visit.answer == [5, 0])
    }

    @Test func `a literal that comes as a name is an address`() async throws {
        let visit = try await Self.visit([5, 1, 0, 5, 1, 0, 3, 7] + Array("1.2.3.4".utf8) + [0, 80])
        #expect(visit.connect?.target == Address(host: .ipv4(IPv4Address(0x0102_0304)), port: 80))
    }

    @Test func `what is sent behind a request is kept`() async throws {
        let socks = try await Self.visit(Self.socks(Self.name) + [1, 2, 3])
        #expect(socks.connect?.early == [1, 2, 3])
        let http = try await Self.visit(Array("CONNECT example.com:443 HTTP/1.1\r\n\r\n".utf8) + [22, 3, 1])
        #expect(http.connect?.early == [22, 3, 1])
    }

    @Test func `who leaves before the end of a request gets no connection`() async throws {
        let whole = Self.socks(Self.name)
        for count in 0..<whole.count {
            let visit = try await Self.visit(Array(whole.prefix(count)), finishing: true)
            if visit.request != nil { Issue.record("after \(count) bytes") }
            #expect(visit.answer == (count < Self.greeting.count ? [] : [5, 0]))
        }
        let connect = Array("CONNECT h:1 HTTP/1.1\r\nA: b\r\n\r\n".utf8)
        for count in stride(from: 0, to: connect.count, by: 3) {
            let visit = try await Self.visit(Array(connect.prefix(count)), finishing: true)
            if visit.request != nil || !visit.answer.isEmpty { Issue.record("after \(count) bytes") }
        }
    }

    @Test(
        arguments: [
            // No method of ours: GSSAPI, and none.
            ([5, 1, 1], [5, 0xff]), ([5, 0], [5, 0xff]),
            // BIND, and a command that nobody knows.
            ([5, 1, 0, 5, 2, 0, 1, 1, 2, 3, 4, 0, 80], [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0]),
            ([5, 1, 0, 5, 9, 0, 1, 1, 2, 3, 4, 0, 80], [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0]),
            // An unknown type of address.
            ([5, 1, 0, 5, 1, 0, 2, 1], [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0]),
            // Another version, a reserved byte that is not 0, a name that is none.
            ([5, 1, 0, 4, 1, 0, 1, 1, 2, 3, 4, 0, 80], [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
            ([5, 1, 0, 5, 1, 1, 1, 1, 2, 3, 4, 0, 80], [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
            ([5, 1, 0, 5, 1, 0, 3, 0, 0, 80], [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
            ([5, 1, 0, 5, 1, 0, 3, 1, 32, 0, 80], [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
            // SOCKS4 in its own words: BIND, a name that is none.
            ([4, 2, 0, 80, 1, 2, 3, 4, 0], [0, 0x5b, 0, 0, 0, 0, 0, 0]),
            ([4, 1, 0, 80, 0, 0, 0, 1, 0, 32, 0], [0, 0x5b, 0, 0, 0, 0, 0, 0]),
            // Neither.
            ([0, 1, 2], []), ([0x16, 3, 1, 0], []), ([0x80, 0x62], []),
        ] as [([UInt8], [UInt8])], [false, true])
    func `what cannot be done is refused in the user agent's words`(
        bytes: ([UInt8], [UInt8]), dripped: Bool
    ) async throws {
        let visit = try await Self.visit(bytes.0, dripped: dripped)
        #expect(visit.request == nil)
        #expect(visit.answer == bytes.1)
    }

    /// Some user agents offer nothing else; RFC 1929 has no empty names, but some send them.
    @Test(arguments: [[UInt8](), Array("u".utf8)], [false, true])
    func `a password that is not asked for is taken and not looked at`(name: [UInt8], dripped: Bool) async throws {
        var bytes: [UInt8] = [5, 1, 2, 1, UInt8(name.count)] + name + [0, 5, 1]
        Self.name.encode(into: &bytes)
        let visit = try await Self.visit(bytes, dripped: dripped)
        #expect(visit.connect?.target == Self.name)
        #expect(visit.answer == [5, 2, 1, 0])
    }

    @Test func `UDP ASSOCIATE asks for a way for datagrams`() async throws {
        let visit = try await Self.visit(Self.socks(Address(host: .ipv4(IPv4Address(0)), port: 0), command: 3))
        #expect(visit.request == .associate(Address(host: .ipv4(IPv4Address(0)), port: 0)))
    }

    // MARK: SOCKS4

    @Test(arguments: [false, true])
    func `SOCKS4 leads to an address, 4a to a name`(dripped: Bool) async throws {
        let byAddress = try await Self.visit([4, 1, 1, 187, 1, 2, 3, 4] + Array("me".utf8) + [0, 7], dripped: dripped)
        #expect(byAddress.connect?.target == Address(host: .ipv4(IPv4Address(0x0102_0304)), port: 443))
        #expect(byAddress.connect?.successReply == [0, 0x5a, 0, 0, 0, 0, 0, 0])
        let name: [UInt8] = [4, 1, 1, 187, 0, 0, 0, 9, 0] + Array("example.com".utf8) + [0]
        let byName = try await Self.visit(name, dripped: dripped)
        #expect(byName.connect?.target == Self.name)
    }

    // MARK: HTTP

    /// As `printf` and `nc` send it, after an empty line or two.
    @Test(arguments: ["CONNECT h:1 HTTP/1.0\n\n", "\r\n\nCONNECT h:1 HTTP/1.0\r\n\r\n"], [false, true])
    func `CONNECT may come in lines that end in LF`(text: String, dripped: Bool) async throws {
        let visit = try await Self.visit(Array(text.utf8), dripped: dripped)
        #expect(visit.connect?.target == Address(host: .name("h"), port: 1))
    }

    @Test(arguments: ["example.com:443", "[::1]:22", "10.0.0.1:80"], [false, true])
    func `CONNECT leads to its target however it comes`(authority: String, dripped: Bool) async throws {
        let text = "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\nProxy-Connection: keep-alive\r\n\r\n"
        let visit = try await Self.visit(Array(text.utf8), dripped: dripped)
        #expect(visit.connect?.target == Address(authority: authority))
        #expect(visit.connect?.early == [])
        #expect(visit.connect?.successReply == Array("HTTP/1.1 200 Connection Established\r\n\r\n".utf8))
        #expect(visit.answer == [])
    }

    @Test(arguments: [
        ("CONNECT example.com HTTP/1.1||", 400), ("CONNECT ::1:80 HTTP/1.1||", 400),
        ("CONNECT h:65536 HTTP/1.1||", 400), ("CONNECT :80 HTTP/1.1||", 400), ("CONNECT h: HTTP/1.1||", 400),
        ("CONNECT h:0 HTTP/1.1||", 400), ("CONNECT u@h:80 HTTP/1.1||", 400), ("CONNECT http://h:80/ HTTP/1.1||", 400),
        ("CONNECT h:80 HTTP/1.1| folded||", 400), ("CONNECT h:80 HTTP/1.1|A : b||", 400),
        // At once: who sends it waits for an answer.
        ("CONNECT h:80|", 400), ("HELO|", 400), ("ehlo me|", 400), ("<policy-file-request/>|", 400),
        ("GET http://h/|", 400),
        ("|GET http://h/ http/1.1|", 400),
    ])
    func `what is no CONNECT is refused as HTTP`(lines: String, status: Int) async throws {
        try await Self.expectRefusal(of: lines.replacing("|", with: "\r\n"), status: status)
    }

    @Test(
        arguments: [
            "GET http://example.com/ HTTP/1.1", "POST / HTTP/1.0", "PRI * HTTP/2.0", "propfind ftp://h HTTP/1.1",
            "!#x http://h HTTP/1.1",
        ], [false, true])
    func `every other head is passed on with what follows it`(line: String, dripped: Bool) async throws {
        let head = Array("\(line)\r\nHost: a\r\n\r\n".utf8)
        let visit = try await Self.visit(head + (dripped ? [] : [7, 7]), dripped: dripped)
        let expected = ProxyNegotiation.HTTPRequest(head: try HTTPHead(head), rest: dripped ? [] : [7, 7])
        #expect(visit.request == .request(expected))
        #expect(visit.answer == [])
    }

    @Test func `a head that is too long is refused as HTTP`() async throws {
        let field = "A: " + String(repeating: "a", count: ClientLimits.requestHead)
        try await Self.expectRefusal(of: "CONNECT h:80 HTTP/1.1\r\n\(field)\r\n\r\n", status: 431)
        let fields = String(repeating: "A: b\r\n", count: 201)
        try await Self.expectRefusal(of: "CONNECT h:80 HTTP/1.1\r\n\(fields)\r\n", status: 431, "It may have 200.")
        try await Self.expectRefusal(of: "GET http://h/\(field) HTTP/1.1\r\n\r\n", status: 414, "64 KiB")
    }

    private static func expectRefusal(of text: String, status: Int, _ words: String = "") async throws {
        let visit = try await visit(Array(text.utf8))
        #expect(visit.request == nil)
        var gatherer = HeadGatherer(limit: 4096, as: .answer)
        let head = try #require(try visit.answer.withUnsafeBytes { try gatherer.append($0) })
        #expect(head.status == status)
        #expect(words.isEmpty || HTTPFixture.text(gatherer.rest).contains(words))
        let length = try #require(head.value(of: "Content-Length"))
        #expect(Int(String(decoding: length, as: UTF8.self)) == gatherer.rest.count)
        #expect(gatherer.rest.last == 10)
        #expect(head.value(of: "Connection").map { Array($0) } == Array("close".utf8))
    }

    @Test func `mutated greetings and requests never trap`() async throws {
        let seeds = [Self.socks(Self.name), Array("CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)]
        try await WorkerThread.run { worker in
            var random = SeededRandomness(seed: 41)
            for round in 0..<400 {
                let (userAgent, stream) = try await Loopback.pair(on: worker)
                userAgent.write(Mutation.of(seeds[round % 2], &random))
                userAgent.finish()
                var door = ProxyNegotiation(stream)
                _ = await door.receive()
                stream.close()
                userAgent.close()
            }
            #expect(worker.budget.held == 0)
        }
    }
}
