import Glibc

/// Lengths of time as a person reads them.
public enum TimeText {
    /// `3s`, `12min 5s`, `3h 4min`, `2d 5h`: the two greatest units.
    public static func text(microseconds: Int) -> String {
        let seconds = max(microseconds, 0) / 1_000_000
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first...].prefix(2).filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    /// `3s`, `12min`, `3h`, `2d`: the greatest unit alone.
    public static func short(microseconds: Int) -> String {
        String(text(microseconds: microseconds).prefix { $0 != " " })
    }

    /// Clamped: what a daemon says of a point in time may be anything.
    public static func difference(_ a: Int, _ b: Int) -> Int {
        let (difference, overflows) = a.subtractingReportingOverflow(b)
        return overflows ? (a < b ? .min : .max) : difference
    }

    /// `2027-01-15`: the day of a point in time, in UTC.
    public static func date(_ microseconds: Int) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        var buffer = [CChar](repeating: 0, count: 64)
        guard gmtime_r(&seconds, &parts) != nil, strftime(&buffer, buffer.count, "%Y-%m-%d", &parts) > 0 else {
            return "?"
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `2027-01-15, in 12 days`
    public static func end(_ end: Int, now: Int) -> String {
        let days = difference(end, now) / day
        switch days {
        case 0: return "\(date(end)), " + (end < now ? "less than a day ago" : "in less than a day")
        case ..<0: return "\(date(end)), \(days.magnitude) day\(days == -1 ? "" : "s") ago"
        default: return "\(date(end)), in \(days) day\(days == 1 ? "" : "s")"
        }
    }

    /// In microseconds.
    public static let day = 86_400_000_000
}
