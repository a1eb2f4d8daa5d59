import ArgumentParser
import Testing
import WstanControl

@testable import wstanctl

/// What is typed, and which daemon it means.
@Suite struct ArgumentTests {
    @Test(arguments: [
        ("", ""), ("status", "status"), ("-i home", "-i home"), ("-i home tunnels --watch", "tunnels -i home --watch"),
        ("--instance=home keys", "keys --instance=home"), ("--socket /x reload --json", "reload --socket /x --json"),
        ("-ihome -i other status", "status -ihome -i other"), ("-i", "-i"), ("--json", "--json"),
        ("--user doctor", "doctor --user"), ("--user", "--user"), ("-i home --user keys", "keys -i home --user"),
        ("--json status", "status --json"), ("-i home --json --user keys", "keys -i home --json --user"),
        ("--help reload", "--help reload"), ("-i home --json", "-i home --json"),
        ("tunnels -i home", "tunnels -i home"),
    ])
    func `options of every command may stand before it`(given: String, made: String) {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(GlobalOptions.behindCommand(words(given)) == words(made))
    }

    @Test(arguments: [
        ("home", "home"), ("wstand@home", "home"), ("wstand@home.service", "home"), ("home.service", "home"),
        ("wstand@wstand", "wstand"),
    ])
    func `an instance by its name or its unit's`(text: String, name: String) {
        #expect(UnitName(text)?.instance == name)
    }

    @Test func `wstand is the instance without a name`() {
        #expect(UnitName("wstand").map(\.instance) == .some(nil))
        #expect(UnitName("wstand.service").map(\.instance) == .some(nil))
    }

    @Test(arguments: ["", "a/b", "..", ".x", "-x", "a b", "é", "wstand@", String(repeating: "x", count: 65)])
    func `what can be no instance is refused`(text: String) {
        #expect(UnitName(text) == nil)
    }

    @Test func `a socket's path tells whose it is`() {
        func instance(_ path: String) -> Instance { Instance.at(socket: path, userDirectory: "/run/user/7") }
        #expect(instance("/run/wstand/control") == Instance(name: nil, manager: .system, below: "/run"))
        #expect(instance("/run/wstand-a/control") == Instance(name: "a", manager: .system, below: "/run"))
        #expect(instance("/run/user/7/wstand-a/control") == Instance(name: "a", manager: .user, below: "/run/user/7"))
        for path in [
            "/run/wstandx/control", "/run/wstand-/control", "/run/wstand-a/b/control", "/tmp/x", "x",
            "/run/wstand/contro",
            "/run/wstandcontrol", "/run/wstand/control/",
        ] {
            #expect(instance(path).isElsewhere, "\(path)")
        }
    }

