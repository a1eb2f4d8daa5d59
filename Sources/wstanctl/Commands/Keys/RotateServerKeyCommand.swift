import ArgumentParser
import WstanControl

struct RotateServerKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-server-key",
        abstract: "Replace the server's own key of version 2, and list who has not moved from the former one.",
        discussion: """
            Each client of version 2 then needs its new string, from client-config. The former key is accepted for a while, \
            but no longer than until the next rotation.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(
        help: "Accept the former key for this long: 24h, 7d; 0: not at all, which needs --force. (default: 30d)",
        transform: TypedTime.argument)
    var grace: TypedTime?
    @Flag(help: "Rotate even if users cannot connect from then on, and name them.")
    var force = false
    @Flag(help: "Until the next restart only: write nothing.")
    var runtimeOnly = false

    func run() throws {
        let client = try DaemonClient(daemon)
        var reply = try client.call(
            RotateServerKey.self,
            .init(
                graceUSec: grace?.microseconds, force: force ? true : nil, runtimeOnly: runtimeOnly ? true : nil))
        reply.writeKeyFile(of: client.instance)
        if output.json { return Terminal.sayJSON(reply) }
        let keys = try client.keys()
        let grace = grace?.microseconds ?? RotateServerKey.defaultGrace
        Terminal.say(ServerKeyText.rotated(reply, keys, grace: grace, now: Terminal.now).joined(separator: "\n"))
        Terminal.warnOfKey(reply.warnings, isPersisted: reply.persisted || runtimeOnly)
    }
}
