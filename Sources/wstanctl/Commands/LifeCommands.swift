import ArgumentParser
import WstanControl

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Puts the configuration in force as it is in the files now, or says why not and changes nothing.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let reply = try DaemonClient(daemon).call(Reload.self, .init())
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(LifeText.lines(reply).joined(separator: "\n"))
        Terminal.warn(reply.warnings)
    }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Stop accepting new tunnels and wait for open ones.",
        discussion: "Ctrl-C ends the waiting, but not the drain: wstanctl undrain does that.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Wait at most this long: 90s, 15min, 24h. (default: as long as it takes)", transform: TypedTime.argument)
    var timeout: TypedTime?
    @Flag(help: "Then end wstand.")
    var exit = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        var conversation = try daemon.begin(
            Drain.self, .init(timeoutUSec: timeout?.microseconds, exit: exit ? true : nil))
        var left: Int?
        do throws(Failure) {
            while let reply = try conversation.next() {
                // The last one repeats the one before it.
                if output.json {
                    Terminal.sayJSON(reply)
                } else if reply.tunnelsActive > 0, reply.tunnelsActive != left {
                    Terminal.say(Amount.count(reply.tunnelsActive, "tunnel") + " in use")
                }
                left = reply.tunnelsActive
            }
        } catch {
            // It may be gone before it has said the last word.
            guard exit, left != nil, InstanceEnd.has(daemon.instance) else { throw error }
            if !output.json { Terminal.say("ended") }
            return
        }
        guard let left else { return }
        if left > 0, !exit {
            throw Failure(
                "timed out with \(Amount.count(left, "tunnel")) still in use. No new tunnels are accepted until wstanctl undrain.")
        }
        if !output.json { Terminal.say(left == 0 ? "drained" : "\(Amount.count(left, "tunnel")) ended with it") }
    }
}

/// Whether a daemon has ended.
private enum InstanceEnd {
    static func has(_ instance: Instance) -> Bool {
        do throws(ControlConnection.Failure) {
            _ = try ControlConnection(to: instance.socket, timeout: .seconds(1))
            return false
        } catch {
            return error == .notRunning
        }
    }
}

struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "undrain", abstract: "Accept new tunnels again.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let reply = try DaemonClient(daemon).call(Undrain.self, .init())
        if output.json { Terminal.sayJSON(reply) } else { Terminal.say("New tunnels are accepted again.") }
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level", abstract: "Set the log level until the next reload, or show it.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "debug, info, notice, warning or error.")
    var level: Control.LogLevel?

    func run() throws {
        guard let level else { return try show() }
        let reply = try DaemonClient(daemon).call(SetLogLevel.self, .init(level: level))
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say("\(level.rawValue) now, \(reply.former.rawValue) before")
    }

    private func show() throws(Failure) {
        guard let level = try DaemonClient(daemon).status().logLevel else {
            throw Failure("wstand does not tell its log level: its version differs from wstanctl's")
        }
        if output.json { Terminal.sayJSON(["level": level]) } else { Terminal.say(level.rawValue) }
    }
}

extension Control.LogLevel: ExpressibleByArgument {}

/// A time as it is typed.
struct TypedTime: ExpressibleByArgument {
    let microseconds: Int

    init?(argument: String) {
        guard let microseconds = Amount.microseconds(argument) else { return nil }
        self.microseconds = microseconds
    }

    /// For options: a text that is refused is refused with the reason.
    @Sendable static func argument(_ text: String) throws -> TypedTime {
        guard let time = TypedTime(argument: text) else {
            throw ValidationError("a time is a number with a unit, such as 90s, 15min, 24h or 7d")
        }
        return time
    }

    var defaultValueDescription: String { Amount.time(microseconds: microseconds) }
}

/// What a command has done, for a person.
enum LifeText {
    static func lines(_ reply: Reload.Reply) -> [String] {
        func list(_ names: [String]) -> String { names.map(Printable.text).joined(separator: ", ") }
        let changed = reply.changed.isEmpty ? "Nothing to take over." : "In force: \(list(reply.changed))"
        return [changed] + (reply.requiresRestart.isEmpty ? [] : ["Needs a restart: \(list(reply.requiresRestart))"])
    }

    static func lines(_ diagnostics: [Control.Diagnostic], _ manner: Manner) -> [String] {
        guard !diagnostics.isEmpty else { return ["The configuration is good."] }
        return diagnostics.map { diagnostic in
            let text = FailureText.text(diagnostic)
            return diagnostic.severity == .error ? manner.bad(text) : manner.doubtful(text)
        }
    }
}
