import ArgumentParser
import Glibc
import WstanControl

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Reload the configuration; on errors, report them and keep the current one.",
        discussion: "With --dry-run: exit status 0 if a reload would succeed, 78 if the configuration has errors.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Say what a reload would change and what needs a restart; change nothing.")
    var dryRun = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        let reply = try ask(daemon)
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(LifeText.lines(reply, isDryRun: dryRun, daemon.instance, Terminal.manner).joined(separator: "\n"))
        Terminal.warn(reply.warnings)
    }

    private func ask(_ daemon: DaemonClient) throws(Failure) -> Reload.Reply {
        guard dryRun else { return try daemon.call(Reload.self, .init()) }
        do throws(ControlConnection.Failure) {
            return try daemon.exchange(Reload.self, .init(dryRun: true))
        } catch {
            switch error {
            case .refused(.configurationInvalid(let found)):
                throw Failure(LifeText.wouldFail(found), status: .configuration)
            case .refused(.invalidParameter):
                throw Failure("this wstand cannot do a dry run: it is an older version than wstanctl")
            default: throw Failure(error, of: daemon.instance)
            }
        }
    }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Stop accepting new tunnels and wait for open ones.",
        discussion: "Ctrl-C ends the wait, not the drain. \"wstanctl undrain\" ends the drain.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Wait at most this long: 90s, 15min, 24h. (default: no limit)", transform: TypedTime.argument)
    var timeout: TypedTime?
    @Flag(help: "Stop wstand afterwards.")
    var exit = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        var conversation = try daemon.begin(
            Drain.self, .init(timeoutUSec: timeout?.microseconds, exit: exit ? true : nil))
        let end = InstanceEnd(daemon.instance, conversation.connection)
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
            // It may be gone before its last reply.
            guard exit, left != nil, end.isSeen else { throw error }
            try end.wait()
            if !output.json { Terminal.say("ended") }
            return
        }
        guard let left else { return }
        if left > 0, !exit {
            throw Failure(
                "timed out: \(Amount.count(left, "tunnel")) \(left == 1 ? "is" : "are") still in use; no new tunnels are "
                    + "accepted until \"wstanctl undrain\"")
        }
        if exit { try end.wait() }
        if !output.json { Terminal.say(left == 0 ? "drained" : "\(Amount.count(left, "tunnel")) ended with it") }
    }
}

/// The end of a daemon, which comes after its last reply.
private struct InstanceEnd {
    private let instance: Instance
    private let connection: ControlConnection
    private let process: pid_t?

    /// To end, as systemd's default is.
    private static let patience: Duration = .seconds(90)
    /// To be noticed by what has started it.
    private static let notice: Duration = .seconds(1)
    /// In microseconds.
    private static let pause: UInt32 = 10_000

    init(_ instance: Instance, _ connection: ControlConnection) {
        self.instance = instance
        self.connection = connection
        process = connection.process
    }

    /// Whether it listens no longer.
    var isSeen: Bool {
        do throws(ControlConnection.Failure) {
            _ = try ControlConnection(to: instance.socket, timeout: .seconds(1))
            return false
        } catch {
            return error == .notRunning
        }
    }

    /// Waits until the process has ended and its service manager knows it: a start before that would do nothing.
    func wait() throws(Failure) {
        let deadline = ContinuousClock.Instant.now + Self.patience
        guard connection.waitForEnd(until: deadline) else { throw late }
        guard let process else { return }
        while exists(process), !hasEnded(process) {
            guard deadline > .now else { throw late }
            usleep(Self.pause)
        }
        let noticed = ContinuousClock.Instant.now + Self.notice
        while exists(process), noticed > .now { usleep(Self.pause) }
    }

    private var late: Failure {
        Failure("\(instance.title) has drained and has not ended: \(instance.journalCommand) may say why")
    }

    private func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }

    /// Whether only its status is left, for the process that has started it (proc_pid_stat(5): `PID (NAME) STATE ...`).
    private func hasEnded(_ process: pid_t) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "re") else { return false }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = bytes.prefix(count)
        guard let name = text.lastIndex(of: UInt8(ascii: ")")) else { return false }
        return text.dropFirst(name + 2).first.map { [UInt8(ascii: "Z"), UInt8(ascii: "X")].contains($0) } ?? false
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
        commandName: "log-level", abstract: "Change the log level until the next reload; without a level, show it.")

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
            throw Failure("wstand does not report its log level: its version differs from wstanctl's")
        }
        if output.json { Terminal.sayJSON(["level": level]) } else { Terminal.say(level.rawValue) }
    }
}

extension Control.LogLevel: ExpressibleByArgument {}

/// A time as it is typed.
struct TypedTime: ExpressibleByArgument {
    let microseconds: Int

    init(microseconds: Int) {
        self.microseconds = microseconds
    }

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
    /// - Parameter isDryRun: it is what a reload would have done.
    static func lines(_ reply: Reload.Reply, isDryRun: Bool = false, _ instance: Instance, _ manner: Manner) -> [String] {
        func lines(_ text: String) -> [String] { manner.width.map { Printable.wrapped(text, to: $0) } ?? [text] }
        let changed = reply.changed.map(Printable.text).joined(separator: ", ")
        let restart = { (begin: String) in
            let names = reply.requiresRestart.map { "`\(Printable.text($0))`" }.joined(separator: ", ")
            return lines("\(begin) \(names): \(instance.restartCommand)")
        }
        switch (reply.changed.isEmpty, reply.requiresRestart.isEmpty) {
        case (true, true): return [isDryRun ? "A reload would change nothing." : "No change."]
        case (true, false):
            return restart(isDryRun ? "A reload would apply no change. To apply" : "No change applied. To apply")
        case (false, let needsNoRestart):
            let applied = lines((isDryRun ? "A reload would apply: " : "Applied: ") + changed)
            return applied + (needsNoRestart ? [] : restart("To apply"))
        }
    }

    /// What a dry run has found.
    static func wouldFail(_ diagnostics: [Control.Diagnostic]) -> String {
        (["a reload would fail; the configuration has errors:"] + diagnostics.map { "  " + FailureText.text($0) })
            .joined(separator: "\n")
    }

    static func lines(_ diagnostics: [Control.Diagnostic], _ manner: Manner) -> [String] {
        guard !diagnostics.isEmpty else { return ["The configuration is good."] }
        return diagnostics.map { diagnostic in
            let text = FailureText.text(diagnostic)
            return diagnostic.severity == .error ? manner.bad(text) : manner.doubtful(text)
        }
    }
}
