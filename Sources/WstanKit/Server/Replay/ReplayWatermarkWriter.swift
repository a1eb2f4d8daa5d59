import Synchronization
import WstanBase

/// Moves the marks on, on a thread that may block, and tells whoever waits for that. Shared by all workers.
package final class ReplayWatermarkWriter: Sendable {
    /// How the marks get to the disk.
    package struct Store: Sendable {
        /// Blocks. In place of the former ones, so that a crash leaves the old ones or the new ones.
        let write: @Sendable (ReplayWatermarks.Table) throws(SystemError) -> Void
        /// Runs something that blocks elsewhere; false when that is not possible at the moment.
        let submit: @Sendable (@escaping @Sendable () -> Void) -> Bool
        /// To be told to an administrator.
        let failed: @Sendable (SystemError) -> Void

        package init(
            write: @escaping @Sendable (ReplayWatermarks.Table) throws(SystemError) -> Void,
            submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool,
            failed: @escaping @Sendable (SystemError) -> Void
        ) {
            self.write = write
            self.submit = submit
            self.failed = failed
        }
    }

    private struct Waiter {
        let time: Double
        let key: KeyID
        let wait: Wait<Void>
        let worker: Worker
    }

    private struct State {
        var marks: ReplayWatermarks
        var waiters: [Waiter] = []
    }

    private let state: Mutex<State>
    private let store: Store

    /// A disk that takes longer holds no request up any more.
    static let patience: Duration = .seconds(1)
    /// More than can be waiting at once are let through.
    private static let maxWaiters = 4096

    package init(_ marks: ReplayWatermarks, store: Store) {
        state = Mutex(State(marks: marks))
        self.store = store
    }

    func refuses(_ time: Double, of key: KeyID, now: Double) -> Bool {
        state.withLock { $0.marks.refuses(time, of: key, now: now) }
    }

    func apply(lifetime: Double) {
        state.withLock { $0.marks.apply(lifetime: lifetime) }
    }

    /// A request was accepted; the mark follows.
    func accepted(_ time: Double, of key: KeyID, now: Double) {
        let isAhead = state.withLock { $0.marks.accepted(time, of: key, now: now) }
        if !isAhead { moveOn(now: now) }
    }

    /// To be called every few seconds, so that requests find the mark ahead of them. Does not block.
    func moveOn(now: Double) {
        guard let table = state.withLock({ $0.marks.next(now: now) }) else { return }
        let isRunning = store.submit { [self] in
            do throws(SystemError) {
                try store.write(table)
                finished(isWritten: true)
            } catch {
                finished(isWritten: false)
                store.failed(error)
            }
        }
        // Too much is waiting for those threads: it is tried again with the next request.
        if !isRunning { finished(isWritten: false) }
    }

    /// Waits until the mark is ahead of a request that was accepted; not for long.
    ///
    /// - Returns: false when there was nothing to wait for.
    func settle(_ time: Double, of key: KeyID, on worker: Worker) async -> Bool {
        let wait = Wait<Void>(worker: worker)
        let isWaiting = state.withLock { state in
            guard !state.marks.covers(time, of: key), state.waiters.count < Self.maxWaiters else { return false }
            state.waiters.append(Waiter(time: time, key: key, wait: wait, worker: worker))
            return true
        }
        guard isWaiting else { return false }
        // It may have been accepted while another writing was under way that did not include it.
        moveOn(now: WallClock.now())
        await wait.value(deadline: worker.now + Self.patience, onTimeout: (), onCancel: ())
        state.withLock { $0.waiters.removeAll { $0.wait === wait } }
        return true
    }

    /// Nothing is accepted any more: writes the lowest marks that hold. Blocks.
    func close(now: Double) {
        guard let table = state.withLock({ $0.marks.close(now: now) }) else { return }
        do throws(SystemError) {
            try store.write(table)
        } catch {
            store.failed(error)
        }
    }

    private func finished(isWritten: Bool) {
        let ready = state.withLock { state in
            state.marks.finished(isWritten: isWritten)
            // A disk that cannot be written to is no reason to refuse all clients; the log tells the administrator.
            let ready = state.waiters.filter { !isWritten || state.marks.covers($0.time, of: $0.key) }
            state.waiters.removeAll { !isWritten || state.marks.covers($0.time, of: $0.key) }
            return ready
        }
        for waiter in ready { waiter.worker.execute { waiter.wait.fulfill(()) } }
        let mustGoOn = state.withLock { !$0.waiters.isEmpty }
        if mustGoOn { moveOn(now: WallClock.now()) }
    }
}
