/// A whole number with an optional unit, as in `300`, `30ms`, `5min`, `64K`.
struct Quantity {
    let number: Int
    /// As written, after the number and any spaces.
    let unit: String

    /// nil when the text does not begin with a digit or the number does not fit.
    init?(_ text: String) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(Substring(digits)) else { return nil }
        self.number = number
        let rest = text.utf8.dropFirst(digits.count).drop { $0 == UInt8(ascii: " ") }
        unit = String(decoding: rest, as: UTF8.self)
    }

    /// The number, when there is no unit.
    var count: Int? { unit.isEmpty ? number : nil }

    /// Seconds without a unit, as Python has it; nil for a unit that is none or a value that does not fit.
    var duration: Duration? {
        switch unit {
        case "us": .microseconds(number)
        case "ms": .milliseconds(number)
        case "", "s", "sec", "second", "seconds": .seconds(number)
        case "m", "min", "minute", "minutes": times(60).map { .seconds($0) }
        case "h", "hour", "hours": times(3_600).map { .seconds($0) }
        case "d", "day", "days": times(86_400).map { .seconds($0) }
        default: nil
        }
    }

    /// Bytes; units are powers of 1024 in either case. nil for a unit that is none or a value that does not fit.
    var bytes: Int? {
        switch unit.lowercased() {
        case "", "b": number
        case "k", "kb", "kib": times(1 << 10)
        case "m", "mb", "mib": times(1 << 20)
        case "g", "gb", "gib": times(1 << 30)
        case "t", "tb", "tib": times(1 << 40)
        default: nil
        }
    }

    private func times(_ factor: Int) -> Int? {
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}

extension Quantity {
    /// In the largest unit that leaves a whole number, from MiB on: small sizes are easier to read in bytes.
    static func text(ofBytes bytes: Int) -> String {
        for (unit, size) in [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20)] where bytes >= size {
            if bytes.isMultiple(of: size) { return "\(bytes / size)\(unit)" }
        }
        return String(bytes)
    }

    /// In seconds if they are whole, else in a smaller unit.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0 { return "\(seconds)s" }
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return microseconds.isMultiple(of: 1_000) ? "\(microseconds / 1_000)ms" : "\(microseconds)us"
    }
}
