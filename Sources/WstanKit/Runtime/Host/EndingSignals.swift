import Glibc
import Synchronization

/// The signals that ask this process to end, which a thread of their own takes: they count while a worker hangs, the first one too.
package enum EndingSignals {
    /// SIGXCPU comes from a limit on processor time, and SIGKILL soon after it.
    package static let numbers = [SIGTERM, SIGINT, SIGQUIT, SIGXCPU]
    private static let count = Atomic(0)
    /// After so many the process ends, whatever it is doing.
    private static let last = 3
    /// What is left of it then may take this time.
    private static let lastSecond: UInt32 = 1

    /// To be called behind `SignalSource.block`.
    ///
    /// - Parameter received: called on that thread.
    package static func listen(_ received: @escaping @Sendable () -> Void) throws(SystemError) {
        let failure = DetachedThread.start(stackSize: 64 * 1024) {
            while take() {
                received()
                guard count.wrappingAdd(1, ordering: .relaxed).newValue >= last else { continue }
                sleep(lastSecond)
                _exit(1)
            }
        }
        if let failure { throw failure }
    }

    private static func take() -> Bool {
        var set = SignalSource.signalSet(numbers)
        var number: Int32 = 0
        return sigwait(&set, &number) == 0
    }

    /// Whether one has come, here or where nothing listens yet.
    static var haveCome: Bool {
        var pending = sigset_t()
        return count.load(ordering: .relaxed) > 0
            || sigpending(&pending) == 0 && numbers.contains { sigismember(&pending, $0) == 1 }
    }
}
