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

    /// One digit behind the point below ten.
    private static func number(_ value: Double, hasFraction: Bool) -> String {
        guard hasFraction, value < 9.95 else { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `3s`, `12min 5s`, `3h 4min`, `2d 5h`: the two greatest units.
    static func time(microseconds: Int) -> String {
        let seconds = max(microseconds, 0) / 1_000_000
        let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first...].prefix(2).filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    /// `0.4 ms`, `120 ms`.
    static func roundTrip(microseconds: Int) -> String {
        number(Double(microseconds) / 1000, hasFraction: true) + " ms"
    }

    /// `90`, `90s`, `15min`, `24h`, `7d`, in microseconds; nil for anything else.
    static func microseconds(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let factor: Int
        switch text.dropFirst(digits.count) {
        case "", "s": factor = 1
        case "min", "m": factor = 60
        case "h": factor = 3600
        case "d": factor = 86_400
        default: return nil
        }
        let (seconds, overflows) = number.multipliedReportingOverflow(by: factor)
        let (result, overflowsToo) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflows || overflowsToo ? nil : result
    }
}
