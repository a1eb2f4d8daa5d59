import Testing

@testable import WstanBase
import WstanConfig
@testable import WstanCore

@Suite struct PlainAnswerTests {
    @Test(arguments: [(.ok, "OK"), (.badRequest, "Bad Request"), (.notFound, "Not Found")] as [(Settings.PlainAnswer.Status, String)])
    func `it is an answer that any HTTP client reads`(status: Settings.PlainAnswer.Status, reason: String) throws {
        let bytes = PlainAnswer(status).bytes(now: 784_111_777.9)
        var gatherer = HeadGatherer(limit: 4096, as: .answer)
        let head = try #require(try bytes.withUnsafeBytes { try gatherer.append($0) })
        #expect(head.status == status.rawValue)
        #expect(head.reason == reason)
        let length = try #require(head.value(of: "Content-Length"))
        #expect(Int(String(decoding: length, as: UTF8.self)) == gatherer.rest.count)
        #expect(head.value(of: "Connection").map { Array($0) } == Array("close".utf8))
        // RFC 9110 section 5.6.7 has this date as its example.
        #expect(head.value(of: "Date").map { Array($0) } == Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8))
        #expect(head.values(of: "Server").count == 1)
    }

    @Test func `a valid request that cannot be served is told to come back`() throws {
        let bytes = PlainAnswer.busy.bytes(now: 784_111_777)
        var gatherer = HeadGatherer(limit: 4096, as: .answer)
        let head = try #require(try bytes.withUnsafeBytes { try gatherer.append($0) })
        #expect(head.status == 503 && head.reason == "Service Unavailable")
        #expect(head.value(of: "Retry-After").map { Array($0) } == Array("5".utf8))
        #expect(head.value(of: "Connection").map { Array($0) } == Array("close".utf8))
        let told: [Refusal] = [.draining, .overLimit(.tunnels), .overLimit(.memory), .overLimit(.rate)]
        for refusal in told { #expect(refusal.isBusy) }
        // Whether it was seen before is not known, or it is not valid.
        for refusal in [
            Refusal.overLimit(.requests), .forgotten(seconds: 1), .silent, .timedOut, .wire(.replayed), .wire(.badAuthentication), .notARequest,
        ] {
            #expect(!refusal.isBusy)
        }
    }

    @Test func `it says the same to everybody in a second`() {
        let answer = PlainAnswer(.notFound)
        #expect(answer.bytes(now: 1_763_683_200) == answer.bytes(now: 1_763_683_200.999))
        #expect(answer.bytes(now: 1_763_683_200) != answer.bytes(now: 1_763_683_201))
    }
}
