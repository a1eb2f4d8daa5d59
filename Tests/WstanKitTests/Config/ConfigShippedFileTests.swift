import Foundation
import Testing

@testable import WstanConfig

/// Holds etc/wstan.conf to the table of keys, so that neither can change alone.
@Suite struct ConfigShippedFileTests {
    struct CommentedDefault {
        let section: SettingKey.Section?
        let name: String
        let value: String
        /// The comment above it, lower case.
        let comment: String
        let line: Int
    }

    let lines: [String]

    init() throws {
        let text = try String(contentsOf: Repository.file("etc/wstan.conf"), encoding: .utf8)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }

    /// As what it is installed as, since some defaults depend on that.
    func run(_ lines: [String]) throws -> (settings: Settings, warnings: [String]) {
        var fixture = ConfigFixture()
        fixture.files["/etc/wstan.conf"] = Array(lines.joined(separator: "\n").utf8)
        return try fixture.run(["--strict", "--config", "/etc/wstan.conf"])
    }

    /// Commented defaults and set keys alike, with `isSet`.
    func entries(isSet: Bool) -> [CommentedDefault] {
        var found: [CommentedDefault] = []
        var section: SettingKey.Section?
        var comment = ""
        for (index, line) in lines.enumerated() {
            // Examples of sections with a name end the file; they have no defaults.
            if line.hasPrefix("#[") { break }
            if line.hasPrefix("[") { section = SettingKey.Section(rawValue: String(line.dropFirst().dropLast())) }
            if line.isEmpty { comment = "" }
            if line.hasPrefix("# ") {
                comment += line.dropFirst(2).lowercased() + " "
                continue
            }
            guard let equals = line.firstIndex(of: "="), line.hasPrefix("#") != isSet else { continue }
            let name = line[..<equals].trimmingCharacters(in: CharacterSet(charactersIn: "# "))
            let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            found.append(
                CommentedDefault(section: section, name: name, value: value, comment: comment, line: index))
        }
        return found
    }

    @Test func `it parses without a word and is a server on loopback`() throws {
        let (settings, warnings) = try run(lines)
        #expect(warnings.isEmpty)
        var expected = Settings(mode: .server, uri: try ServerURI("ws://127.0.0.1:8080/"), key: .file("/etc/wstan/key"))
        expected.stateDirectory = "/var/lib/wstan"
        expected.controlSocket = "/run/wstand/control"
        #expect(settings == expected)
    }

    @Test func `it has every key of the table once, in the table's order`() {
        let names = (entries(isSet: true) + entries(isSet: false)).sorted { $0.line < $1.line }.map { entry in
            entry.section.map { "\($0.rawValue).\(entry.name)" } ?? entry.name
        }
        // For those who have moved every client to version 2.
        let expected = SettingKey.all.map(\.identifier).filter { $0 != "server.accept-v1" }
        // key-file is set and stands before key, which it is better than.
        #expect(names.sorted() == expected.sorted())
        #expect(names.filter { !$0.hasPrefix("key") } == expected.filter { !$0.hasPrefix("key") })
        #expect(entries(isSet: true).map(\.name) == ["mode", "uri", "key-file"])
    }

    @Test func `commented defaults are the table's, with unit and reload class`() throws {
        for entry in entries(isSet: false) + entries(isSet: true) {
            let key = try #require(SettingKey.all.first { $0.section == entry.section && $0.name == entry.name })
            #expect(!entry.comment.isEmpty, "\(key.identifier)")
            #expect(entry.comment.contains("needs a restart") == (key.reload != .takesOver), "\(key.identifier)")
            #expect(entry.comment.contains("on a server it needs") == (key.reload == .needsRestartOfServer))
            if let unit = key.kind.unit { #expect(entry.comment.contains(unit), "\(key.identifier)") }
        }
        for entry in entries(isSet: false) {
            let key = try #require(SettingKey.all.first { $0.section == entry.section && $0.name == entry.name })
            #expect(entry.value == key.initial)
        }
    }

    @Test func `a default may be uncommented without any effect`() throws {
        let plain = try run(lines).settings
        for entry in entries(isSet: false) {
            var changed = lines
            changed[entry.line].removeFirst()
            let (settings, warnings) = try run(changed)
            #expect(settings == plain, "\(entry.name)")
            #expect(warnings.isEmpty)
        }
    }

    @Test func `the forward of its end is one when uncommented`() throws {
        let start = try #require(lines.firstIndex(of: "#[forward example]"))
        let example = lines[start...].map { String($0.drop { $0 == "#" }) }
        let settings = try run(Array(lines[..<start] + example)).settings
        let target = TargetAddress(host: "db.example.com", port: 5432)
        let listen = [ListenAddress.tcp(host: "127.0.0.1", port: 5432)]
        #expect(settings.forwards == [Forward(name: "example", listen: listen, target: target, transport: .tcp)])
        #expect(example.count { $0.contains("=") } == ForwardKey.allCases.count)
    }

    @Test func `no line is wider than 120 columns`() {
        #expect(lines.allSatisfy { $0.count <= 120 })
    }

    /// The client's default of drain-timeout differs, and says so.
    @Test func `the table's defaults are those of the settings`() throws {
        let uri = try ServerURI("ws://h/")
        for mode in Settings.Mode.allCases {
            let plain = Settings(mode: mode, uri: uri, key: .file("k"))
            for key in SettingKey.all where !key.initial.isEmpty && key.name != "mode" {
                if mode == .client, key.name == "drain-timeout" { continue }
                // It depends on the instance; what is written down is that of the shipped file.
                if key.kind.dependsOnInstance { continue }
                var settings = plain
                if case .value(let read) = key.kind.reading { try read(key.initial, &settings) }
                #expect(settings == plain, "\(key.identifier)")
            }
        }
        #expect(try ListenAddress.list("localhost:1080") == Settings(mode: .client, uri: uri, key: .file("k")).listen)
    }
}
