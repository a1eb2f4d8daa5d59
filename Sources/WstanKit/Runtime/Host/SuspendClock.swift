import CLinux
import Glibc
import WstanBase

/// Tells that the machine has slept: the clock that counts sleep then runs ahead of the one that does not.
struct SuspendClock {
    /// Shorter ones harm no connection, and the two clocks are not read at the same instant.
    static let noticed: Duration = .seconds(2)

    private var ahead: Duration

    init(ahead: Duration = Self.ahead()) {
        self.ahead = ahead
    }

    /// - Parameter now: by how much the clock that counts sleep is ahead.
    /// - Returns: whether the machine has slept since this was asked last.
    mutating func hasSlept(ahead now: Duration = Self.ahead()) -> Bool {
        guard now - ahead > Self.noticed else { return false }
        ahead = now
        return true
    }

    /// Two reads without a system call (clock_gettime(2), CLOCK_BOOTTIME).
    static func ahead() -> Duration {
        let awake = read(CLOCK_MONOTONIC)
        return read(CLOCK_BOOTTIME) - awake
    }

    private static func read(_ clock: Int32) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

/// Comes back every few seconds of the clock that counts sleep, so right after a sleep, too.
package final class WakeTimer: Pollable, @unchecked Sendable {
    private let passed: () -> Void

    package init(every interval: Int, on worker: Worker, passed: @escaping () -> Void) throws(SystemError) {
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
