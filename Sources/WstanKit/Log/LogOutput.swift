import Glibc
import WstanConfig

/// Where the log goes and in which form: decided once, at the start.
package enum LogOutput: Equatable, Sendable {
    case text(isColoured: Bool)
    /// Lines on stderr with their priority in front.
    case prefixed
    case json
    case journal

    package init(_ format: Settings.LogFormat, _ surroundings: LogSurroundings) {
        let lines: LogOutput =
            surroundings.isJournalStream ? .prefixed : .text(isColoured: surroundings.wantsColours)
        switch format {
        case .automatic: self = surroundings.isJournalStream && surroundings.hasJournal ? .journal : lines
        case .text: self = lines
        case .json: self = .json
        // Somebody else may take stderr there.
        case .journal: self = surroundings.hasJournal ? .journal : .prefixed
        }
    }

    func write(_ record: LogRecord) {
        switch self {
        case .text(isColoured: true): LogWriter.standardError.write(LogLine.coloured(record))
        case .text(isColoured: false): LogWriter.standardError.write(LogLine.plain(record))
        case .prefixed: LogWriter.standardError.write(LogLine.prefixed(record))
        case .json: LogWriter.standardError.write(LogLine.json(record))
        case .journal: JournalWriter.journal.write(record)
        }
    }

    /// Says why the process ends. In plain text as every program says it: there may be no log yet.
    package func writeFailure(_ text: String) {
        switch self {
        case .text: LogWriter.standardError.write("wstand: \(text)")
        case .prefixed, .json, .journal: write(LogRecord(.error, text, .of(.startFailed)))
        }
    }

    /// Waits until everything is written, for a moment.
    package func flush() {
        JournalWriter.journal.flush()
        LogWriter.standardError.flush()
    }
}

/// What decides about the log's form beside the configuration.
package struct LogSurroundings: Equatable, Sendable {
    /// stderr leads to the journal (systemd.exec(5), JOURNAL_STREAM).
    var isJournalStream = false
    /// The journal can be reached by its own protocol.
    var hasJournal = false
    /// stderr is a terminal, and nobody minds (no-color.org).
    package var wantsColours = false

    package static func look() -> LogSurroundings {
        let variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }
        var status = stat()
        let isOpen = fstat(STDERR_FILENO, &status) == 0
        return LogSurroundings(
            isJournalStream: isOpen
                && isStream(variable("JOURNAL_STREAM"), device: UInt(status.st_dev), inode: UInt(status.st_ino)),
            hasJournal: access(JournalWriter.socketPath, W_OK) == 0,
            wantsColours: isatty(STDERR_FILENO) == 1 && variable("NO_COLOR").map(\.isEmpty) ?? true
                && variable("TERM") != "dumb")
    }

    /// The variable is inherited by those whose stderr is something else by now.
    static func isStream(_ variable: String?, device: UInt, inode: UInt) -> Bool {
        variable == "\(device):\(inode)"
    }
}
