import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ExplanationTests {
    private static let target = Address(host: .name("example.com"), port: 8080)

    private static func explain(_ failure: ExchangeFailure) -> Explanation {
        failure.explanation(of: target, here: "127.0.0.1:1080")
    }

    private static func unreachable(_ failure: Connector.Failure) -> ExchangeFailure {
        .reset(Reset.unreachable(target, failure.description))
    }

    private static func connect(_ code: Int32) -> Connector.Failure {
        .connect(SystemError(call: "connect", code: code))
    }

    @Test func `what the server says in our words is understood`() {
        for (failure, status, words) in [
            (Connector.Failure.lookUp(.notFound), 502, "does not exist"), (.lookUp(.unavailable), 502, "name servers"),
            (.lookUp(.timedOut), 504, "took too long"), (.lookUp(.tooMany), 502, "too many"),
            (Self.connect(111), 502, "refuses"), (Self.connect(110), 504, "does not answer"),
            (Self.connect(101), 502, "cannot reach"), (Self.connect(113), 502, "is not there"),
            (Self.connect(104), 502, "cuts"), (Self.connect(24), 502, "out of connections"),
        ] {
            let explanation = Self.explain(Self.unreachable(failure))
            #expect(explanation.status == status)
            #expect(explanation.hop == .serverToTarget)
            #expect(explanation.quote == nil)
            #expect(explanation.line.contains(words), "\(explanation.line)")
        }
    }

    @Test(arguments: ["allow-private", "allow", "deny"])
    func `a rule of the server is named`(key: String) {
        let explanation = Self.explain(.reset(.forbidden(key: key)))
        #expect(explanation.status == 403)
        #expect(explanation.advice[0].contains("`\(key)"))
        let sent = Array(Reset.forbidden(key: key).encoded(padding: 40).dropFirst())
        #expect(sent.withBytes { Reset.read($0) }.forbiddingKey == key)
    }

    @Test func `what nobody knows is quoted, visible and short`() {
        let hostile = "<script>\u{0}\u{202e}\u{1b}[31m&\"'" + String(repeating: "x", count: 1000)
        for reset in [
            Reset(reason: hostile), Reset(reason: "r", detail: hostile),
            Reset.unreachable(Self.target, hostile), .forbidden(key: hostile),
        ] {
            let explanation = Self.explain(.reset(reset))
            let quote = explanation.quote ?? ""
            #expect(quote.contains("<script>[31m&\"'xxx"), "\(quote)")
            #expect(quote.unicodeScalars.count <= 300)
            let page = ExplanationPage(explanation, target: Self.target, hasProxy: false)
            #expect(page.html.contains("&lt;script&gt;[31m&amp;&quot;&#39;xxx"))
            #expect(!page.html.contains("<script"))
            #expect(explanation.line.allSatisfy { !$0.isNewline })
        }
    }

    @Test(arguments: [
        (
            DialFailure.unreachable(.connect(SystemError(call: "connect", code: 111))), 502,
            Explanation.Hop.clientToServer
        ),
        (.unreachable(.connect(SystemError(call: "connect", code: 110))), 504, .clientToServer),
        (.proxyUnreachable(.lookUp(.notFound)), 502, .clientToProxy),
        (.proxyRefused(.wantsCredentials(reason: "<No>")), 502, .clientToProxy),
        (.at(target, .proxyRefused(.socks(1))), 502, .clientToProxy), (.at(target, .timedOut), 504, .clientToServer),
        (.refused(status: 404, clockAhead: nil), 502, .clientToServer),
        (.refused(status: 404, clockAhead: 180), 502, .clientToServer),
        (.notHTTP(.ssh), 502, .clientToServer), (.reset, 502, .clientToServer),
        (.closed(usesTLS: false), 502, .clientToServer),
        (.timedOut, 504, .clientToServer),
    ])
    func `a failure to reach the server has a hop and advice`(
        failure: DialFailure, status: Int, hop: Explanation.Hop
    ) {
        let explanation = Self.explain(.dial(failure))
        #expect(explanation.status == status)
        #expect(explanation.hop == hop)
        #expect(explanation.line.lowercased().contains(failure.advice.lowercased()))
    }

    /// One cause, one sentence, with the limit and the field's name.
    @Test(
        arguments: [
            (.notHTTP, 400, "not HTTP"), (.field("Host "), 400, "[Host ]"), (.lineEnd, 400, "ends in LF"),
            (.firstLineTooLong(65536), 414, "64 KiB"), (.tooLong(65536), 431, "64 KiB"),
            (.tooManyFields(200), 431, "It may have 200."), (.list("Connection", 64), 400, "Connection"),
            (.chunk, 400, "chunks are malformed"), (.chunkLineTooLong(1024), 400, "1024 bytes"),
            (.trailersTooLong(16384), 400, "16 KiB"),
        ] as [(HTTPHead.Failure, Int, String)])
    func `a request that cannot be read is told why`(failure: HTTPHead.Failure, status: Int, words: String) {
        let explanation = Self.explain(.request(.unreadable(failure)))
        #expect(explanation.status == status)
        #expect(explanation.reason != "Error")
        #expect(explanation.line.contains(words), "\(explanation.line)")
        #expect(explanation.hop == nil)
    }

    @Test(
        arguments: [
            (.notHTTP, "did not answer in HTTP"), (.inTLS, "speaks TLS"), (.cutShort, "within the head"),
            (.tooLong(262144), "256 KiB"), (.tooManyFields(1000), "too many fields. It may have 1000."),
            (.list("Connection", 64), "Connection"), (.length("5, 6"), "[5, 6]"), (.status(99), "status is 99"),
            (.unaskedUpgrade, "101"), (.interimAnswersTooLong(1 << 20), "more than 1024 KiB"),
        ] as [(HTTPHead.Failure, String)])
    func `an answer that cannot be read is a 502 that says why`(failure: HTTPHead.Failure, words: String) {
        for (explanation, hop) in [
            (Self.explain(.unreadableAnswer(failure)), Explanation.Hop.serverToTarget),
            (Self.explain(.direct(.unreadableAnswer(failure))), .clientToTarget),
        ] {
            #expect(explanation.status == 502)
            #expect(explanation.hop == hop)
            #expect(explanation.line.contains(words), "\(explanation.line)")
        }
    }

    @Test(
        arguments: [
            (.otherVersion("HTTP/2.0"), 505, "HTTP/2.0"), (.hosts, 400, "Host"), (.noHost, 400, "no host"),
            (.port, 400, "65535"), (.foreignName, 400, "xn--"), (.zone, 400, "zone"),
            (.connectTarget, 400, "host:port"),
            (.otherScheme("https"), 501, "CONNECT"), (.otherScheme("wss"), 501, "CONNECT"),
            (.otherScheme("ftp"), 501, "curl --proxy socks5h://127.0.0.1:1080 ftp://"),
            (.otherScheme("gopher"), 501, "gopher://"), (.ambiguousLength, 400, "Content-Length"),
            (.unknownCoding("gzip"), 400, "[gzip]"),
        ] as [(RequestFault, Int, String)])
    func `a request that is not forwarded is told why`(fault: RequestFault, status: Int, words: String) {
        let explanation = Self.explain(.request(fault))
        #expect(explanation.status == status)
        #expect(explanation.reason != "Error")
        #expect(explanation.line.contains(words), "\(explanation.line)")
    }

    @Test func `the broken link is where the way broke`() {
        func page(_ failure: ExchangeFailure, _ hasProxy: Bool) -> ExplanationPage {
            ExplanationPage(Self.explain(failure), target: Self.target, hasProxy: hasProxy)
        }
        #expect(page(.lost, false).stations == ["You", "wstan client", "wstan server", "example.com:8080"])
        #expect(page(.lost, true).stations.count == 5)
        #expect([page(.lost, false).broken, page(.lost, true).broken] == [1, 2])
        #expect(
            [page(.unreadableAnswer(.notHTTP), false).broken, page(.unreadableAnswer(.notHTTP), true).broken] == [2, 3])
        #expect(page(.dial(.proxyUnreachable(.lookUp(.notFound))), true).broken == 1)
        #expect(page(.request(.meantForServer), false).broken == nil)
    }

    @Test func `an answer has the length that it says, and none for HEAD`() throws {
        let page = ExplanationPage(Self.explain(.lost), target: Self.target, hasProxy: false)
        for asHTML in [false, true] {
            for closing in [false, true] {
                var gatherer = HeadGatherer(limit: 4096, as: .answer)
                let bytes = page.answer(asHTML: asHTML, toHEAD: false, closing: closing)
                let head = try #require(
                    try bytes.withBytes { (it) throws(HTTPHead.Failure) in try gatherer.append(it) })
                #expect(head.status == 502)
                #expect(head.value(of: "Content-Length").map(HTTPFixture.text) == "\(gatherer.rest.count)")
                #expect(head.hasToken("close", in: "Connection") == closing)
                #expect(head.value(of: "Cache-Control").map(HTTPFixture.text) == "no-store")
                #expect(page.answer(asHTML: asHTML, toHEAD: true, closing: closing) == head.bytes)
            }
        }
    }
}
