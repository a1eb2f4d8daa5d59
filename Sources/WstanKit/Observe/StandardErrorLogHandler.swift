import Glibc
import Logging
import WstanControl

/// Log lines on stderr: for the journal with its priority in front (sd-daemon(3)), for people with time and level, for
/// programs as an object of JSON.
struct StandardErrorLogHandler: LogHandler {
    enum Format {
        case text
        case journal
        case json
    }

    var metadata: Logger.Metadata = [:]
    private let threshold: LogThreshold
    private let format: Format

    init(threshold: LogThreshold, format: Format) {
        self.threshold = threshold
        self.format = format
    }

    var logLevel: Logger.Level {
        get { threshold.level }
        set { threshold.level = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        switch format {
        case .text: write("\(Self.time()) \(event.level): ", event, fields)
        case .journal: write("<\(Self.priority(event.level))>", event, fields)
        case .json: LogWriter.standardError.write(Self.json(event, fields, at: WallClock.now()))
        }
    }

    private func write(_ start: String, _ event: LogEvent, _ fields: [(key: String, value: Logger.MetadataValue)]) {
        var line = start + Self.printable(event.message.description)
        for (key, value) in fields { line += " \(key)=\(Self.printable(value.description))" }
        LogWriter.standardError.write(line)
    }

    /// - Parameter time: seconds since the epoch; microseconds in the object.
    static func json(
        _ event: LogEvent, _ fields: [(key: String, value: Logger.MetadataValue)], at time: Double
    ) -> String {
        var object = JSONObject()
        object.append("timestampUSec", .integer(Int(clamping: Int64(time * 1e6))))
        object.append("level", .string(event.level.rawValue))
        object.append("message", .string(event.message.description))
        for (key, value) in fields where object[key] == nil { object.append(key, .string(value.description)) }
        return String(decoding: JSONValue.object(object).text, as: UTF8.self)
    }

    /// What came from elsewhere must not forge a line or move the cursor.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? "?" : $0 }))
    }

    /// syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    private static func time() -> String {
        var seconds = Glibc.time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
