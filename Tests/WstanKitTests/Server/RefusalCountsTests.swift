import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RefusalCountsTests {
    @Test func `every refusal counts for its cause, and what is no request for none`() {
        var rejects = RefusalCounts()
        let refusals: [Refusal] = [
            .notARequest, .silent, .timedOut, .draining, .tls(.notTLS(.http)), .overLimit(.tunnels),
            .overLimit(.requests), .overLimit(.rate), .overLimit(.searches), .forgotten(seconds: 1), .wire(.replayed),
            .wire(.expired(seconds: 1)),
            .wire(.badAuthentication), .wire(.malformed), .wire(.sealedForOtherScheme), .wire(.tooLarge),
            .wire(.unexpectedCommand), .wire(.incompleteUpgrade(lacking: [])), .tls(.notTLS(.webSocket)),
        ]
        for refusal in refusals { rejects.count(refusal) }
        #expect(
            rejects
                == RefusalCounts([.replay: 2, .expired: 1, .badAuthentication: 1, .malformed: 5, .overLimit: 4, .draining: 1]))
    }

    @Test func `those of all workers add up`() {
        var one = RefusalCounts()
        var both = RefusalCounts()
        for (number, counter) in RefusalCounts.Counter.allCases.enumerated() {
            for _ in 0...number { one.increment(counter) }
            for _ in 0..<2 * (number + 1) { both.increment(counter) }
        }
        #expect(RefusalCounts.Counter.allCases.map { one[$0] } == Array(1...RefusalCounts.Counter.allCases.count))
        #expect(one + one == both)
        #expect(one + RefusalCounts() == one)
    }

    @Test func `the recorder counts what a worker refuses`() async throws {
        let recent = RecentRefusals()
        let rejects = try await WorkerThread.run { worker in
            let recorder = RefusalRecorder(worker: worker, log: .silent, recent: recent)
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let client = ClientAddress(ipv4: IPv4Address(0xc000_0201), port: 1)
            for _ in 0..<3 { recorder.refused(.overLimit(.tunnels), of: client) }
            recorder.refused(.notARequest, of: client)
            recorder.refused(.wire(.badAuthentication), on: pair.server, of: client)
            recorder.forbade(Address(host: .name("a.test"), port: 80), by: "deny", to: client, on: 1)
            recorder.closedForRoom()
            recorder.droppedDatagram()
            recorder.close()
            await pair.close()
            return recorder.rejects
        }
        #expect(
            rejects == RefusalCounts([.badAuthentication: 1, .forbiddenTarget: 1, .overLimit: 4, .droppedDatagrams: 1]))
        let listed = recent.list()
        #expect(Set(listed.map(\.reason)) == ["over-limit", "bad-authentication", "forbidden-target"])
        let over = listed.filter { $0.reason == "over-limit" }
        #expect(Set(over.map { "\($0.source ?? "-") \($0.count)" }) == ["192.0.2.1 3", "- 1"])
        #expect(listed.first { $0.reason == "forbidden-target" }?.text == "forbidden target: deny")
        #expect(listed.first { $0.reason == "bad-authentication" }?.key != nil)
        #expect(Set(recent.list(withNoise: true).map(\.reason)).subtracting(listed.map(\.reason)) == ["not-a-request"])
    }
}

extension RefusalCounts {
    init(_ counts: [Counter: Int]) {
        self.init()
        for (counter, number) in counts {
            for _ in 0..<number { increment(counter) }
        }
    }
}
