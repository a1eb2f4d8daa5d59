import Glibc
import Logging
import WstanControl

/// An event as a line of text: for people with time and level, for whoever knows the time with the priority in front, for
/// programs as an object of JSON.
enum LogLine {
    static func plain(_ record: LogRecord) -> String {
        "\(localTime(record.time.seconds)) \(record.level): \(record.text)"
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
        object.append("level", .string(record.level.rawValue))
        object.append("message", .string(record.message))
        if let id = record.id { object.append(MessageID.key, .string(id.rawValue)) }
        for field in record.fields where object[field.key] == nil { object.append(field.key, .string(field.value)) }
        return String(decoding: JSONValue.object(object).text, as: UTF8.self)
    }

    /// For a terminal.
    static func coloured(_ record: LogRecord) -> String {
        let time = "\u{1B}[2m\(localTime(record.time.seconds))\u{1B}[0m"
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

    private static func localTime(_ seconds: Int) -> String {
        var seconds = seconds
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
