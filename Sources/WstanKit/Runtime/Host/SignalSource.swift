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

    private static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
