import ArgumentParser
import WstanControl

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the status on one screen (default).")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Refresh every second until Ctrl-C or q; in a pipe, print one status after the other.")
    var watch = false

    private static let glance = 500_000
    private static let refresh = 1_000_000

    func run() throws {
        let daemon = try DaemonClient(daemon)
        if watch {
            try follow(daemon)
        } else if output.json {
            Terminal.sayJSON(try daemon.status())
        } else {
            try look(daemon)
        }
    }

    /// Two looks shortly after each other show what flows now. A daemon that goes between them has answered the first.
    private func look(_ daemon: DaemonClient) throws(Failure) {
        var conversation = try daemon.begin(GetStatus.self, .init(intervalUSec: Self.glance))
        guard let first = try conversation.next(timeout: DaemonClient.patience) else { return }
        let second = try? conversation.next(timeout: .seconds(2))
        say(second ?? first, second.map { _ in .init(status: first, interval: Self.glance) }, daemon)
    }

    private func follow(_ daemon: DaemonClient) throws(Failure) {
        var conversation = try daemon.begin(GetStatus.self, .init(intervalUSec: Self.refresh))
        guard var latest = try conversation.next(timeout: DaemonClient.patience) else { return }
        var earlier: StatusText.Earlier?
        guard Terminal.isInteractive, !output.json else {
            var next: GetStatus.Reply? = latest
            while let reply = next {
                if output.json { Terminal.sayJSON(reply) } else { say(reply, earlier, daemon, andLine: true) }
                earlier = .init(status: reply, interval: Self.refresh)
                next = try conversation.next()
            }
            return
        }
        try Watch.run(conversation) { reply in
            earlier = .init(status: latest, interval: Self.refresh)
            latest = reply
            return true
        } draw: { manner, _ in
            StatusText(latest, earlier, now: Terminal.now, systemctl: daemon.instance.systemctl, manner: manner).lines
        }
    }

    private func say(
        _ status: GetStatus.Reply, _ earlier: StatusText.Earlier?, _ daemon: DaemonClient, andLine: Bool = false
    ) {
        let lines = StatusText(
            status, earlier, now: Terminal.now, systemctl: daemon.instance.systemctl, manner: Terminal.manner
        ).lines
        Terminal.say((lines + (andLine ? [""] : [])).joined(separator: "\n"))
    }
}

struct PoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool", abstract: "Shows the pool of idle tunnels, at a server those that clients keep open.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let status = try DaemonClient(daemon).status()
        guard let pool = status.pool else { throw Failure("this wstand tells of no pool") }
        if output.json { return Terminal.sayJSON(pool) }
        Terminal.say(PoolText.lines(pool, status.mode, Terminal.manner).joined(separator: "\n"))
    }
}

struct InstancesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances", abstract: "Lists the instances that run on this host.")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let found = InstanceSearch.running().map { InstanceLine($0, status: try? DaemonClient($0).status()) }
        if output.json { return found.forEach(Terminal.sayJSON) }
        guard !found.isEmpty else {
            throw Failure(FailureText.noneRuns(ExpectedInstances.find()), status: .notRunning)
        }
        Terminal.say(InstanceLine.table(found, manner: Terminal.manner).joined(separator: "\n"))
    }
}

/// What is told of an instance; as JSON with these names.
struct InstanceLine: Encodable {
    let unit: String
    /// As in wstand@NAME.
    let instance: String?
    let socket: String
    /// Absent when it does not answer.
    let mode: Control.Mode?
    let state: Control.DaemonState?
    let tunnelsActive: Int?

    init(_ instance: Instance, status: GetStatus.Reply?) {
        unit = instance.unit
        self.instance = instance.name
        socket = instance.socket
        mode = status?.mode
        state = status?.state
        tunnelsActive = status?.tunnelsActive
    }

    static func table(_ lines: [InstanceLine], manner: Manner) -> [String] {
        let columns = [
            Table.Column("UNIT"), .init("MODE"), .init("STATE"), .init("TUNNELS", .right, rank: 1), .init("SOCKET", least: 8),
        ]
        let rows = lines.map { line in
            [
                line.unit, line.mode?.rawValue ?? "-", line.state?.rawValue ?? "does not answer",
                line.tunnelsActive.map { String($0) } ?? "-", line.socket,
            ]
        }
        return Table(columns, rows, manner: manner).lines
    }
}
