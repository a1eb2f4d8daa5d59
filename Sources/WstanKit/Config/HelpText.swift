/// The text of `--help`, made from the options, so that it cannot leave one out.
enum HelpText {
    private static let width = 80
    private static let margin = 30

    /// For a command line without a word.
    static let brief = """
        wstand: what to do is missing: a configuration file, or the server's URI and a key.

          wstand --config /etc/wstan.conf
          wstand ws://server.example.com:8080/ --key-file KEYFILE        a client; with -s its server

        wstand --help lists all options, wstand --gen-key makes a key, wstanctl init a configuration.
        """

    static let text: String = {
        var lines = [
            "usage: wstand [options] [URI] [KEY]",
            "       wstand [-p PORT | -i FILE] --stdio HOST PORT",
            "       wstand --doctor [options] [URI] [KEY]", "",
            "Tunnel TCP and UDP over WebSocket. The URI is the same at both ends.", "",
            "  URI  ws://host:port/path or wss://host:port/path of the server",
            "  KEY  of version 2: the string of this end (see --gen-key --v2). Of version 1, which the Python",
            "       wstan needs: base64 of 16 bytes (see --gen-key) or a passphrase, the same at both ends.",
            "       The process list shows it: prefer --key-file.", "",
            "Options override the file. (In the Python wstan the file overrides options.)",
            "TIME is in seconds or has a unit: 30ms, 5min, 2h. SIZE is in bytes or has a unit: 64K, 1M.",
            "ADDRESS is HOST:PORT or unix:/PATH. TARGETS are networks, names (example.com and all below it,",
            "*.example.com only those below it) or * for all, with :PORT or :FROM-TO if needed, or :PORT alone.",
        ]
        for group in CommandLineOption.Group.allCases {
            lines += ["", "\(group.rawValue):"]
            for option in CommandLineOption.all where option.group == group { lines += entry(option) }
        }
        lines += [
            "", "examples:",
            "  wstand --gen-key --v2",
            "  wstand -s ws://0.0.0.0:8080/ --key-file /etc/wstan/key",
            "  wstand ws://example.com:8080/ --key-file /etc/wstan/client.key -p 1081",
            "  ssh -o ProxyCommand='wstand --stdio %h %p' host.example.com", "",
            "--stdio reads user:password from WSTAN_PROXY_AUTH if the client has a users-file.", "",
            "exit status: 0 success, 1 failure, 64 wrong command line, 69 no client is running (--stdio)",
            "or the server cannot be reached (--doctor), 78 wrong configuration",
        ]
        return lines.joined(separator: "\n")
    }()

    private static func entry(_ option: CommandLineOption) -> [String] {
        var synopsis = option.letter.map { "  -\($0), --\(option.name)" } ?? "      --\(option.name)"
        switch option.argument {
        case .none: break
        case .attachedFlag: synopsis += "[=yes|no]"
        case .required(let placeholder): synopsis += "=\(placeholder)"
        }
        var lines: [String] = []
        var line = synopsis
        // An option too long for its column has its text begin on the next line.
        if line.count >= margin {
            lines.append(line)
            line = ""
        }
        line = padded(line)
        for word in option.purpose.split(separator: " ") {
            if line.count + 1 + word.count > width {
                lines.append(line)
                line = padded("")
            }
            line += line.count == margin ? String(word) : " \(word)"
        }
        return lines + [line]
    }

    private static func padded(_ text: String) -> String {
        text + String(repeating: " ", count: max(0, margin - text.count))
    }
}
