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
