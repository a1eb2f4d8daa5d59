import Glibc

/// Writes log lines to stderr on a thread of its own, so that a reader that does not read never holds a worker up.
package final class LogWriter: Sendable {
    package static let standardError = LogWriter()

    private let thread = WriterThread<String> { lines, dropped in
        var text = lines.joined(separator: "\n") + "\n"
        if dropped > 0 { text += "wstand: \(dropped) log lines were dropped\n" }
        LogWriter.put(text)
    }

    private init() {}

    package func write(_ line: String) {
        thread.add(line)
    }

    /// Waits until everything is written, for a second at most.
    package func flush() {
        thread.flush()
    }

    private static func put(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