    @Test func `where an instance has its things`() {
        let home = Instance(name: "home", manager: .system, below: "/run")
        #expect(
            (home.unit, home.configuration, home.socket) == (
                "wstand@home", "/etc/wstan/home.conf", "/run/wstand-home/control"
            ))
        #expect(home.startCommand == "systemctl start wstand@home")
        #expect(home.journalArguments == ["-u", "wstand@home"])
        let own = Instance(name: nil, manager: .user, below: "/run/user/7")
        #expect((own.unit, own.startCommand) == ("wstand", "systemctl --user start wstand"))
        #expect(own.configuration(userDirectory: "/home/ann/.config") == "/home/ann/.config/wstan.conf")
        #expect(own.configuration(userDirectory: nil) == "~/.config/wstan.conf")
        let named = Instance(name: "home", manager: .user, below: "/run/user/7")
        #expect(named.configuration(userDirectory: "/x") == "/x/wstan/home.conf")
        #expect(own.journalArguments == ["--user", "-u", "wstand"])
    }

    private static func parse(_ text: String) throws -> ParsableCommand {
        try Wstanctl.parseAsRoot(GlobalOptions.behindCommand(text.split(separator: " ").map(String.init)))
    }

    @Test func `without a command it is status`() throws {
        #expect(try Self.parse("") is StatusCommand)
        #expect((try Self.parse("-i home") as? StatusCommand)?.daemon.instance == "home")
        #expect((try Self.parse("--json") as? StatusCommand)?.output.json == true)
    }

    @Test func `commands take what they take`() throws {
        let rotate = try #require(
            try Self.parse("-i home rotate-key laptop --grace 7d --key-file - --runtime-only") as? RotateKeyCommand)
        #expect(rotate.name == "laptop" && rotate.grace?.microseconds == 604_800_000_000 && rotate.runtimeOnly)
        #expect(rotate.input.keyFile == "-" && rotate.daemon.instance == "home")
        let tunnels = try #require(try Self.parse("tunnels --state using --state idle --watch") as? TunnelsCommand)
        #expect(tunnels.state == [.using, .idle] && tunnels.watch)
        let logs = try #require(try Self.parse("logs -f -n 50 -i home --since today") as? LogsCommand)
        #expect(logs.arguments == ["-f", "-n", "50", "--since", "today"] && logs.place.instance == "home")
        let server = try #require(
            try Self.parse("init server --uri ws://0.0.0.0:9/x --host a.test") as? InitServerCommand)
        #expect(server.uri == TunnelURI("ws://0.0.0.0:9/x") && server.address == PublicAddress("a.test"))
        #expect(!server.python)
        let again = try #require(
            try Self.parse("init server --address wss://a.test/x --dry-run --python") as? InitServerCommand)
        #expect(again.python)
        #expect(again.address == PublicAddress("wss://a.test/x") && again.setup.dryRun)
        let own = try #require(
            try Self.parse("init client --user --uri ws://h/ --key-file k --passphrase") as? InitClientCommand)
        #expect(own.user && own.name == nil && own.keyFile == "k" && own.passphrase)
        let doctor = try #require(try Self.parse("--user doctor") as? DoctorCommand)
        #expect(doctor.place.user)
    }

    @Test(arguments: [
        "nonsense", "status extra", "-i a/b", "-i a --socket /x", "--socket=", "rotate-key --grace soon",
        "tunnels --state busy",
        "close",
        "close x", "log-level loud", "retire-key", "add-key", "drain --timeout -1", "init", "init client",
        "init client a",
        "init client a/b --uri ws://h/", "init client a --uri http://h/", "init client a --uri ws://0.0.0.0:80/",
        "init client a --uri ws://HOST:8080/", "init server --host a:80", "init server --root x",
        "client-config --pac --key a", "rotate-key --passphrase", "add-key a --passphrase",
        "init client --uri ws://h/", "init client a --user --uri ws://h/", "--user --socket /x",
        "init server --name a/b", "doctor --socket /x", "--socket /x doctor", "instances -i a", "--user instances",
    ])
    func `wrong usage is status 64`(text: String) {
        do {
            var command = try Self.parse(text)
            // `init` alone shows its help.
            if text == "init" { return }
            try command.run()
            Issue.record("\(text) was taken")
        } catch {
            #expect(Wstanctl.exitCode(for: error) == ExitCode(64), "\(text): \(error)")
        }
    }

    /// A key on the command line could be read by everybody on the host.
    @Test(arguments: [
        "rotate-key --key x", "add-key a --key x", "init client a --uri ws://h/ --key x", "init server --key x",
    ])
    func `no command takes a key`(text: String) {
        #expect(throws: (any Error).self) { try Self.parse(text) }
    }

    @Test(
        arguments: [
            ("foo", nil), ("statsu", "status"), ("key", "keys"), ("-i home tunels", "tunnels"), ("init", ""),
            ("init sever", "server"),
            ("init server", ""), ("help", ""), ("", ""), ("--json", ""), ("rotate", "rotate-key\" or \"rotate-server-key"), ("x", nil),
            ("-i status", ""),
            ("init --help", ""),
        ] as [(String, String?)])
    func `an unknown command is told with the nearest ones`(text: String, near: String?) {
        let failure = UnknownCommand.failure(in: text.split(separator: " ").map(String.init))
        guard near != "" else {
            #expect(failure == nil)
            return
        }
        let word = text.split(separator: " ").last.map(String.init) ?? ""
        let path = text.hasPrefix("init ") ? "wstanctl init" : "wstanctl"
        let hint = near.map { "Did you mean \"\($0)\"? " } ?? ""
        #expect(
            failure == Failure("unknown command \"\(word)\". \(hint)\(path) --help lists the commands.", status: .usage)
        )
    }

    @Test func `each command's help has an example, which is one`() throws {
        func names(_ command: ParsableCommand.Type, _ path: [String]) -> [[String]] {
            [path]
                + command.configuration.subcommands.flatMap { names($0, path + [$0.configuration.commandName ?? ""]) }
        }
        for path in names(Wstanctl.self, []) {
            let name = path.joined(separator: " ")
            let example = try #require(Examples.all[name], "\(name) has no example")
            #expect(example.contains("wstanctl") && (path.isEmpty || example.contains(" \(name)")))
            let help: String
            do {
                var command = try Wstanctl.parseAsRoot(path + ["--help"])
                try command.run()
                help = ""
            } catch {
                help = Wstanctl.fullMessage(for: error)
            }
            let shown = Examples.added(to: help)
            #expect(shown.contains("\nEXAMPLE:\n  \(example)"), "\(name)")
            #expect(shown.contains("\nPERMITTED:\n") == (CommandRights.all[name] != nil), "\(name)")
        }
        #expect(Set(Examples.all.keys) == Set(names(Wstanctl.self, []).map { $0.joined(separator: " ") }))
    }

    @Test func `a text of the help tells the reader what to do`() {
        func check(_ command: ParsableCommand.Type) {
            let first = command.configuration.abstract.split(separator: " ").first.map(String.init) ?? ""
            #expect(!first.isEmpty && (!first.hasSuffix("s") || first.hasSuffix("ss")), "\(command): \(first)")
            command.configuration.subcommands.forEach(check)
        }
        check(Wstanctl.self)
    }

    @Test func `who may call a command is said in one way`() throws {
        let summary = CommandRights.summary
        #expect(
            summary.hasPrefix(
                "Any user may call check, instances, pool and status, log-level without a level, and client-config --pac. "
                    + "client-config prints a key and is for root and the user that wstand runs as. "))
        #expect(Wstanctl.configuration.discussion.hasPrefix(summary))
        #expect(CommandRights.text(of: "pool") == "any user")
        #expect(CommandRights.text(of: "doctor") == nil)
        for command in CommandRights.all.keys {
            #expect(Wstanctl.configuration.subcommands.contains { $0._commandName == command }, "\(command)")
        }
        let home = Instance(name: "home", manager: .system, below: "/run")
        let denied = ControlConnection.Failure.refused(.permissionDenied)
        #expect(
            Failure(denied, of: home, needing: GetClientConfiguration.right).text
                == "not permitted: only root and the user that wstand runs as may do this: use sudo")
        #expect(Failure(denied, of: home, needing: Drain.right).text.contains("the group wstan"))
    }

    @Test func `an instance of this user is told apart, running or not`() throws {
        let own = Instance(name: nil, manager: .user, below: "/run/user/7")
        let system = Instance(name: "home", manager: .system, below: "/run")
        let lines = [own, system].map { InstanceLine(UnitStates.Unit(instance: $0, state: "inactive")) }
        let table = InstanceLine.table(lines, manner: Manner(isUTC: true))
        #expect(table[1].hasPrefix("wstand (user)  ") && table[1].contains("stopped"))
        #expect(table[2].hasPrefix("wstand@home  "))
        let chosen = ExpectedInstances.choose(enabled: [], clients: [], hasServer: false, own: [own])
        #expect(FailureText.noneRuns(chosen) == "wstand (user) is not running. Start it: systemctl --user start wstand")
        #expect(ExpectedInstances.choose(enabled: [own], clients: ["a"], hasServer: true, own: [own]) == [own])
    }

    /// The parser breaks lines by the terminal's width; a text that breaks them too looks torn.
    @Test func `texts of the help have no line breaks of their own`() {
        func check(_ command: ParsableCommand.Type) {
            for paragraph in command.configuration.discussion.split(separator: "\n\n") {
                #expect(!paragraph.contains("\n"), "\(command)")
            }
            command.configuration.subcommands.forEach(check)
        }
        check(Wstanctl.self)
    }

    @Test func `a value is refused with the reason`() {
        for (text, reason) in [
            (
                "init client a --uri foo",
                "The value 'foo' is invalid for '--uri <uri>': a URI begins with ws:// or wss://"
            ),
            ("init server --address a:80", "The value 'a:80' is invalid for '--address <address>': takes a name"),
            (
                "rotate-key --grace soon",
                "The value 'soon' is invalid for '--grace <grace>': a time is a number with a unit"
            ),
            (
                "drain --timeout 5x",
                "The value '5x' is invalid for '--timeout <timeout>': a time is a number with a unit"
            ),
        ] {
            do {
                _ = try Self.parse(text)
                Issue.record("\(text) was taken")
            } catch {
                #expect(Wstanctl.message(for: error).hasPrefix(reason), "\(Wstanctl.message(for: error))")
            }
        }
    }

    @Test func `units by what systemd lists`() {
        let output = """
              wstand.service loaded inactive dead wstan tunnel
            wstand@home.service loaded failed failed wstan tunnel home
            wstand@gone.service not-found inactive dead wstand@gone.service
            nonsense
            """
        #expect(
            UnitStates.units(in: output, .system) == [
                .init(instance: Instance(name: nil, manager: .system, below: "/run"), state: "inactive"),
                .init(instance: Instance(name: "home", manager: .system, below: "/run"), state: "failed"),
            ])
    }

    @Test(arguments: [CompletionShell.bash, .zsh, .fish])
    func `completions know the commands`(shell: CompletionShell) {
        let script = CompletionScript.text(for: shell)
        // ArgumentParser's has changed when one of these is not found in it any longer.
        let before = [
            CompletionShell.bash: "non_repeating_options=(--instance -i --user --socket --json)\n\n    # These may stand before",
            .zsh: "        '--json[Print the reply as JSON, one object a line, by the fields of org.wstan.control.]'\n        '--version",
            .fish: "\ncomplete -c 'wstanctl' -n '__wstanctl_should_offer_completions_for_flags_or_options \"wstanctl\" i instance'",
        ]
        #expect(before[shell].map(script.contains) == true)
        #expect(!Wstanctl.helpMessage(for: DoctorCommand.self).contains("--socket"))
        for word in ["rotate-key", "tunnels", "retire-key", "doctor", "client-config"] { #expect(script.contains(word)) }
    }
}
