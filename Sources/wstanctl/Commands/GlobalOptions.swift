/// Options that every command has, and that may also stand before it: `wstanctl -i home tunnels`.
enum GlobalOptions {
    /// - Returns: the arguments with such options behind the command, where it looks for them.
    static func behindCommand(_ arguments: [String]) -> [String] {
        let rest = command(in: arguments)
        guard let command = rest.first else { return arguments }
        return [command] + arguments[..<rest.startIndex] + rest.dropFirst()
    }

    /// - Returns: the arguments from the command on; none without a command, where the default one takes all as they are.
    static func command(in arguments: [String]) -> ArraySlice<String> {
        var rest = arguments[...]
        while let first = rest.first {
            if first == "--user" || first == "--json" {
                rest = rest.dropFirst()
            } else if ["-i", "--instance", "--socket"].contains(first), rest.count > 1 {
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--instance=") || first.hasPrefix("--socket=") || isShortWithValue(first) {
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        return rest.first?.hasPrefix("-") == false ? rest : []
    }

    /// `-ihome`
    private static func isShortWithValue(_ argument: String) -> Bool {
        argument.hasPrefix("-i") && argument.utf8.count > 2
    }
}
