import Logging

/// From swift-log to the log's output.
struct OutputLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    private let output: LogOutput
    private let threshold: LogThreshold

    init(_ output: LogOutput, threshold: LogThreshold) {
        self.output = output
        self.threshold = threshold
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
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        output.write(LogRecord(event.level, event.message.description, all))
    }
}
