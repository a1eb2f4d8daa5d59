import ArgumentParser

/// The completions of shells: ArgumentParser's, and the options that may also stand before the command (`GlobalOptions`), which
/// it does not know.
enum CompletionScript {
    static func text(for shell: CompletionShell) -> String {
        let script = Wstanctl.completionScript(for: shell)
        switch shell {
        case .bash: return bash(script)
        case .zsh: return zsh(script)
        case .fish: return fish(script)
        default: return script
        }
    }

    /// Where a value of such an option is completed, `status` does it; where one is complete, it is passed over.
    private static func bash(_ script: String) -> String {
        let known = "    local -a non_repeating_options=()\n"
        let passing = """
                local -a non_repeating_options=(--instance -i --user --socket --json)

                # These may stand before the command.
                while [[ "${unparsed_words[0]}" = @(-i|--instance|--user|--socket|--json) && "${#unparsed_words[@]}" -gt 1 ]]; do
                    if [[ "${unparsed_words[0]}" = @(--user|--json) ]]; then
                        unparsed_words=("${unparsed_words[@]:1}")
                        continue
                    fi
                    if [[ "${#unparsed_words[@]}" -eq 2 ]]; then
                        _wstanctl_status
                        return
                    fi
                    unparsed_words=("${unparsed_words[@]:2}")
                done

            """
        return replacingFirst(known, in: script, with: passing)
    }

    private static func zsh(_ script: String) -> String {
        let version = "        '--version[Show the version.]'\n"
        let options = script.split(separator: "\n").filter {
            $0.hasPrefix("        '(--instance -i)'") || $0.hasPrefix("        '--socket[")
                || $0.hasPrefix("        '--user[The instance") || $0.hasPrefix("        '--json[Print the reply")
        }.prefix(4)
        return replacingFirst(version, in: script, with: options.map { $0 + "\n" }.joined() + version)
    }

    private static func fish(_ script: String) -> String {
        let parsing = "        __wstanctl_parse_subcommand 0 'version' 'h/help'\n"
        let known = "        __wstanctl_parse_subcommand 0 'i/instance=' 'user' 'socket=' 'json' 'version' 'h/help'\n"
        let options = script.split(separator: "\n").filter {
            $0.contains("\"wstanctl status\" i instance'") || $0.contains("\"wstanctl status\" socket'")
                || $0.contains("\"wstanctl status\" user'") || $0.contains("\"wstanctl status\" json'")
        }.map { replacingFirst("\"wstanctl status\"", in: String($0), with: "\"wstanctl\"") }
        return ([replacingFirst(parsing, in: script, with: known)] + options).joined(separator: "\n")
    }

    private static func replacingFirst(_ text: String, in script: String, with other: String) -> String {
        var script = script
        if let place = script.firstRange(of: text) { script.replaceSubrange(place, with: other) }
        return script
    }
}
