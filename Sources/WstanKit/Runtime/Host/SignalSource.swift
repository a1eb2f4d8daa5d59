import CLinux
import Glibc

/// Signals as events of a worker (signalfd(2)). Confined to its worker.
package final class SignalSource: Pollable, @unchecked Sendable {
    private let received: (Int32) -> Void

    /// Keeps the signals from their default action in every thread that is started from now on.
    package static func block(_ signals: [Int32]) {
        var set = signalSet(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Ignores the signals that would end the process though they ask a daemon for nothing: an alarm, a timer, a lost reader, a
    /// limit on the size of files (then a write fails), and those that other daemons give a meaning to. What a fault of the
    /// process itself causes, and SIGABRT, keep their default action, which leaves a core.
    package static func ignoreOthers() {
        let others = [
            SIGPIPE, SIGXFSZ, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGPOLL, SIGPWR, SIGSTKFLT,
        ]
        for number in others + Array(__libc_current_sigrtmin()...__libc_current_sigrtmax()) { signal(number, SIG_IGN) }
    }

    /// - Parameter received: called on the worker, with the signal's number.
    package init(_ signals: [Int32], on worker: Worker, received: @escaping (Int32) -> Void) throws(SystemError) {
        var set = Self.signalSet(signals)
        let flags = Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)
        let descriptor = try SystemError.check("signalfd") { signalfd(-1, &set, flags) }
        self.received = received
        try super.init(descriptor: descriptor, worker: worker)
    }

    override func handle(_ readiness: Readiness) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while read(descriptor, &info, size) == size { received(Int32(bitPattern: info.ssi_signo)) }
    }

    static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
