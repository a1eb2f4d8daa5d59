import Foundation
import Logging
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct LogRecordTests {
    private static let time = LogRecord.Time(seconds: 1_700_000_000, microseconds: 42)

    private static func record(
        _ message: String = "request refused", _ metadata: Logger.Metadata = [:], _ level: Logger.Level = .notice
    ) -> LogRecord {
        LogRecord(level, message, metadata, time: time)
    }

    @Test func `what came from elsewhere forges no line and moves no cursor`() {
        let record = Self.record("a\nb\u{1B}[2J", ["peer": "x\r\u{9B}y\u{7F}"])
        #expect(record.text == "a?b?[2J peer=x??y?")
        #expect(LogLine.prefixed(record) == "<5>a?b?[2J peer=x??y?")
        #expect(LogLine.plain(record).hasSuffix(" notice: a?b?[2J peer=x??y?"))
    }

    @Test func `an event is bounded, however long its parts`() {
        let metadata = Dictionary(
            uniqueKeysWithValues: (0..<40).map {
                ("k\($0)", Logger.MetadataValue.string(String(repeating: "v", count: 5000)))
            })
        let record = Self.record(String(repeating: "m", count: 10_000), metadata)
        #expect(record.message.utf8.count == 4099)
        #expect(record.fields.count == 16)
        #expect(record.fields.allSatisfy { $0.value.utf8.count == 1027 })
    }

    @Test func `the metadata are sorted, and the id is none of them`() {
        let record = Self.record("x", .of(.replayRefused, ["reason": "replayed", "peer": "p"]))
        #expect(record.text == "x peer=p reason=replayed")
        #expect(record.id == .replayRefused)
    }

    @Test func `what the message has already is a field, and not said twice`() {
        let record = Self.record("rotate-key laptop", .of(.keyRotated, ["key-name": .inMessage("laptop"), "a": "b"]))
        #expect(record.text == "rotate-key laptop a=b")
        let fields = JournalEntry(record).fields.map { "\($0.name)=\($0.value)" }
        #expect(fields.contains("WSTAN_KEY_NAME=laptop") && fields.contains("MESSAGE=rotate-key laptop a=b"))
        #expect(LogLine.json(record).contains("\"key-name\":\"laptop\""))
    }

    @Test(arguments: [
        ("replayed", "replayed"), ("", ""), ("10.0.0.1:4711", "10.0.0.1:4711"), ("C:\\x", "C:\\x"), ("ü", "ü"),
        ("Connection refused", "\"Connection refused\""), ("a=b", "\"a=b\""), ("\"a\"", "\"\\\"a\\\"\""),
        ("x peer=forged", "\"x peer=forged\""), ("a \\\" peer=forged", "\"a \\\\\\\" peer=forged\""),
    ])
    func `a value with blanks, quotes or an equals sign is quoted in a line, and plain in the journal's field`(
        value: String, shown: String
    ) {
        let record = Self.record("x", ["reason": .string(value), "tunnel": "7"])
        #expect(record.text == "x reason=\(shown) tunnel=7")
        #expect(JournalEntry(record).fields.contains(.init(name: "WSTAN_REASON", value: value)))
    }

    @Test func `every level has its priority`() {
        #expect(Logger.Level.allCases.map { Self.record("x", [:], $0).priority } == [7, 7, 6, 5, 4, 3, 2])
    }

    @Test func `a terminal gets colours, without which the line is the plain one`() throws {
        for level in Logger.Level.allCases {
            let record = Self.record("x", ["a": "b"], level)
            let bare = try LogLine.coloured(record).replacing(Regex("\u{1B}\\[[0-9;]*m"), with: "")
            #expect(bare == LogLine.plain(record))
            #expect(LogLine.coloured(record).contains("\u{1B}["))
        }
    }

    /// Read back by another reader of JSON than ours.
    @Test func `an object of JSON says the same, on one line`() throws {
        let message = "\"quoted\" \\ back \u{2028} \u{1F600} tab\tend"
        let record = Self.record(message, .of(.wrongKey, ["peer": "10.0.0.1:1", "a \"b\"": "ü", "level": "forged"]))
        let line = LogLine.json(record)
        #expect(!line.contains("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["timestampUSec"] as? Int == 1_700_000_000_000_042)
        let time = try #require(object["time"] as? String)
        #expect(time.contains(":20.000042") && Self.isTimestamp(time))
        #expect(object["level"] as? String == "notice")
        #expect(object["message"] as? String == message.replacing("\t", with: "?").replacing("\u{2028}", with: "?"))
        #expect(object["message-id"] as? String == MessageID.wrongKey.rawValue)
        #expect(object["peer"] as? String == "10.0.0.1:1")
        #expect(object["a \"b\""] as? String == "ü")
        #expect(object.count == 7)
    }

    /// RFC 3339 section 5.6.
    private static func isTimestamp(_ text: some StringProtocol) -> Bool {
        let form = #"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"#
        return (try? Regex(form).wholeMatch(in: String(text))) != nil
    }

    @Test func `a line begins with its time and the offset of local time`() {
        let line = LogLine.plain(Self.record())
        #expect(Self.isTimestamp(line.prefix { $0 != " " }) && line.hasSuffix(" notice: request refused"))
        for year in [0, 253_402_300_799, -62_135_596_800, 1_700_000_000] {
            #expect(Self.isTimestamp(LogLine.timestamp(year)), "\(LogLine.timestamp(year))")
        }
    }

    @Test func `the journal gets text, priority, id and a field for each of the metadata`() {
        let entry = JournalEntry(Self.record("x", .of(.targetRefused, ["tunnel": "7", "drain-timeout": "1 s"])))
        #expect(
            entry.fields.map { String(decoding: $0.bytes, as: UTF8.self) } == [
                "MESSAGE=x drain-timeout=\"1 s\" tunnel=7", "PRIORITY=5", "MESSAGE_ID=\(MessageID.targetRefused.rawValue)",
                "WSTAN_DRAIN_TIMEOUT=1 s", "WSTAN_TUNNEL_ID=7",
            ])
    }

    @Test(arguments: ["", "a", "Größe", "a=b", "a\nb", "_", String(repeating: "x", count: 200), "1st"])
    func `a field's name is one that the journal takes`(key: String) throws {
        let name = JournalEntry.name(of: key)
        #expect(name.hasPrefix("WSTAN_") && name.utf8.count <= 64)
        #expect(try Regex("[A-Z][A-Z0-9_]*").wholeMatch(in: name) != nil)
    }

    @Test func `ids are 128 bits in small letters, each another`() throws {
        let ids = MessageID.allCases.map(\.rawValue)
        #expect(Set(ids).count == ids.count)
        for id in ids { #expect(try Regex("[0-9a-f]{32}").wholeMatch(in: id) != nil, "\(id)") }
    }
}

