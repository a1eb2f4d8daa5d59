import ArgumentParser
import WstanControl

struct Wstanctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wstanctl",
        abstract: "Show and control wstand, and set it up.",
        discussion: """
            \(CommandRights.summary) -i, --user, --socket and --json may also stand before the command.

            Exit status: 0 success, 1 failure, 3 not running, 4 not permitted, 64 wrong usage, 69 server not reached (doctor), \
            78 wrong configuration. The statuses of check are those of a Nagios plugin.
            """,
        version: "wstanctl \(Release.version)",
        groupedSubcommands: [
            CommandGroup(name: "Setup", subcommands: [InitCommand.self]),
            CommandGroup(
                name: "Status and diagnosis",
                subcommands: [
                    StatusCommand.self, CheckCommand.self, TunnelsCommand.self, TopCommand.self, RejectsCommand.self,
                    PoolCommand.self, KeysCommand.self, InstancesCommand.self, LogsCommand.self, DoctorCommand.self,
                ]),
            CommandGroup(
                name: "Keys",
                subcommands: [
                    RotateKeyCommand.self, AddKeyCommand.self, RetireKeyCommand.self, RotateServerKeyCommand.self,
                    ClientConfigCommand.self,
                ]),
            CommandGroup(
                name: "Configuration and tunnels",
                subcommands: [
                    CheckConfigCommand.self, ReloadCommand.self, DrainCommand.self, UndrainCommand.self, CloseCommand.self,
                    LogLevelCommand.self,
                ]),
        ], defaultSubcommand: StatusCommand.self)
}
