import ArgumentParser

/// A word in the place of a command that no command has. The parser would take it for an argument of the default command.
enum UnknownCommand {
    /// - Returns: what to say; nil when the command is known, or there is none.
    static func failure(in arguments: [String]) -> Failure? {
        var words = GlobalOptions.command(in: arguments)
        guard let first = words.popFirst() else { return nil }
        if let failure = failure(of: first, in: Wstanctl.self, path: "wstanctl") { return failure }
        // Such as init.
        guard let parent = children(of: Wstanctl.self).first(where: { name(of: $0) == first }),
            !children(of: parent).isEmpty, let second = words.first, !second.hasPrefix("-")
        else { return nil }
        return failure(of: second, in: parent, path: "wstanctl \(first)")
    }

    private static func failure(of word: String, in parent: ParsableCommand.Type, path: String) -> Failure? {
        let names = children(of: parent).map(name) + ["help"]
        // The completion scripts call it with a name of its own.
        guard !names.contains(word), !word.hasPrefix("---") else { return nil }
        let near = nearest(to: word, among: names)
        let hint = near.isEmpty ? "" : "Did you mean \(near.map { "\"\($0)\"" }.joined(separator: " or "))? "
        return Failure(
            "unknown command \"\(Printable.text(word))\". \(hint)\(path) --help lists the commands.", status: .usage)
    }

    private static func children(of command: ParsableCommand.Type) -> [ParsableCommand.Type] {
        command.configuration.subcommands
    }

    private static func name(of command: ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

    /// At most three: those that begin with the word, or else those that a third of its letters sets apart.
    static func nearest(to word: String, among names: [String]) -> [String] {
        guard word.utf8.count >= 2, word.utf8.count <= 32 else { return [] }
        let beginning = names.filter { $0.hasPrefix(word) }
        if !beginning.isEmpty { return Array(beginning.prefix(3)) }
        let distances = names.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
        let least = distances.map(\.1).min() ?? .max
        guard least <= max(1, word.utf8.count / 3) else { return [] }
        return Array(distances.filter { $0.1 == least }.map(\.0).prefix(3))
    }

    /// Insertions, deletions and replacements that turn one into the other.
    private static func distance(_ from: [UInt8], _ into: [UInt8]) -> Int {
        var last = Array(0...into.count)
        for row in from.indices {
            var current = [row + 1]
            for column in into.indices {
                let replaced = last[column] + (from[row] == into[column] ? 0 : 1)
                current.append(min(replaced, last[column + 1] + 1, current[column] + 1))
            }
            last = current
        }
        return last[into.count]
    }
}
