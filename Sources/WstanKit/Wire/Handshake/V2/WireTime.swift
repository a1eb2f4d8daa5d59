import WstanBase

/// A moment as version 2 writes it: milliseconds since the epoch, any number of them where a peer has written it.
struct WireTime: Hashable, Comparable, Sendable {
    let milliseconds: UInt64

    init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// The beginning of the epoch for what was before it.
    init(_ time: CalendarTime) {
        milliseconds = UInt64(max(time.microseconds, 0)) / 1000
    }

    /// Clamped at the end of time.
    func advanced(by milliseconds: UInt64) -> WireTime {
        let (sum, overflows) = self.milliseconds.addingReportingOverflow(milliseconds)
        return WireTime(milliseconds: overflows ? .max : sum)
    }

    /// In milliseconds, whichever is the later one.
    func distance(to other: WireTime) -> UInt64 {
        milliseconds > other.milliseconds ? milliseconds - other.milliseconds : other.milliseconds - milliseconds
    }

    static func < (a: WireTime, b: WireTime) -> Bool { a.milliseconds < b.milliseconds }
}
