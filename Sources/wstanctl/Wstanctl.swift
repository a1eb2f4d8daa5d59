import ArgumentParser

@main
struct Wstanctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wstanctl",
        abstract: "Looks at a running wstand, and tells it what to do.",
        discussion: """
            Everybody may ask for the status. All else is for root, the user that wstand runs as, and the control group
            (wstan unless the configuration says otherwise).

            Exit status: 0 done, 1 failed, 3 not running, 4 not permitted, 64 wrong usage.
            """,
        version: "wstanctl 0.1.0",
        subcommands: [
            StatusCommand.self, TunnelsCommand.self, CloseCommand.self, KeysCommand.self, RotateKeyCommand.self,
            AddKeyCommand.self, RetireKeyCommand.self, ClientConfigCommand.self, CheckConfigCommand.self,
            ReloadCommand.self, DrainCommand.self, UndrainCommand.self, LogLevelCommand.self,
        ],
        defaultSubcommand: StatusCommand.self)
}
