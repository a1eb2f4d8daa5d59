import Glibc
import Logging
import WstanBase

/// One event, as each form of the log takes it: bounded, and without what could forge a line or move a cursor.
struct LogRecord: Equatable, Sendable {
    struct Field: Equatable, Sendable {
        let key: String
        let value: String
        /// The message has it already.
        var isInMessage = false

        /// In quotes where a reader could not tell where the value ends.
        var text: String {
            guard value.utf8.contains(where: { Self.mark.contains($0) }) else { return "\(key)=\(value)" }
            let escaped = value.unicodeScalars.reduce(into: "") { text, scalar in
                if scalar == "\"" || scalar == "\\" { text += "\\" }
                text.unicodeScalars.append(scalar)
            }
            return "\(key)=\"\(escaped)\""
        }

        private static let mark = Array(" \"=".utf8)
    }

    /// Of the calendar's clock.
    struct Time: Equatable, Sendable {
        let seconds: Int
        let microseconds: Int

        static func now() -> Time {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Time(seconds: time.tv_sec, microseconds: time.tv_nsec / 1000)
        }
    }

    let time: Time
    let level: Logger.Level
    let message: String
    /// Sorted by their keys.
    let fields: [Field]
    let id: MessageID?

    private static let maxFields = 16
    /// In scalars, each of which has up to four bytes.
    private static let maxMessage = 4096
    private static let maxValue = 1024

    init(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata = [:], time: Time = .now()) {
        self.time = time
        self.level = level
        self.message = Printable.line(message, limit: Self.maxMessage)
        id = MessageID(in: metadata)
        let shown = metadata.filter { $0.key != MessageID.key }.sorted { $0.key < $1.key }
        fields = shown.prefix(Self.maxFields).map {
            Field(
                key: $0.key, value: Printable.line($0.value.description, limit: Self.maxValue),
                isInMessage: $0.value.isInMessage)
        }
    }

    /// The message, and the rest as `key=value` or `key="value with blanks"`.
    var text: String {
        fields.filter { !$0.isInMessage }.reduce(into: message) { $0 += " \($1.text)" }
    }

    /// syslog(3).
    var priority: Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}

extension Logger.MetadataValue {
    /// What the message has already: the journal and JSON get it as a field, and a line does not repeat it.
    package static func inMessage(_ value: String) -> Logger.MetadataValue {
        .stringConvertible(InMessage(description: value))
    }

    fileprivate var isInMessage: Bool {
        if case .stringConvertible(let value) = self { value is InMessage } else { false }
    }

    private struct InMessage: CustomStringConvertible {
        let description: String
    }
}
