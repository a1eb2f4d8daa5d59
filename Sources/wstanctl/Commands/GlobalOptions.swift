/// Options that every command has, and that may stand before it, too: `wstanctl -i home tunnels`.
enum GlobalOptions {
    /// - Returns: the arguments with such options behind the command, where it looks for them.
    static func behindCommand(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        while let first = rest.first {
            if ["-i", "--instance", "--socket"].contains(first), rest.count > 1 {
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--instance=") || first.hasPrefix("--socket=") || isShortWithValue(first) {
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        // Without a command it is the default one's, which takes them where they are.
        guard let command = rest.first, !command.hasPrefix("-") else { return arguments }
        return [command] + arguments[..<rest.startIndex] + rest.dropFirst()
    }

    /// `-ihome`
    private static func isShortWithValue(_ argument: String) -> Bool {
        argument.hasPrefix("-i") && argument.utf8.count > 2
    }
}
