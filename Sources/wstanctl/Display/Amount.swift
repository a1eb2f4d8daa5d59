import Glibc
import WstanControl

/// Sizes and times as a person reads them.
enum Amount {
    /// `0 B`, `999 B`, `1.5 KB`, `20 MB`: by thousands.
    static func bytes(_ count: Int) -> String {
        var value = Double(max(count, 0))
        for unit in ["B", "KB", "MB", "GB", "TB"] {
            if value < 999.5 || unit == "TB" { return number(value, hasFraction: unit != "B") + " " + unit }
            value /= 1000
        }
        return ""
    }

    /// What went from one count to the other within that many microseconds.
    static func rate(_ count: Int, since before: Int, within interval: Int) -> String {
        bytes(perSecond(max(difference(count, before), 0), within: interval)) + "/s"
    }

    /// - Parameter interval: in microseconds.
    static func perSecond(_ count: Int, within interval: Int) -> Int {
        Int(min(Double(count) * 1e6 / Double(max(interval, 1)), 1e18))
    }

    /// One digit behind the point below ten.
    private static func number(_ value: Double, hasFraction: Bool) -> String {
        guard hasFraction, value < 9.95 else { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `1 tunnel`, `3 tunnels`
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// `3s`, `12min 5s`, `3h 4min`, `2d 5h`: the two greatest units.
    static func time(microseconds: Int) -> String { TimeText.text(microseconds: microseconds) }

    /// `3s`, `12min`, `3h`, `2d`: the greatest unit alone, for a table.
    static func shortTime(microseconds: Int) -> String {
        TimeText.short(microseconds: microseconds)
    }

    /// From one point in time to a later one; what a daemon says of them may be anything.
    static func time(from start: Int, to end: Int) -> String { time(microseconds: difference(end, start)) }
    static func shortTime(from start: Int, to end: Int) -> String { shortTime(microseconds: difference(end, start)) }

    static func difference(_ a: Int, _ b: Int) -> Int { TimeText.difference(a, b) }

    /// `<0.1 ms`, `0.4 ms`, `120 ms`.
    static func roundTrip(microseconds: Int) -> String {
        microseconds < 100 ? "<0.1 ms" : number(Double(microseconds) / 1000, hasFraction: true) + " ms"
    }

    /// `Wed 2026-11-25 07:43:20 UTC`
    static func moment(_ microseconds: Int, isUTC: Bool) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        guard (isUTC ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) != nil else { return "?" }
        var buffer = [CChar](repeating: 0, count: 128)
        let count = strftime(&buffer, buffer.count, isUTC ? "%a %Y-%m-%d %H:%M:%S UTC" : "%a %Y-%m-%d %H:%M:%S %Z", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Seconds without a unit, else as in the configuration: `90`, `500ms`, `15min`, `24h`, `7d`. In microseconds; nil for
    /// anything else.
    static func microseconds(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let factor: Int
        switch text.dropFirst(digits.count).drop(while: { $0 == " " }) {
        case "us": factor = 1
        case "ms": factor = 1000
        case "", "s", "sec", "second", "seconds": factor = 1_000_000
        case "m", "min", "minute", "minutes": factor = 60_000_000
        case "h", "hour", "hours": factor = 3_600_000_000
        case "d", "day", "days": factor = 86_400_000_000
        default: return nil
        }
        let (result, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? nil : result
    }
}
