import Glibc
import Logging
import WstanControl

/// An event as a line of text: for people with time and level, for a reader that adds the time with the priority in front,
/// for programs as an object of JSON.
enum LogLine {
    static func plain(_ record: LogRecord) -> String {
        "\(timestamp(record.time.seconds)) \(record.level): \(record.text)"
    }

    /// sd-daemon(3).
    static func prefixed(_ record: LogRecord) -> String {
        "<\(record.priority)>\(record.text)"
    }

    /// What has a name that is taken already is left out.
    static func json(_ record: LogRecord) -> String {
        var object = JSONObject()
        let (time, _) = record.time.seconds.multipliedReportingOverflow(by: 1_000_000)
        object.append("timestampUSec", .integer(time &+ record.time.microseconds))
        object.append("time", .string(timestamp(record.time.seconds, microseconds: record.time.microseconds)))
        object.append("level", .string(record.level.rawValue))
        object.append("message", .string(record.message))
        if let id = record.id { object.append(MessageID.key, .string(id.rawValue)) }
        for field in record.fields where object[field.key] == nil { object.append(field.key, .string(field.value)) }
        return String(decoding: JSONValue.object(object).text, as: UTF8.self)
    }

    /// For a terminal.
    static func coloured(_ record: LogRecord) -> String {
        let time = "\u{1B}[2m\(timestamp(record.time.seconds))\u{1B}[0m"
        guard let colour = colour(of: record.level) else { return "\(time) \(record.level): \(record.text)" }
        return "\(time) \u{1B}[\(colour)m\(record.level):\u{1B}[0m \(record.text)"
    }

    /// As a parameter of SGR (ECMA-48).
    private static func colour(of level: Logger.Level) -> String? {
        switch level {
        case .critical, .error: "1;31"
        case .warning: "33"
        case .notice: "1"
        case .info: nil
        case .debug, .trace: "2"
        }
    }

    /// RFC 3339 section 5.6, with the offset of local time: lines of several hosts can be put in order, and the hour that
    /// comes twice in autumn can be told apart.
    ///
    /// - Parameter microseconds: nil leaves the fraction out.
    static func timestamp(_ seconds: Int, microseconds: Int? = nil) -> String {
        var seconds = seconds
        var parts = tm()
        localtime_r(&seconds, &parts)
        func digits(_ value: Int, _ count: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let date = [digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1), digits(Int(parts.tm_mday))]
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0)) }
        let minutes = abs(parts.tm_gmtoff) / 60
        let zone =
            minutes == 0
            ? "Z" : "\(parts.tm_gmtoff < 0 ? "-" : "+")\(digits(minutes / 60)):\(digits(minutes % 60))"
        let fraction = microseconds.map { ".\(digits($0, 6))" } ?? ""
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":"))\(fraction)\(zone)"
    }
}