@Suite struct LogOutputTests {
    private static let journal = LogSurroundings(isJournalStream: true, hasJournal: true)
    private static let shut = LogSurroundings(isJournalStream: true)
    private static let terminal = LogSurroundings(hasJournal: true, wantsColours: true)
    private static let file = LogSurroundings(hasJournal: true)

    @Test func `auto goes by what stderr is`() {
        #expect(LogOutput(.automatic, Self.journal) == .journal)
        #expect(LogOutput(.automatic, Self.shut) == .prefixed)
        #expect(LogOutput(.automatic, Self.terminal) == .text(isColoured: true))
        #expect(LogOutput(.automatic, Self.file) == .text(isColoured: false))
    }

    @Test func `the other formats are what they say, as far as that can be`() {
        #expect(LogOutput(.text, Self.journal) == .prefixed)
        #expect(LogOutput(.text, Self.file) == .text(isColoured: false))
        #expect(LogOutput(.json, Self.journal) == .json)
        #expect(LogOutput(.journal, Self.file) == .journal)
        #expect(LogOutput(.journal, LogSurroundings()) == .prefixed)
    }

    @Test func `the variable of a stderr that is another by now says nothing`() {
        #expect(LogSurroundings.isStream("8:1234", device: 8, inode: 1234))
        for variable in [nil, "", "8:1235", "9:1234", "8:12345", "8:1234 ", "1234"] {
            #expect(!LogSurroundings.isStream(variable, device: 8, inode: 1234))
        }
    }
}
