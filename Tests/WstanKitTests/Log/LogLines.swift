import Logging
import Synchronization

@testable import WstanCore

/// What was logged, in order.
final class LogLines: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        /// Message and metadata.
        let text: String
        var id: MessageID?
    }

    private let lines = Mutex<[Line]>([])

    var all: [Line] { lines.withLock { $0 } }
    /// A log with a throttle of its own.
    var log: EventLog { EventLog(Logger(label: "test") { _ in Handler(lines: self) }) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).filter { $0.key != MessageID.key }
            let pairs = metadata.sorted { $0.key < $1.key }.map { LogRecord.Field(key: $0.key, value: "\($0.value)").text }
            let line = Line(
                level: event.level, text: ([event.message.description] + pairs).joined(separator: " "),
                id: MessageID(in: event.metadata ?? [:]))
            lines.lines.withLock { $0.append(line) }
        }
    }
}
