import CLinux
import Glibc

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
