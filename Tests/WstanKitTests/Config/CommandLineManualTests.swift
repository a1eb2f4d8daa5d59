import Foundation
import Testing

@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

/// Holds docs/man/wstand.8 to the table of options, so that none is left out.
@Suite struct CommandLineManualTests {
    /// The lines that begin an item, each with the heading that it stands under.
    private let items: [(heading: String, text: String)]

    init() throws {
        let text = try String(contentsOf: Repository.file("docs/man/wstand.8"), encoding: .utf8)
        var heading = ""
        var items: [(heading: String, text: String)] = []
        for line in text.split(separator: "\n").map(String.init) {
            if let title = line.suffix(after: ".Ss ") ?? line.suffix(after: ".Sh ") { heading = title }
            if let item = line.suffix(after: ".It ") { items.append((heading, item)) }
        }
        self.items = items
    }

    @Test func `every id of an event stands in it once`() {
        for id in MessageID.allCases { #expect(items.count { $0.text == "Li \(id)" } == 1, "\(id)") }
    }

    @Test(arguments: CommandLineOption.all.map(\.name))
    func `every option stands in it, with its letter, its argument and its group`(name: String) throws {
        let option = try #require(CommandLineOption.all.first { $0.name == name })
        let found = items.filter { item in
            let words = item.text.split(separator: " ")
            return zip(words, words.dropFirst()).contains { $0 == "Fl" && $1 == "-\(name)" }
        }
        #expect(found.count == 1, "\(found)")
        let item = try #require(found.first)
        let heading =
            switch option.group {
            case .general: "Options of either end"
            case .client: "Options of a client"
            case .server: "Options of a server"
            case .tls: "Options for TLS"
            }
        #expect(item.heading == heading)
        #expect(item.text.hasPrefix(option.letter.map { "Fl \($0) , Fl -" } ?? "Fl -"))
        switch option.argument {
        case .none: #expect(!item.text.contains(" = "))
        case .attachedFlag: #expect(item.text.hasSuffix("-\(name) Ns Op = Ns Cm yes | no"))
        case .required: #expect(item.text.contains("-\(name) Ns = Ns "))
        }
    }

    @Test func `every exit status stands in it`() {
        let statuses = items.filter { $0.heading == "EXIT STATUS" }.compactMap { Int32($0.text) }
        #expect(
            statuses == [
                Daemon.ExitStatus.success, Daemon.ExitStatus.failure, ConfigurationFailure.ExitStatus.usage.rawValue,
                FindingReport.ExitStatus.unreachable, Daemon.ExitStatus.configuration,
            ])
        #expect(StandardStreamsProgram.ExitStatus.noClient == FindingReport.ExitStatus.unreachable)
    }

    /// In contrib/completion/wstand.bash, where a list is what stands between quotes.
    @Test func `bash completes every option, by what it takes`() throws {
        let file = Repository.file("contrib/completion/wstand.bash")
        let text = try String(contentsOf: file, encoding: .utf8)
        func list(_ name: String) throws -> Set<String> {
            let begin = try #require(text.firstRange(of: "local \(name)='")).upperBound
            let words = text[begin...].prefix { $0 != "'" }.split { $0 == " " || $0 == "\n" }
            return Set(words.map { String($0.dropFirst(2)) })
        }
        func options(_ isMeant: (CommandLineOption.Argument) -> Bool) -> Set<String> {
            Set(CommandLineOption.all.filter { isMeant($0.argument) }.map(\.name))
        }
        let placeholders = ["FILE", "PATH"].map(CommandLineOption.Argument.required)
        #expect(try list("flags") == options { $0 == .none })
        #expect(try list("switches") == options { $0 == .attachedFlag })
        #expect(try list("choices") == options { $0 == .required("yes|no") || $0 == .required("yes|no|auto") })
        #expect(try list("files") == options { placeholders.contains($0) })
        let all = try ["flags", "switches", "choices", "files", "values"].map(list).reduce(Set<String>()) { $0.union($1) }
        #expect(all == Set(CommandLineOption.all.map(\.name)))
    }
}
