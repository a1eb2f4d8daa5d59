import Logging
import Synchronization
import WstanConfig

/// From swift-log to the log's output.
package struct OutputLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    private let output: LogOutput
    private let threshold: LogThreshold

    package init(_ output: LogOutput, threshold: LogThreshold) {
        self.output = output
        self.threshold = threshold
    }

    package var logLevel: Logger.Level {
        get { threshold.level }
        set { threshold.level = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        output.write(LogRecord(event.level, event.message.description, all))
    }
}

/// How much is logged, which an administrator may change while the process runs. Shared by all who log.
package final class LogThreshold: Sendable {
    private let number: Atomic<Int>

    package init(_ level: Logger.Level) {
        number = Atomic(Self.number(of: level))
    }

    package var level: Logger.Level {
        get { Logger.Level.allCases[number.load(ordering: .relaxed)] }
        set { number.store(Self.number(of: newValue), ordering: .relaxed) }
    }

    private static func number(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}

extension Settings.LogLevel {
    package var forLogger: Logger.Level {
        switch self {
        case .error: .error
        case .warning: .warning
        case .notice: .notice
        case .info: .info
        case .debug: .debug
        }
    }
}
