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
