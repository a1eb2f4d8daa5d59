import ArgumentParser
import Glibc
import WstanControl

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Test the way to the other end step by step, and say what to change.",
        discussion: "It runs wstand --doctor with the configuration of the instance, which need not be running.")

    @OptionGroup var place: InstanceOptions
    @Option(help: ConfigurationFileOptions.help, completion: .file())
    var config: String?
    /// It may stand before the command: `wstanctl --socket PATH doctor`.
    @Option(help: .private)
    var socket: String?

    func validate() throws {
        if socket != nil { throw ConfigurationFileOptions.socketIsNoFile }
    }

    func run() throws {
        try Handover.run(Handover.wstand, ["--doctor", "--config", try config ?? place.choose().configurationThatIs()])
    }
}

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Check the configuration files, and change nothing.",
        discussion: "If wstand is not running, or with --config, it runs wstand --check-config.")

    @OptionGroup var file: ConfigurationFileOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        guard file.config == nil else { return try check() }
        let instance = try file.daemon.choose()
        let reply: CheckConfiguration.Reply
        do throws(Failure) {
            reply = try DaemonClient(instance).call(CheckConfiguration.self, .init())
        } catch {
            guard error.status == .notRunning, !instance.isElsewhere, !output.json else { throw error }
            return try check()
        }
        if output.json {
            Terminal.sayJSON(reply)
        } else {
            Terminal.say(LifeText.lines(reply.diagnostics, Terminal.manner).joined(separator: "\n"))
        }
        if reply.diagnostics.contains(where: { $0.severity == .error }) { throw ExitCode.configuration }
    }

    private func check() throws {
        if output.json { throw ValidationError("--json needs an instance that is running") }
        try Handover.run(Handover.wstand, ["--check-config", "--config", try file.path()])
    }
}

/// Whose configuration file is meant.
struct ConfigurationFileOptions: ParsableArguments {
    @OptionGroup var daemon: DaemonOptions
    @Option(help: Self.help, completion: .file())
    var config: String?

    static var socketIsNoFile: ValidationError {
        ValidationError("a socket does not tell where the configuration is: use --config")
    }

    static let help: ArgumentHelp = "The configuration file, instead of an instance's."

    func path() throws -> String {
        if let config { return config }
        let instance = try daemon.choose()
        guard !instance.isElsewhere else {
            throw Self.socketIsNoFile
        }
        return try instance.configurationThatIs()
    }
}

extension Instance {
    /// - Throws: for an instance that is not set up. One that runs may have been started in another way.
    fileprivate func configurationThatIs() throws(Failure) -> String {
        guard !isUnknown || access(socket, F_OK) == 0 else { throw Failure.unknown(self) }
        return configuration
    }
}

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show the log of the instance, or of all of them.",
        discussion: "It runs journalctl, with the arguments that follow.")

    @OptionGroup var place: InstanceOptions
    @Argument(parsing: .allUnrecognized, help: "Options of journalctl.")
    var arguments: [String] = []

    func run() throws {
        try Handover.run("journalctl", units + arguments)
    }

    /// Without an instance all are meant: those that do not run have logs as well.
    private var units: [String] {
        if let named = place.named { return named.journalArguments }
        let running = InstanceSearch.running()
        return running.count == 1 ? running[0].journalArguments : ["-u", "wstand", "-u", "wstand@*"]
    }
}
