import WstanBase

/// One wait for one value: ended exactly once, by the value, by a deadline or by the task's cancellation, whichever
/// comes first; what comes later means nothing. Confined to its worker.
///
/// Sockets do without it: their waits end by readiness, by a deadline or by closing the socket.
package final class Wait<Value: Sendable>: @unchecked Sendable {
    private enum State {
        /// Nobody waits and nothing has come. Can become: waiting, fulfilled.
        case fresh
        /// A task waits. Can become: fulfilled.
        case waiting(UnsafeContinuation<Value, Never>)
        /// Over. Holds the value until it is asked for.
        case fulfilled(Value?)
    }

    private let worker: Worker
    private var state = State.fresh

    package init(worker: Worker) {
        self.worker = worker
    }

    /// - Returns: whether this value was the one.
    @discardableResult
    package func fulfill(_ value: Value) -> Bool {
        worker.assertIsCurrent()
        switch state {
        case .fresh:
            state = .fulfilled(value)
            return true
        case .waiting(let continuation):
            state = .fulfilled(nil)
            continuation.resume(returning: value)
            return true
        case .fulfilled:
            return false
        }
    }

    /// To be called once. On cancellation the value is `onCancel`, at the deadline `onTimeout`.
    package func value(deadline: Instant? = nil, onTimeout: Value, onCancel: Value) async -> Value {
        worker.assertIsCurrent()
        let timer = deadline.map { worker.schedule(at: $0) { [self] in fulfill(onTimeout) } }
        defer { if let timer { worker.cancel(timer) } }
        // The handler runs on the canceller's thread, so it only posts.
        let cancelled = Cancelled(wait: self, value: onCancel)
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                switch state {
                case .fresh:
                    state = .waiting(continuation)
                case .fulfilled(let value):
                    state = .fulfilled(nil)
                    continuation.resume(returning: value ?? onCancel)
                case .waiting:
                    preconditionFailure("a wait is for one task")
                }
            }
        } onCancel: {
            cancelled.post()
        }
    }

    private struct Cancelled: Sendable {
        let wait: Wait
        let value: Value

        func post() {
            wait.worker.execute { _ = wait.fulfill(value) }
        }
    }
}
