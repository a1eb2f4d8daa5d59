import Glibc
import WstanBase

/// Threads for calls that block: looking up names, deriving keys. They start when needed and end when idle.
package final class BlockingPool: @unchecked Sendable {
    private typealias Work = @Sendable () -> Void

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: FairQueue<Work>
    private var threads = 0
    private var idle = 0

    private let isPolite: Bool

    private static let idleSeconds = 3
    /// getaddrinfo needs some of it; the default of 8 MB would count against a cgroup's limit at worst.
    private static let stackSize = 256 * 1024

    /// - Parameter isPolite: whether its threads run only while the workers leave them a processor, as far as the system
    ///   allows that: for work that takes long and can wait.
    package init(maxThreads: Int = 128, isPolite: Bool = false) {
        self.isPolite = isPolite
        queue = FairQueue(slots: maxThreads)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(condition, nil)
    }

    /// - Parameter asker: whose work this is; none gets more than half of what the others leave.
    /// - Returns: false when too much of this asker's work is waiting already.
    package func submit(for asker: Asker, _ work: @escaping @Sendable () -> Void) -> Bool {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        guard queue.add(work, for: asker) else { return false }
        if idle > 0 {
            pthread_cond_signal(condition)
        } else if threads < queue.slots {
            startThread()
        }
        return true
    }

    /// Does `work` on one of the threads, for a task that waits on a worker.
    ///
    /// - Returns: nil when too much of this asker's work is waiting already.
    package func run<T: Sendable>(for asker: Asker, from worker: Worker, _ work: @escaping @Sendable () -> T) async -> T? {
        let wait = Wait<T?>(worker: worker)
        let isSubmitted = submit(for: asker) {
            let result = work()
            worker.execute { wait.fulfill(result) }
        }
        guard isSubmitted else { return nil }
        return await wait.value(onTimeout: nil, onCancel: nil)
    }

    private func startThread() {
        // If it cannot be, those that run already will come to it.
        if DetachedThread.start(stackSize: Self.stackSize, { self.run() }) == nil { threads += 1 }
    }

    private func run() {
        // Of Linux' threads each has its own: setpriority(2), "BUGS".
        if isPolite { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }
        pthread_mutex_lock(lock)
        while true {
            if let (work, asker) = queue.next() {
                // One signal may have been for two: those that were idle have not woken yet, and count as idle still.
                if queue.hasRunnable, idle == 0, threads < queue.slots { startThread() }
                pthread_mutex_unlock(lock)
                work()
                pthread_mutex_lock(lock)
                queue.finished(for: asker)
                // A slot of this asker is free again, perhaps for work that had to wait.
                if idle > 0 { pthread_cond_signal(condition) }
                continue
            }
            idle += 1
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += Self.idleSeconds
            let status = pthread_cond_timedwait(condition, lock, &deadline)
            idle -= 1
            if status == ETIMEDOUT, !queue.hasRunnable {
                threads -= 1
                pthread_mutex_unlock(lock)
                return
            }
        }
    }
}
