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
        commandName: "pool", abstract: "Show the pool of idle tunnels; on a server, those that its clients keep open.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let status = try DaemonClient(daemon).status()
        guard let pool = status.pool else { throw Failure("this wstand tells of no pool") }
        if output.json { return Terminal.sayJSON(pool) }
        Terminal.say(PoolText.lines(pool, status.mode, Terminal.manner).joined(separator: "\n"))
    }
}
