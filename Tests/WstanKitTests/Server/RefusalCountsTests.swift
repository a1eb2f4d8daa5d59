import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RefusalCountsTests {
    @Test func `every refusal counts for its cause, and what is no request for none`() {
        var rejects = RefusalCounts()
        let refusals: [Refusal] = [
            .notARequest, .silent, .timedOut, .draining, .tls(.notTLS(.http)), .overLimit, .wire(.replayed),
            .wire(.expired(seconds: 1)),
            .wire(.badAuthentication), .wire(.malformed), .wire(.sealedForOtherScheme), .wire(.tooLarge),
            .wire(.unexpectedCommand),
        ]
        for refusal in refusals { rejects.count(refusal) }
        #expect(
            rejects
                == RefusalCounts([.replay: 1, .expired: 1, .badAuthentication: 1, .malformed: 4, .overLimit: 1]))
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
        let rejects = try await WorkerThread.run { worker in
            let recorder = RefusalRecorder(worker: worker, log: .silent)
            let client = ClientAddress(ipv4: IPv4Address(0xc000_0201), port: 1)
            for _ in 0..<3 { recorder.refused(.overLimit, of: client) }
            recorder.refused(.badAuthentication, on: 1)
            recorder.forbade(Address(host: .name("a.test"), port: 80), by: "deny", to: client, on: 1)
            recorder.closedForRoom()
            recorder.droppedDatagram()
            recorder.close()
            return recorder.rejects
        }
        #expect(
            rejects == RefusalCounts([.badAuthentication: 1, .forbiddenTarget: 1, .overLimit: 4, .droppedDatagrams: 1]))
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
