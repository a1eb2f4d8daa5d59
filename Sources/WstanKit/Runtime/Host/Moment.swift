import CLinux
import Glibc
import WstanBase

/// What two clocks say at once: the calendar's, which may be set, and the one since boot, which may not and counts sleep.
package struct Moment: Equatable, Sendable {
    /// Seconds since the epoch.
    package var wall: Double
    /// Seconds since the machine was started (clock_gettime(2), CLOCK_BOOTTIME).
    package var boot: Double

    package init(wall: Double, boot: Double) {
        self.wall = wall
        self.boot = boot
    }

    /// Two reads without a system call.
    package static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Moment(wall: WallClock.now(), boot: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }
}
