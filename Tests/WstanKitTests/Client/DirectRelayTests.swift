import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct DirectRelayTests {
    /// A user agent and a target with a relay between them.
    private struct Fixture {
        let userAgent: WstanCore.Stream
        let target: WstanCore.Stream
        let relayed: Task<Void, Never>

        init(on worker: Worker, tightened: Bool = false) async throws {
            let left = try await Loopback.pair(on: worker)
            let right = try await Loopback.pair(on: worker)
            userAgent = left.near
            target = right.far
            if tightened { for stream in [left.near, left.far, right.near, right.far] { Loopback.tighten(stream) } }
            relayed = worker.spawn { await DirectRelay(left.far, right.near).run() }
        }
    }

    @Test func `one side's end is passed on, and the other one goes on`() async throws {
        let heard = try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker)
            it.userAgent.write(Array("question".utf8))
            it.userAgent.finish()
            let question = await it.target.readAll()
            it.target.write(Array("answer".utf8))
            it.target.finish()
            let answer = await it.userAgent.readAll()
            await it.relayed.value
            #expect(worker.budget.held == 0)
            return [question, answer]
        }
        #expect(heard.map { String(decoding: $0.bytes, as: UTF8.self) } == ["question", "answer"])
        #expect(heard.map(\.ending) == [.end, .end])
    }

    /// Of a peer on another host nobody could tell that it has closed, so that is not to be what ends it.
    @Test func `both sides' ends are the end, though neither has closed`() async throws {
        try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker)
            let began = worker.now
            it.userAgent.finish()
            _ = await it.target.readAll()
            it.target.finish()
            await it.relayed.value
            #expect(worker.now - began < ClientLimits.lingerStep / 2)
        }
    }

    /// The kernel calls such a connection hung up.
    @Test func `what came before the end arrives whole when the target has finished first and does not read`()
        async throws
    {
        let heard = try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker, tightened: true)
            it.target.finish()
            let ending = await it.userAgent.readAll()
            let sent = [UInt8](repeating: 7, count: 3 << 20)
            it.userAgent.write(sent)
            it.userAgent.finish()
            await worker.sleep(for: .milliseconds(50))
            let heard = await it.target.readAll()
            await it.relayed.value
            return (ending.ending, heard.bytes.count, heard.ending)
        }
        #expect(heard == (.end, 3 << 20, .end))
    }

    @Test(arguments: [false, true]) func `a reset is passed on as one, behind what came before`(
        byTarget: Bool
    ) async throws {
        let heard = try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker)
            let (one, other) = byTarget ? (it.target, it.userAgent) : (it.userAgent, it.target)
            one.write(Array("half a".utf8))
            // Until then the reset would take it away.
            await worker.until { one.unacknowledgedCount == 0 }
            let reading = Task(executorPreference: worker) { await other.readAll() }
            await worker.settle()
            one.abort()
            let heard = await reading.value
            await it.relayed.value
            return heard
        }
        #expect(String(decoding: heard.bytes, as: UTF8.self) == "half a")
        #expect(heard.ending == .failed(104))
    }

    @Test func `a reset after one's own end still ends the other side`() async throws {
        let heard = try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker)
            it.userAgent.finish()
            _ = await it.target.readAll()
            it.userAgent.abort()
            it.target.write([1])
            await it.relayed.value
            return it.target.isGone || it.target.peerHasFinished
        }
        #expect(heard)
    }

    @Test func `a user agent that has closed, and gets nothing, frees a silent target`() async throws {
        try await WorkerThread.run { worker in
            let it = try await Fixture(on: worker)
            it.userAgent.close()
            // Nobody writes, so nobody is told by the kernel.
            await it.relayed.value
        }
    }
}
