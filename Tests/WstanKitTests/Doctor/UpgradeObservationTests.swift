import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct UpgradeObservationTests {
    private static let now = 1_800_000_000.0
    private static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    private static func answer(_ status: Int, _ change: (inout UpgradeAnswer) -> Void = { _ in }) -> UpgradeAnswer {
        var answer = UpgradeAnswer(status: status)
        answer.failure = status == 101 ? .notUpgraded : .status(status)
        change(&answer)
        return answer
    }

    private static let accepted = answer(101) { $0.failure = nil }

    private static func findings(_ answer: UpgradeAnswer, usesTLS: Bool = false) -> [Finding] {
        var answer = answer
        answer.usesTLS = usesTLS
        return UpgradeObservation(answer: answer, requestLifetime: .seconds(60)).findings
    }

    // MARK: Reading

    private static func read(_ text: String, body: String = "") throws -> UpgradeAnswer {
        let head = try HTTPHead(Array((text.replacing("\n", with: "\r\n") + "\r\n\r\n").utf8), as: .answer)
        return UpgradeAnswer(
            head, body: body.utf8, ClientHandshake.Failure(head, expecting: accept),
            to: ClientHandshake.Server(pathPrefix: "/", host: "x.test:8080"), usesTLS: false, now: now)
    }

    @Test func `an answer is read as it is`() throws {
        let good = try Self.read(
            "HTTP/1.1 101 Switching\nUpgrade: WebSocket\nConnection: keep-alive, Upgrade\nSec-WebSocket-Accept: \(Self.accept)"
        )
        #expect(good.isAccepted)
        let other = try Self.read(
            "HTTP/1.1 101 Switching\nUpgrade: websocket\nConnection: upgrade\nSec-WebSocket-Accept: x")
        #expect(other.failure == .otherKey)
        let refusal = try Self.read(
            "HTTP/1.1 302 Found\nServer: a\u{1B}[2Jb\nContent-Type: text/html\nLocation: https://x.test/"
                + "\nDate: Fri, 15 Jan 2027 08:00:00 GMT")
        #expect(refusal.status == 302)
        #expect(refusal.server == "a[2Jb")
        #expect(refusal.location == "https://x.test/")
        #expect(refusal.clockAhead == 0)
        #expect(refusal.redirectsToTLS)
        #expect(refusal.description == "302 Found (Server: a[2Jb)")
        #expect(try !Self.read("HTTP/1.1 302 Found\nLocation: https://y.test/").redirectsToTLS)
        #expect(try !Self.read("HTTP/1.1 302 Found\nLocation: http://x.test/").redirectsToTLS)
        #expect(try Self.read("HTTP/1.0 404 No").minorVersion == 0)
    }

    @Test func `of the place of a redirect the host alone is kept`() throws {
        func place(_ location: String) throws -> String? {
            try Self.read("HTTP/1.1 302 Found\nLocation: \(location)").location
        }
        #expect(try place("https://www.example.com/hidden/x") == "https://www.example.com/")
        #expect(try place("HTTP://a.test:8080?hidden") == "HTTP://a.test:8080/")
        #expect(try place("https://user:hidden@[2001:db8::1]:8443/#hidden") == "https://[2001:db8::1]:8443/")
        #expect(try place("//a.test/hidden") == "//a.test/")
        #expect(try place("https://a.test\\hidden") == "https://a.test/")
        for relative in ["/hidden/x", "hidden/x", "?hidden", "#hidden", "../hidden", "mailto:hidden", "https:///hidden", "//"] {
            #expect(try place(relative) == "elsewhere", "\(relative)")
        }
        #expect(try place("https://\(String(repeating: "x", count: 9000))/hidden")?.count == 101)
        let answer = try Self.read("HTTP/1.1 302 Found\nLocation: https://www.example.com/hidden/x")
        #expect(DialFailure.refused(answer).cause == "the answer was 302 Found, to https://www.example.com/")
    }

    @Test func `what a hostile server says is bounded`() throws {
        let answer = try Self.read("HTTP/1.1 404 No\nServer: \(String(repeating: "x", count: 9000))\nDate: \(Int.max)")
        #expect(answer.server?.count == 100)
        #expect(answer.clockAhead == nil)
    }

    // MARK: What it means

    @Test func `a tunnel that opens is good`() {
        #expect(Self.findings(Self.accepted).map(\.level) == [.ok])
    }

    @Test(arguments: [
        (200, "plain-answer"), (400, "compare the key"), (404, "compare the key"), (301, "login"), (302, "login"),
        (401, "login"), (403, "rules"), (407, "password"), (414, "too long"), (426, "Upgrade"),
        (429, "too many"), (500, "front's log"), (511, "log in"), (418, "wstand does not send"), (100, "does not send"),
        (999, "does not send"), (101, "lacks Upgrade"),
    ])
    func `each refusal has a meaning and a remedy`(status: Int, words: String) throws {
        for usesTLS in [false, true] {
            let finding = try #require(Self.findings(Self.answer(status), usesTLS: usesTLS).first)
            #expect(finding.level == .failed(.other))
            #expect(finding.text.contains("\(status)"))
            #expect((finding.text + (finding.remedy ?? "")).contains(words))
            #expect(finding.remedy?.isEmpty == false)
            // The log and the page say the same.
            var answer = Self.answer(status)
            answer.usesTLS = usesTLS
            #expect(finding.text == DialFailure.refused(answer).cause)
            #expect(finding.remedy == DialFailure.refused(answer).advice)
        }
    }

    @Test(arguments: [502, 503, 504])
    func `a front that does not reach its server is told from one that refuses`(status: Int) throws {
        let finding = try #require(Self.findings(Self.answer(status) { $0.server = "nginx/1.22" }).first)
        #expect(finding.level == .failed(.reach))
        #expect(finding.text.contains("nginx/1.22"))
        #expect(finding.remedy?.contains("behind the front") == true)
    }

    @Test func `a service that is none of ours is named by what it speaks`() throws {
        let finding = try #require(Self.findings(Self.answer(404) { $0.contentType = "application/JSON" }).first)
        #expect(finding.text.contains("another service (application/JSON)"))
    }

    @Test func `a proxy that replaces the key is told from one that takes Upgrade out`() {
        let replaced = Self.findings(Self.answer(101) { $0.failure = .otherKey })
        #expect(replaced.first?.remedy?.contains("compatible = yes") == true)
        #expect(Self.findings(Self.answer(101)).first?.remedy?.contains("wss://") == true)
        #expect(Self.findings(Self.answer(101), usesTLS: true).first?.remedy?.contains("front") == true)
    }

    @Test func `a cause that was found out says which end to change, and how`() {
        let old = RefusalCause.oldServer.finding(compatible: false, usesTLS: false)
        #expect(old.level == .warning)
        #expect(
            RefusalCause.compatibleMode.finding(compatible: false, usesTLS: false).remedy?.contains("= yes here")
                == true)
        #expect(
            RefusalCause.compatibleMode.finding(compatible: true, usesTLS: false).remedy?.contains("= no here") == true)
        let scheme = RefusalCause.scheme.finding(compatible: false, usesTLS: true)
        #expect(scheme.text.contains("its uri says ws:// and this one's wss://"))
        #expect(scheme.level == .failed(.other))
    }

    // MARK: The clock

    private static func at(_ seconds: Double, _ answer: UpgradeAnswer) -> [Finding] {
        var answer = answer
        answer.clockAhead = seconds
        return findings(answer)
    }

    @Test func `clocks that agree are good, and those that hardly differ too`() {
        #expect(Self.at(-0.9, Self.accepted).last == .ok("clock", "agrees with the server's"))
        #expect(Self.at(20, Self.accepted).last?.level == .ok)
        #expect(Self.at(-29.9, Self.answer(404)).last?.level == .ok)
    }

    @Test func `half a minute is a warning, with its direction`() throws {
        let late = try #require(Self.at(45, Self.accepted).last)
        #expect(late.level == .warning)
        #expect(late.text.contains("45 seconds behind the server's"))
        #expect(try #require(Self.at(-45, Self.accepted).last).text.contains("45 seconds ahead of the server's"))
    }

    @Test func `more than a request lasts explains a refusal`() {
        let findings = Self.at(-7200, Self.answer(404))
        #expect(findings.map(\.level) == [.failed(.other), .failed(.other)])
        #expect(findings.first?.text.contains("the clock here is 2 hours ahead of") == true)
        #expect(findings.last?.text.contains("2 hours ahead") == true)
        // It is a key that is wrong otherwise.
        #expect(Self.at(45, Self.answer(404)).map(\.level) == [.failed(.other), .warning])
        #expect(Self.at(45, Self.answer(404)).first?.remedy?.contains("compare the key") == true)
        // A server that does not look at the time is not held up by it.
        #expect(Self.at(-7200, Self.accepted).map(\.level) == [.ok, .warning])
    }

    @Test func `a date of any size is none to trap on`() {
        for date in [Double(Int64.max), -1e300, .infinity, .nan] {
            #expect(Self.at(date, Self.answer(404)).count == 2)
        }
    }

    // MARK: The round trip

    @Test func `a round trip is told beside TCP's`() {
        func finding(
            of subject: RoundTripObservation.Subject = .ping, _ outcome: RoundTripObservation.Outcome, hasProxy: Bool = false
        ) -> Finding {
            RoundTripObservation(of: subject, outcome, tcp: .milliseconds(20), hasProxy: hasProxy).finding
        }
        #expect(
            finding(.answered(.milliseconds(21)))
                == .ok("round trip", "21 ms for a ping through the tunnel, 20 ms for TCP to the server or its front"))
        #expect(
            finding(of: .handshake, .answered(.milliseconds(21)), hasProxy: true)
                == .ok("round trip", "21 ms from the request to the server's proof, 20 ms for TCP to the proxy"))
        #expect(finding(.answered(.milliseconds(261))).level == .warning)
        #expect(finding(.answered(.milliseconds(261)), hasProxy: true).level == .ok)
        for outcome in [RoundTripObservation.Outcome.closed, .silent, .malformed] {
            #expect(finding(outcome).level == .failed(.other))
            #expect(finding(outcome).remedy != nil)
        }
    }
}
