import CLinux
import Glibc

/// A point on the monotonic clock; it stands still while the machine sleeps.
struct Instant: Comparable, Hashable, Sendable {
    var nanoseconds: UInt64

    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflows) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflows ? .max : sum)
    }

    /// Zero when `earlier` is later.
    static func - (instant: Instant, earlier: Instant) -> Duration {
        guard instant > earlier else { return .zero }
        return .nanoseconds(Int64(clamping: instant.nanoseconds - earlier.nanoseconds))
    }

    static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
}

extension Duration {
    /// Clamped to what 64 bits hold; nothing below zero.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (scaled, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = scaled.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflows || overflowsToo ? .max : sum
    }

    var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }
}

/// The calendar's clock, as requests carry it.
enum WallClock {
    /// Seconds since the epoch.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
