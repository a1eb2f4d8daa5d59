import Foundation
import Testing

/// docs/conformance.md says which test shows each requirement.
@Suite struct ConformanceTests {
    /// What stands in backticks in the last column of each table.
    private static func namesInTables() throws -> Set<String> {
        let text = try String(contentsOf: Repository.file("docs/conformance.md"), encoding: .utf8)
        var names: Set<String> = []
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            // A heading, or the rule below it.
            guard let cell = line.split(separator: " | ").last, !line.hasPrefix("| requirement"),
                !line.hasPrefix("| ---")
            else { continue }
            let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
            let quoted = parts.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
            if quoted.isEmpty { Issue.record("no test: \(line.prefix(80))") }
            names.formUnion(quoted)
        }
        return names
    }

    private static func sources() throws -> String {
        let folder = Repository.file("Tests")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { ["swift", "py"].contains($0.pathExtension) }
            .compactMap { try? String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
    }

    @Test func `every test that the table of conformance names exists`() throws {
        let names = try Self.namesInTables()
        #expect(names.count > 50)
        let sources = try Self.sources()
        for name in names.sorted() {
            let isThere = ["func `\(name)`", "struct \(name) {", "def \(name)("].contains { sources.contains($0) }
            #expect(isThere, "\(name)")
        }
    }
}
