/// A moment by the calendar's clock in whole microseconds since the epoch, as files and the control socket tell it.
@usableFromInline package struct CalendarTime: Hashable, Comparable, Sendable {
    @usableFromInline package let microseconds: Int64

    @inlinable package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Clamped to what 64 bits hold. What is no number is the end of time: by then everything has expired.
    @inlinable package init(seconds: Double) {
        let scaled = (seconds * 1e6).rounded(.down)
        microseconds = Int64(exactly: scaled) ?? (scaled < 0 ? .min : .max)
    }

    @inlinable package var seconds: Double { Double(microseconds) / 1e6 }

    /// Clamped at the end of time.
    @inlinable package static func + (time: CalendarTime, duration: Duration) -> CalendarTime {
        let (seconds, attoseconds) = duration.components
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowsToo) = time.microseconds.addingReportingOverflow(whole)
        let (total, overflowsAfterAll) = sum.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        guard !overflows, !overflowsToo, !overflowsAfterAll else {
            return CalendarTime(microseconds: seconds < 0 ? .min : .max)
        }
        return CalendarTime(microseconds: total)
    }

    @inlinable package static func < (a: CalendarTime, b: CalendarTime) -> Bool { a.microseconds < b.microseconds }
}
