import Synchronization
import WstanBase

/// What the password checks of all workers share, so that one who guesses gets no more with many workers than with one: their
/// order, and the threads that hash.
package final class PasswordChecks: Sendable {
    typealias Check = PasswordChecker.Check
    typealias Line = CheckQueue<Check>.Line

    let threads: BlockingPool
    /// On all workers a name is in the same line, and is checked against the same decoy.
    let maker = Fingerprint.Maker()
    private let queue = Mutex(Queue())

    /// Lines are only compared, never changed.
    private struct Queue: @unchecked Sendable {
        var checks = CheckQueue<Check>()
    }

    package init(threads: BlockingPool) {
        self.threads = threads
    }

    /// - Returns: false when too many wait.
    func add(_ check: Check, to line: Line, now: Instant) -> Bool {
        let isAdded = queue.withLock { $0.checks.add(check, to: line, now: now) }
        beginNext()
        return isAdded
    }

    /// As of `CheckQueue`; `left` must follow.
    func finished(_ line: Line, isWrong: Bool, now: Instant) -> Duration {
        queue.withLock { $0.checks.finished(line, isWrong: isWrong, now: now) }
    }

    func left(_ line: Line) {
        queue.withLock { $0.checks.left(line) }
        beginNext()
    }

    /// Each on its own worker.
    private func beginNext() {
        while let turn = queue.withLock({ $0.checks.next().map { Turn(check: $0.work, line: $0.line) } }) { turn.begin() }
    }

    private struct Turn: @unchecked Sendable {
        let check: Check
        let line: Line

        func begin() {
            check.checker.worker.execute { check.checker.begin(check, line) }
        }
    }
}
