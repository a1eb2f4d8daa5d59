import ArgumentParser
import WstanControl

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Has wstand read its configuration again, and say what it finds.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let reply = try Daemon(daemon).call(CheckConfiguration.self, .init())
        if output.json {
            Terminal.sayJSON(reply)
        } else if reply.diagnostics.isEmpty {
            Terminal.say("The configuration is good.")
        }
        if !output.json { for diagnostic in reply.diagnostics { Terminal.say(FailureText.text(diagnostic)) } }
        if reply.diagnostics.contains(where: { $0.severity == .error }) { throw ExitCode(78) }
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Puts the configuration in force as it is in the files now, or says why not and changes nothing.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let reply = try Daemon(daemon).call(Reload.self, .init())
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(reply.changed.isEmpty ? "Nothing to take over." : "In force: \(reply.changed.joined(separator: ", "))")
        if !reply.requiresRestart.isEmpty {
            Terminal.say("Needs a restart: \(reply.requiresRestart.joined(separator: ", "))")
        }
        for warning in reply.warnings ?? [] { Terminal.complain("warning: \(warning)") }
    }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Takes nothing new on, and waits until what is under way has finished.",
        discussion: "Ctrl-C ends the waiting, not the drain: wstanctl undrain does that.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "At most so long: 90s, 15min, 24h. Without it as long as it takes.")
    var timeout: String?
    @Flag(help: "wstand ends afterwards.")
    var exit = false

    func validate() throws {
        if let timeout, Amount.microseconds(timeout) == nil {
            throw ValidationError("--timeout takes a time such as 90s or 15min")
        }
    }

    func run() throws {
        var left = 0
        try Daemon(daemon).callMore(
            Drain.self, .init(timeoutUSec: timeout.flatMap(Amount.microseconds), exit: exit ? true : nil)
        ) { reply in
            if output.json {
                Terminal.sayJSON(reply)
            } else if reply.tunnelsActive > 0 {
                Terminal.say("\(reply.tunnelsActive) tunnels in use")
            }
            left = reply.tunnelsActive
            return true
        }
        if !output.json { Terminal.say(left == 0 ? "drained" : "\(left) tunnels are still in use") }
    }
}

struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Takes new things on again.")

    @OptionGroup var daemon: DaemonOptions

    func run() throws {
        _ = try Daemon(daemon).call(Undrain.self, .init())
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level", abstract: "Changes how much is logged, until the next restart.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "debug, info, notice, warning or error.")
    var level: String

    func run() throws {
        guard let wanted = Control.LogLevel(rawValue: level) else {
            throw ValidationError("a level is debug, info, notice, warning or error")
        }
        let reply = try Daemon(daemon).call(SetLogLevel.self, .init(level: wanted))
        if output.json { Terminal.sayJSON(reply) } else { Terminal.say("\(level) now, \(reply.former.rawValue) before") }
    }
}
