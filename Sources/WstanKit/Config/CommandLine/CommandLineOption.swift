/// One option of the command line; the settings' own are made from the table.
struct CommandLineOption: Sendable {
    enum Meaning: Sendable {
        case help
        case version
        case generateKey
        case secondVersion
        case clientKey
        case checkConfiguration
        case doctor
        case printConfiguration
        case strict
        case file
        case stdio
        case forward
        case python(PythonKey)
        /// More than one where a key stands in the client's and in the server's section.
        case settings([SettingKey])
    }

    enum Argument: Sendable, Equatable {
        case none
        /// Only after `=`: Python has it as a flag, so the next word belongs to something else.
        case attachedFlag
        case required(String)
    }

    enum Group: String, Sendable, CaseIterable {
        case general = "options"
        case client = "client options"
        case server = "server options"
        case tls = "TLS options"
    }

    let name: String
    var letter: Character?
    let meaning: Meaning
    var argument = Argument.none
    let group: Group
    let purpose: String
    /// A prefix that Python's argparse accepts keeps its meaning, whatever we have added.
    var isPython = true
}

extension CommandLineOption {
    static let all: [CommandLineOption] = own + settings

    private static let own: [CommandLineOption] = [
        CommandLineOption(
            name: "help", letter: "h", meaning: .help, group: .general, purpose: "show this help and exit"),
        CommandLineOption(
            name: "gen-key", letter: "g", meaning: .generateKey, group: .general,
            purpose: "print a new key of version 1 (with --v2: two strings of version 2), and exit"),
        CommandLineOption(
            name: "v2", meaning: .secondVersion, group: .general,
            purpose: "with --gen-key: print a server's string of version 2, then its client's", isPython: false),
        CommandLineOption(
            name: "client-key", meaning: .clientKey, group: .general,
            purpose: "read a server's string of version 2 from stdin, print its client's, and exit", isPython: false),
        CommandLineOption(
            name: "client", letter: "c", meaning: .python(.client), group: .general,
            purpose: "run as a client: a SOCKS and HTTP proxy (default)"),
        CommandLineOption(
            name: "server", letter: "s", meaning: .python(.server), group: .general, purpose: "run as server"),
        CommandLineOption(
            name: "debug", letter: "d", meaning: .python(.debug), group: .general,
            purpose: "same as --log-level=debug"),
        CommandLineOption(
            name: "ini", letter: "i", meaning: .file, argument: .required("FILE"), group: .general,
            purpose: "read this configuration file, wstan.conf or the Python wstan's"),
        CommandLineOption(
            name: "config", meaning: .file, argument: .required("FILE"), group: .general, purpose: "same as --ini",
            isPython: false),
        CommandLineOption(
            name: "check-config", meaning: .checkConfiguration, group: .general,
            purpose: "check the configuration and the files it names, and exit", isPython: false),
        CommandLineOption(
            name: "print-config", meaning: .printConfiguration, group: .general,
            purpose: "print the settings in force and where each comes from, without secrets, and exit",
            isPython: false),
        CommandLineOption(
            name: "doctor", meaning: .doctor, group: .general,
            purpose: "check each step between client and server, and exit", isPython: false),
        CommandLineOption(
            name: "strict", meaning: .strict, group: .general,
            purpose: "treat unknown keys and sections as errors", isPython: false),
        CommandLineOption(
            name: "stdio", meaning: .stdio, group: .general,
            purpose: "connect stdin and stdout to HOST and PORT through the running client", isPython: false),
        CommandLineOption(
            name: "version", meaning: .version, group: .general, purpose: "show the version and exit", isPython: false),
        CommandLineOption(
            name: "addr", letter: "a", meaning: .python(.addr), argument: .required("HOST"), group: .client,
            purpose: "listen on this host (default localhost)"),
        CommandLineOption(
            name: "port", letter: "p", meaning: .python(.port), argument: .required("PORT"), group: .client,
            purpose: "listen on this port (default 1080)"),
        CommandLineOption(
            name: "forward", meaning: .forward, argument: .required("[udp:]ADDRESS=HOST:PORT"), group: .client,
            purpose: "forward connections from ADDRESS through the tunnel to HOST:PORT; may be repeated",
            isPython: false),
        CommandLineOption(
            name: "tun-addr", letter: "t", meaning: .python(.tunAddr), argument: .required("HOST"), group: .server,
            purpose: "listen on this host instead of the URI's; separate several with commas"),
        CommandLineOption(
            name: "tun-port", letter: "r", meaning: .python(.tunPort), argument: .required("PORT"), group: .server,
            purpose: "listen on this port instead of the URI's"),
    ]

    private static let settings: [CommandLineOption] = {
        var options: [CommandLineOption] = []
        for key in SettingKey.all where !options.contains(where: { $0.name == key.option }) {
            let keys = SettingKey.all.filter { $0.option == key.option }
            options.append(CommandLineOption(twinOf: key, sharedBy: keys))
        }
        return options
    }()

    private init(twinOf key: SettingKey, sharedBy keys: [SettingKey]) {
        name = key.option
        letter = key.letter
        meaning = .settings(keys)
        isPython = key.isPythonOption
        if key.kind.isFlag, key.isPythonOption {
            argument = .attachedFlag
        } else {
            argument = .required(key.kind.placeholder)
        }
        group =
            switch key.section {
            case nil, .control: .general
            case .client: keys.count > 1 ? .general : .client
            case .pool: .client
            case .server: .server
            case .tls: .tls
            }
        var initial = key.initial.isEmpty ? "" : " (default \(key.initial))"
        if key.kind.dependsOnInstance { initial = " (default \(key.initial) with /etc/wstan.conf)" }
        purpose = argument == .attachedFlag ? key.purpose : key.purpose + initial
    }
}
