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
            (Self.connect(101), 502, "cannot get to"), (Self.connect(113), 502, "is not there"),
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

    @Test func `the broken link is where the way broke`() {
        func page(_ failure: ExchangeFailure, _ hasProxy: Bool) -> ExplanationPage {
            ExplanationPage(Self.explain(failure), target: Self.target, hasProxy: hasProxy)
        }
        #expect(page(.lost, false).stations == ["You", "wstan client", "wstan server", "example.com:8080"])
        #expect(page(.lost, true).stations.count == 5)
        #expect([page(.lost, false).broken, page(.lost, true).broken] == [1, 2])
        #expect([page(.unreadableAnswer, false).broken, page(.unreadableAnswer, true).broken] == [2, 3])
        #expect(page(.dial(.proxyUnreachable(.lookUp(.notFound))), true).broken == 1)
        #expect(page(.request(.meantForServer), false).broken == nil)
    }

    @Test func `an answer has the length that it says, and none for HEAD`() throws {
        let page = ExplanationPage(Self.explain(.lost), target: Self.target, hasProxy: false)
        for asHTML in [false, true] {
            for closing in [false, true] {
                var gatherer = HeadGatherer(limit: 4096)
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
