import Glibc

/// Writes log lines to stderr on a thread of its own, so that a reader who does not read (a full pipe, a stopped
/// terminal) never holds a worker up. The queue is bounded; what does not fit is dropped and counted.
final class LogWriter: @unchecked Sendable {
    static let standardError = LogWriter()

    private static let capacity = 1000

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var lines: [String] = []
    private var dropped = 0
    private var isWriting = false
    private var isStarted = false

    private init() {
        pthread_mutex_init(lock, nil)
        pthread_cond_init(condition, nil)
    }

    func write(_ line: String) {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        guard lines.count < Self.capacity else {
            dropped += 1
            return
        }
        lines.append(line)
        if !isStarted { start() }
        pthread_cond_broadcast(condition)
    }

    /// Waits until everything is written, for a second at most.
    func flush() {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += 1
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while !lines.isEmpty || isWriting {
            if pthread_cond_timedwait(condition, lock, &deadline) != 0 { return }
        }
    }

    private func start() {
        isStarted = true
        var thread = pthread_t()
        if pthread_create(&thread, nil, runLogWriter, Unmanaged.passRetained(self).toOpaque()) == 0 {
            pthread_detach(thread)
        }
    }

    fileprivate func run() {
        pthread_mutex_lock(lock)
        while true {
            while lines.isEmpty { pthread_cond_wait(condition, lock) }
            var text = lines.joined(separator: "\n") + "\n"
            if dropped > 0 { text += "wstand: \(dropped) log lines were dropped\n" }
            lines = []
            dropped = 0
            isWriting = true
            pthread_mutex_unlock(lock)
            put(text)
            pthread_mutex_lock(lock)
            isWriting = false
            pthread_cond_broadcast(condition)
        }
    }

    private func put(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}

private func runLogWriter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<LogWriter>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
