@testable import WstanCore

/// A worker on a thread of its own, for as long as a test's body runs on it.
enum WorkerThread {
    /// Runs `body` on a fresh worker, which is stopped when it returns.
    static func run<R: Sendable>(
        memoryLimit: Int = 64 << 20, strangersAtOnce: Int = Worker.strangersInTurn,
        _ body: @escaping @Sendable (Worker) async throws -> R
    ) async throws -> R {
        let worker = try Worker(index: 0, memoryLimit: memoryLimit, strangersAtOnce: strangersAtOnce)
        worker.start()
        defer { worker.stop() }
        return try await Task(executorPreference: worker) { try await body(worker) }.value
    }
}

extension Worker {
    /// Lets whatever runs on this worker run until all of it waits for something outside, as far as a few turns tell.
    func settle() async {
        for _ in 0..<4 {
            let turn = Wait<Void>(worker: self)
            execute { turn.fulfill(()) }
            await turn.value(onTimeout: (), onCancel: ())
        }
    }
}
