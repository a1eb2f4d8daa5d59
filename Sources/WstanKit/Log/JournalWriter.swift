import CSystemd
import Glibc

/// Sends entries to the journal, whose socket can block, on a thread of its own.
final class JournalWriter: Sendable {
    static let journal = JournalWriter()

    /// Where sd_journal_sendv(3) sends to; without a journal it drops everything and says nothing.
    static let socketPath = "/run/systemd/journal/socket"

    private let thread = WriterThread<LogRecord> { records, dropped in
        for record in records { JournalWriter.send(record) }
        if dropped > 0 {
            JournalWriter.send(LogRecord(.warning, "log lines were dropped", ["count": "\(dropped)"]))
        }
    }

    private init() {}

    func write(_ record: LogRecord) {
        thread.add(record)
    }

    /// Waits until everything is sent, for a second at most.
    func flush() {
        thread.flush()
    }

    /// What the journal does not take goes to stderr, which is the journal's other entrance.
    private static func send(_ record: LogRecord) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in JournalEntry(record).fields {
            bytes += field.bytes
            ends.append(bytes.count)
        }
        let status = bytes.withUnsafeMutableBytes { raw in
            var begin = 0
            var vectors: [iovec] = []
            for end in ends {
                let part = UnsafeMutableRawBufferPointer(rebasing: raw[begin..<end])
                vectors.append(iovec(iov_base: part.baseAddress, iov_len: part.count))
                begin = end
            }
            return sd_journal_sendv(vectors, Int32(vectors.count))
        }
        if status < 0 { LogWriter.standardError.write(LogLine.prefixed(record)) }
    }
}
