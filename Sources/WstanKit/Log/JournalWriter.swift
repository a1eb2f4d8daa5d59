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

/// An event as the journal's fields (systemd.journal-fields(7)). The message holds all, since that is what `journalctl`
/// shows; the fields are for those who search: `journalctl WSTAN_REASON=replayed`.
struct JournalEntry: Equatable, Sendable {
    struct Field: Equatable, Sendable {
        let name: String
        let value: String

        /// As sd_journal_sendv(3) takes it; since no value holds a line's end, it needs no length.
        var bytes: [UInt8] { Array(name.utf8) + [UInt8(ascii: "=")] + Array(value.utf8) }
    }

    let fields: [Field]

    init(_ record: LogRecord) {
        var fields = [
            Field(name: "MESSAGE", value: record.text), Field(name: "PRIORITY", value: String(record.priority)),
        ]
        if let id = record.id { fields.append(Field(name: "MESSAGE_ID", value: id.rawValue)) }
        for field in record.fields { fields.append(Field(name: Self.name(of: field.key), value: field.value)) }
        self.fields = fields
    }

    private static let prefix = "WSTAN_"
    /// The journal takes no longer ones.
    private static let maxName = 64

    /// Capitals, digits and underscores are all that a name may hold.
    static func name(of key: String) -> String {
        // The number says which one it is.
        if key == "tunnel" { return prefix + "TUNNEL_ID" }
        let bytes = key.utf8.prefix(maxName - prefix.utf8.count).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        return prefix + String(decoding: bytes, as: UTF8.self)
    }
}
