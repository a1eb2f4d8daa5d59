import CLinux
import Glibc

/// Comes back every few seconds of the clock that counts sleep, so right after a sleep, too.
final class WakeTimer: Pollable, @unchecked Sendable {
    private let passed: () -> Void

    init(every interval: Int, on worker: Worker, passed: @escaping () -> Void) throws(SystemError) {
        let descriptor = try SystemError.check("timerfd_create") {
            timerfd_create(CLOCK_BOOTTIME, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
        }
        self.passed = passed
        try super.init(descriptor: descriptor, worker: worker)
        let seconds = timespec(tv_sec: interval, tv_nsec: 0)
        var time = itimerspec(it_interval: seconds, it_value: seconds)
        _ = try SystemError.check("timerfd_settime") { timerfd_settime(descriptor, 0, &time, nil) }
    }

    override func handle(_ readiness: Readiness) {
        var count: UInt64 = 0
        guard Glibc.read(descriptor, &count, 8) == 8 else { return }
        passed()
    }
}
