import ArgumentParser
import Glibc
import WstanControl

/// Which daemon is meant, and how to say what it answers.
struct DaemonOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The instance, as in wstand@NAME. Without it the only one that runs.")
    var instance: String?

    @Option(help: "The path of the control socket, instead of an instance's.")
    var socket: String?

    func validate() throws {
        if instance != nil, socket != nil { throw ValidationError("name an instance or a socket, not both") }
        if let instance, instance.contains("/") || instance.isEmpty {
            throw ValidationError("an instance is the NAME of wstand@NAME")
        }
    }
}

/// For the commands that print something.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the reply as JSON, one object a line, by the fields of org.wstan.control.")
    var json = false
}

/// What this program ends with, beside 64 for wrong usage.
enum Status {
    static let failed = ExitCode(1)
    static let notRunning = ExitCode(3)
    static let notPermitted = ExitCode(4)
}

/// The daemon that the options name.
struct Daemon {
    let path: String
    /// What starts it, in the words of systemctl.
    let unit: String

    init(_ options: DaemonOptions) throws {
        if let socket = options.socket {
            self.init(path: socket, unit: "wstand")
        } else if let instance = options.instance {
            self.init(path: "/run/wstand-\(instance)/control", unit: "wstand@\(instance)")
        } else {
            let running = Self.running()
            switch running.count {
            case 0: self.init(path: "/run/wstand/control", unit: "wstand")
            case 1: self = running[0]
            default:
                Terminal.complain("several are running; choose one with -i or --socket:")
                for daemon in running { Terminal.complain("  \(daemon.unit)  \(daemon.path)") }
                throw ExitCode(64)
            }
        }
    }

    private init(path: String, unit: String) {
        self.path = path
        self.unit = unit
    }

    /// Those of this host that have a socket where the units put it.
    private static func running() -> [Daemon] {
        var found: [Daemon] = []
        if access("/run/wstand/control", F_OK) == 0 { found.append(Daemon(path: "/run/wstand/control", unit: "wstand")) }
        guard let directory = opendir("/run") else { return found }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("wstand-"), access("/run/\(name)/control", F_OK) == 0 else { continue }
            found.append(Daemon(path: "/run/\(name)/control", unit: "wstand@" + name.dropFirst(7)))
        }
        return found.sorted { $0.unit < $1.unit }
    }

    // MARK: Calls

    /// - Throws: the exit status; the reason has been told.
    func call<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws(ExitCode) -> Method.Reply {
        do throws(ControlConnection.Failure) {
            return try ControlConnection(to: path).call(method, parameters)
        } catch {
            throw fail(error)
        }
    }

    /// Hands every reply to `body`, until that returns false.
    func callMore<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, _ body: (Method.Reply) -> Bool
    ) throws(ExitCode) {
        do throws(ControlConnection.Failure) {
            var replies = try ControlConnection(to: path).callMore(method, parameters)
            while let reply = try replies.next() {
                guard body(reply) else { return }
            }
        } catch {
            throw fail(error)
        }
    }

    private func fail(_ failure: ControlConnection.Failure) -> ExitCode {
        Terminal.complain(FailureText.text(failure, unit: unit, path: path))
        switch failure {
        case .notRunning: return Status.notRunning
        case .notPermitted: return Status.notPermitted
        case .refused, .ended, .malformed, .timedOut, .tooLong, .system: return Status.failed
        }
    }
}
