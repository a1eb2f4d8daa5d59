import ArgumentParser
import Foundation
import Testing

@testable import wstanctl

/// Holds docs/man/wstanctl.1 to the commands and their options, so that none is left out.
@Suite struct ManualTests {
    private let lines: [String]

    init() throws {
        // This file stands two folders below the root of the checkout.
        let root = (0..<3).reduce(URL(filePath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        let text = try String(contentsOf: root.appending(path: "docs/man/wstanctl.1"), encoding: .utf8)
        lines = text.split(separator: "\n").map(String.init)
    }

    /// Every command that does something, by the words that call it.
    private static func commands(
        below command: any ParsableCommand.Type = Wstanctl.self, after words: [String] = []
    ) -> [(words: [String], type: any ParsableCommand.Type)] {
        command.configuration.subcommands.flatMap { subcommand in
            let called = words + [subcommand._commandName]
            let further = commands(below: subcommand, after: called)
            return further.isEmpty ? [(called, subcommand)] : further
        }
    }

    @Test func `every command stands in it`() {
        for command in Self.commands() {
            let item = ".It Cm " + command.words.joined(separator: " ")
            #expect(lines.contains { $0 == item || $0.hasPrefix(item + " ") }, "\(item)")
        }
    }

    /// Those that every user may call are listed, in the order of their names.
    @Test func `who may call a command is what the program says`() throws {
        let begin = try #require(lines.firstIndex(of: "Every user of the host may call"))
        let end = try #require(lines[begin...].firstIndex { $0.hasPrefix("Keys, warnings") })
        let listed = lines[begin..<end].filter { $0.hasPrefix(".Cm ") }.compactMap { $0.split(separator: " ").dropFirst().first }
        let open = CommandRights.all.filter { $0.value.right == .everyone }.keys.sorted()
        #expect(listed.map(String.init) == open + ["log-level", "client-config"])
        let owners = CommandRights.all.filter { $0.value.right == .owner }.keys
        for command in owners {
            #expect(lines[end...].prefix(3).contains(".Cm " + command), "\(command)")
        }
    }

    @Test func `every option stands in it`() {
        let text = lines.joined(separator: "\n")
        for command in Self.commands() {
            // An option's own line begins with it; a text may name one of another program.
            let listed = Wstanctl.helpMessage(for: command.type).matches(of: /\n  (?:-[a-z], )?--([a-z]+(?:-[a-z]+)*)/)
            for option in listed.map({ $0.output.1 }) where !["help", "version"].contains(option) {
                #expect(text.contains("Fl Fl \(option)"), "\(command.words.joined(separator: " ")) --\(option)")
            }
        }
    }
}
