import CLinux
import Glibc

/// A point on the monotonic clock; it stands still while the machine sleeps.
@usableFromInline package struct Instant: Comparable, Hashable, Sendable {
    @usableFromInline package var nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    @inlinable package static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflows) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflows ? .max : sum)
    }

    /// Zero when `earlier` is later.
    @inlinable package static func - (instant: Instant, earlier: Instant) -> Duration {
        Duration(attoseconds: Int128(instant.nanoseconds(since: earlier)) &* attosecondsInNanosecond)
    }

    /// The same where nobody wants a `Duration`, whose arithmetic is of 128 bits. Zero when `earlier` is later.
    @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
        self > earlier ? nanoseconds &- earlier.nanoseconds : 0
    }

    @inlinable package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
}

@usableFromInline let attosecondsInNanosecond: Int128 = 1_000_000_000

extension Duration {
    /// Clamped to what 64 bits hold; nothing below zero.
    @inlinable package var wholeNanoseconds: UInt64 {
        // A division of 128 bits by one, where `components` has several.
        UInt64(clamping: attoseconds / attosecondsInNanosecond)
    }

    @inlinable package var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }
}

/// The calendar's clock, as requests carry it.
@usableFromInline package enum WallClock {
    /// Seconds since the epoch.
    @inlinable package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
