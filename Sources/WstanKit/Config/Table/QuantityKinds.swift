// Numbers with their bounds, and one word out of a few.

extension SettingKind {
    static func flag(_ path: SettingPath<Bool>) -> SettingKind {
        var kind = value("yes|no", path, read: Flag.read) { SettingText($0 ? "yes" : "no") }
        kind.isFlag = true
        return kind
    }

    /// `yes`, `no` or `auto`, which is nil.
    static func automaticFlag(_ path: SettingPath<Bool?>) -> SettingKind {
        value("yes|no|auto", path) { (text) throws(ValueProblem) in
            if text.lowercased() == "auto" { return nil }
            guard let value = try? Flag.read(text) else { throw ValueProblem("takes yes, no or auto") }
            return value
        } text: {
            SettingText($0.map { $0 ? "yes" : "no" } ?? "auto")
        }
    }

    /// One of the words of an enumeration.
    static func choice<Choice>(_ placeholder: String, _ path: SettingPath<Choice>) -> SettingKind
    where Choice: RawRepresentable<String> & CaseIterable & Sendable {
        value(placeholder, path) { (text) throws(ValueProblem) in
            guard let choice = Choice(rawValue: text.lowercased()) else {
                throw ValueProblem("takes \(Choice.allCases.map(\.rawValue).listed("or"))")
            }
            return choice
        } text: {
            SettingText($0.rawValue)
        }
    }

    static func count(_ path: SettingPath<Int>, _ range: ClosedRange<Int>) -> SettingKind {
        value("N", path) { (text) throws(ValueProblem) in
            try readCount(text, in: range)
        } text: {
            SettingText(String($0))
        }
    }

    static func size(_ path: SettingPath<Int>, _ range: ClosedRange<Int>) -> SettingKind {
        value("SIZE", path, unit: "bytes") { (text) throws(ValueProblem) in
            try readSize(text, in: range)
        } text: {
            SettingText(Quantity.text(ofBytes: $0))
        }
    }

    static func duration(_ path: SettingPath<Duration>, _ range: ClosedRange<Duration>) -> SettingKind {
        value("TIME", path, unit: "seconds") { (text) throws(ValueProblem) in
            guard let value = Quantity(text)?.duration, range.contains(value) else {
                let bounds = "\(Quantity.text(of: range.lowerBound)) to \(Quantity.text(of: range.upperBound))"
                throw ValueProblem("takes a time from \(bounds), like 300, 30ms or 5min")
            }
            return value
        } text: {
            SettingText(Quantity.text(of: $0))
        }
    }

    /// A number or `auto`, which is nil.
    static func automaticCount(_ path: SettingPath<Int?>, _ range: ClosedRange<Int>) -> SettingKind {
        value("N", path) { (text) throws(ValueProblem) in
            text.lowercased() == "auto" ? nil : try readCount(text, in: range)
        } text: {
            SettingText($0.map { String($0) } ?? "auto")
        }
    }

    /// A size or `auto`, which is nil.
    static func automaticSize(_ path: SettingPath<Int?>, _ range: ClosedRange<Int>) -> SettingKind {
        value("SIZE", path, unit: "bytes") { (text) throws(ValueProblem) in
            text.lowercased() == "auto" ? nil : try readSize(text, in: range)
        } text: {
            SettingText($0.map { Quantity.text(ofBytes: $0) } ?? "auto")
        }
    }

    private static func readCount(_ text: String, in range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        guard let value = Quantity(text)?.count, range.contains(value) else {
            throw ValueProblem("takes a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func readSize(_ text: String, in range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        guard let value = Quantity(text)?.bytes, range.contains(value) else {
            throw ValueProblem("takes a size from \(range.lowerBound) to \(range.upperBound) bytes, like 512 or 4K")
        }
        return value
    }
}
