import Foundation
import Testing

@testable import WstanConfig

/// Holds docs/man/wstan.conf.5 to the table of keys, so that neither can change alone.
@Suite struct ConfigManualTests {
    struct Entry: Equatable {
        let section: String
        let name: String
        /// What stands in parentheses under it, word by word.
        let facts: [String]
    }

    let entries: [Entry]

    init() throws {
        let text = try String(contentsOf: Repository.file("docs/man/wstan.conf.5"), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: ".Sh KEYS"))
        let end = try #require(lines.firstIndex(of: ".Sh FILES"))
        var entries: [Entry] = []
        var section = ""
        for (line, next) in zip(lines[start..<end], lines[(start + 1)...end]) {
            if let heading = String(line).suffix(after: ".Ss ") {
                section = heading.suffix(after: "Section ") ?? ""
            }
            guard let item = String(line).suffix(after: ".It Cm "), let name = item.split(separator: " ").first else {
                continue
            }
            let facts = String(next).suffix(after: ".Pq ")?.split(separator: " ").map(String.init) ?? []
            entries.append(Entry(section: section, name: String(name), facts: facts))
        }
        self.entries = entries
    }

    @Test func `every key stands in it with its default, unit and reload class, in the table's order`() {
        let expected = SettingKey.all.map { key in
            var facts = key.initial.isEmpty ? ["no", "default", ","] : ["default", "Cm", key.initial, ",", "No"]
            if key.name == "drain-timeout" { facts += ["on", "a", "client", "Cm", "0s", ",", "No"] }
            if key.kind.isList { facts += ["may", "be", "repeated", ","] }
            if let unit = key.kind.unit { facts += ["in", unit, ","] }
            let reload =
                switch key.reload {
                case .takesOver: "applied on reload"
                case .needsRestart: "needs a restart"
                case .needsRestartOfServer: "needs a restart on a server"
                }
            return Entry(
                section: key.section?.rawValue ?? "", name: key.name,
                facts: facts + reload.split(separator: " ").map(String.init))
        }
        let found = entries.filter { $0.section != "forward NAME" }
        #expect(found.count == expected.count)
        for (left, right) in zip(found, expected) { #expect(left == right) }
    }

    @Test func `every key of a forward stands in it`() {
        let names = entries.filter { $0.section == "forward NAME" }.map(\.name)
        #expect(names == ForwardKey.allCases.map(\.rawValue))
    }
}
