import ArgumentParser
import WstanControl

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Print one line for a monitor, and exit with its status.",
        discussion: """
            The line and the exit status are those of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, \
            3 UNKNOWN. With OK a connection that is made now works.
            """)

    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print an object with status, text and concerns instead.")
    var json = false

    func run() throws {
        let check: Check
        do throws(Failure) {
            let client = try DaemonClient(daemon)
            check = Check(try client.status(), now: Terminal.now, systemctl: client.instance.systemctl)
        } catch {
            check = Check(error)
        }
        if json { Terminal.sayJSON(check) } else { Terminal.say(check.line) }
        throw ExitCode(check.status.exitCode)
    }
}

/// What a monitor is told.
struct Check: Encodable {
    enum Status: String, Encodable {
        case ok = "OK"
        case warning = "WARNING"
        case critical = "CRITICAL"
        case unknown = "UNKNOWN"

        /// Of the Nagios plugin API.
        var exitCode: Int32 {
            switch self {
            case .ok: 0
            case .warning: 1
            case .critical: 2
            case .unknown: 3
            }
        }

        init(_ severity: Concern.Severity?) {
            switch severity {
            case nil: self = .ok
            case .unknown: self = .unknown
            case .warning: self = .warning
            case .critical: self = .critical
            }
        }
    }

    struct Item: Encodable, Equatable {
        let status: Status
        let text: String
        let advice: String?
    }

    let status: Status
    /// The worst first.
    let concerns: [Item]
    let text: String
    /// Performance data: `tunnels=3 idle=4`.
    private let figures: String

    private enum CodingKeys: CodingKey { case status, text, concerns }

    /// - Parameter systemctl: the command that reaches the daemon's service manager, for the advice.
    init(_ reply: GetStatus.Reply, now: Int, systemctl: String) {
        let found = reply.concerns(now: now, systemctl: systemctl).sorted { $0.severity > $1.severity }
        status = Status(found.first?.severity)
        concerns = found.map { Item(status: Status($0.severity), text: Printable.text($0.text), advice: $0.advice) }
        text = found.isEmpty ? Self.account(reply, now) : concerns.map(\.text).joined(separator: "; ")
        let server = reply.servers?.first { $0.used }
        let roundTrip = server?.rttUSec.map { "rtt=\($0)us" }
        figures = ["tunnels=\(reply.tunnelsActive)", reply.pool.map { "idle=\($0.idle)" }, roundTrip].compactMap { $0 }
            .joined(separator: " ")
    }

    /// A daemon that could not be asked: one that does not run, or does not answer, serves nobody.
    init(_ failure: Failure) {
        status = failure.status == .notRunning || failure.status == .failure ? .critical : .unknown
        concerns = []
        text = failure.text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
        figures = ""
    }

    private static func account(_ reply: GetStatus.Reply, _ now: Int) -> String {
        let tunnels = "\(Amount.count(reply.tunnelsActive, "tunnel")) in use"
        guard let server = reply.servers?.first(where: { $0.used }) else { return "\(reply.mode.rawValue), \(tunnels)" }
        return Printable.text("server \(server.uri) \(server.condition(now)), \(tunnels)")
    }

    /// The bar separates the text from the figures, so none stands in the text.
    var line: String {
        let text = String(text.map { $0 == "|" ? "/" : $0 })
        return "\(status.rawValue) - \(text)" + (figures.isEmpty ? "" : " | \(figures)")
    }
}
