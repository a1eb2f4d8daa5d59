import Glibc
import WstanBase

/// A bounded queue and the one thread that empties it, for writing to those who may not read: a full pipe, a stopped
/// terminal, a journal that is busy. Whoever adds never waits; what does not fit is dropped and counted.
package final class WriterThread<Item: Sendable>: @unchecked Sendable {
    private let capacity: Int
    private let write: @Sendable (_ items: [Item], _ dropped: Int) -> Void
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []
    private var dropped = 0
    private var isWriting = false
    private var isStarted = false

    /// - Parameter write: may block; called on the thread with everything that has gathered, at least one item, and with
    ///   how many were dropped behind them.
    package init(capacity: Int = 1000, write: @escaping @Sendable (_ items: [Item], _ dropped: Int) -> Void) {
        self.capacity = capacity
        self.write = write
        pthread_mutex_init(lock, nil)
        pthread_cond_init(condition, nil)
    }

    package func add(_ item: Item) {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        guard items.count < capacity else {
            dropped += 1
            return
        }
        items.append(item)
        if !isStarted { start() }
        pthread_cond_broadcast(condition)
    }

    /// Waits until everything is written, for a second at most.
    package func flush() {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += 1
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while !items.isEmpty || isWriting {
            if pthread_cond_timedwait(condition, lock, &deadline) != 0 { return }
        }
    }

    private func start() {
        // If it cannot be, the next item tries again.
        isStarted = DetachedThread.start { self.run() } == nil
    }

    private func run() {
        pthread_mutex_lock(lock)
        while true {
            while items.isEmpty { pthread_cond_wait(condition, lock) }
            let taken = items
            let missed = dropped
            items = []
            dropped = 0
            isWriting = true
            pthread_mutex_unlock(lock)
            write(taken, missed)
            pthread_mutex_lock(lock)
            isWriting = false
            pthread_cond_broadcast(condition)
        }
    }
}
