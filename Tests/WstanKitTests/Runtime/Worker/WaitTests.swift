import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct WaitTests {
    private enum Outcome: Equatable {
        case value(Int)
        case timedOut
        case cancelled
    }

    private static func value(_ wait: Wait<Outcome>, deadline: Instant? = nil) async -> Outcome {
        await wait.value(deadline: deadline, onTimeout: .timedOut, onCancel: .cancelled)
    }

    @Test func `the value comes first`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            #expect(wait.fulfill(.value(1)))
            #expect(!wait.fulfill(.value(2)))
            #expect(await Self.value(wait) == .value(1))
            #expect(!wait.fulfill(.value(3)))
        }
    }

    @Test func `the wait comes first`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            async let value = Self.value(wait, deadline: worker.now + .seconds(1000))
            await worker.settle()
            #expect(wait.fulfill(.value(1)))
            #expect(!wait.fulfill(.value(2)))
            #expect(await value == .value(1))
        }
    }

    @Test func `a deadline ends it, and a value after that is not the one`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            #expect(await Self.value(wait, deadline: worker.now) == .timedOut)
            #expect(!wait.fulfill(.value(1)))
        }
    }

    @Test func `a value that is there beats a deadline that has passed`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            wait.fulfill(.value(1))
            #expect(await Self.value(wait, deadline: Instant(nanoseconds: 0)) == .value(1))
        }
    }

    @Test func `cancellation ends it`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            let task = Task(executorPreference: worker) { await Self.value(wait) }
            await worker.settle()
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(!wait.fulfill(.value(1)))
        }
    }

    @Test func `cancellation before the wait ends it too`() async throws {
        try await WorkerThread.run { worker in
            let wait = Wait<Outcome>(worker: worker)
            let task = Task(executorPreference: worker) { await Self.value(wait) }
            task.cancel()
            #expect(await task.value == .cancelled)
        }
    }

    /// Resuming a continuation twice is the end of the process, so it is enough that this returns.
    @Test func `value, deadline and cancellation at once end it once`() async throws {
        try await WorkerThread.run { worker in
            for round in 0..<300 {
                let wait = Wait<Outcome>(worker: worker)
                let deadline = worker.now
                let task = Task(executorPreference: worker) { await Self.value(wait, deadline: deadline) }
                if round % 2 == 0 { await worker.settle() }
                if round % 3 == 0 { task.cancel() }
                if round % 5 == 0 { wait.fulfill(.value(round)) }
                let outcome = await task.value
                #expect(outcome == .value(round) || outcome == .timedOut || outcome == .cancelled)
                #expect(!wait.fulfill(.value(-1)))
            }
        }
    }
}
