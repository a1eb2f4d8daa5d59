import ArgumentParser
import WstanControl

struct TunnelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tunnels", abstract: "Lists the tunnels, with what they carry.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Only those that are connecting, using, resetting or idle; may be repeated.")
    var state: [Control.TunnelState] = []
    @Flag(help: "Refresh the list in place until Ctrl-C or q; in a pipe go on with a line for every change.")
    var watch = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        var conversation = try daemon.begin(
            ListTunnels.self, .init(states: state.isEmpty ? nil : state, follow: watch ? true : nil))
        var listing = TunnelListing()
        while !listing.isComplete {
            guard let reply = try conversation.next(timeout: DaemonClient.patience) else {
                throw Failure(.malformed("a list without an end"), of: daemon.instance)
            }
            if output.json { Terminal.sayJSON(reply) }
            listing.add(reply)
        }
        if output.json {
            while watch, let reply = try conversation.next() { Terminal.sayJSON(reply) }
        } else if watch, Terminal.isInteractive {
            try follow(conversation, listing, title: daemon.instance.title)
        } else {
            Terminal.say(TunnelTable(listing.tunnels, now: Terminal.now, manner: Terminal.manner).lines.joined(separator: "\n"))
            while watch, let reply = try conversation.next() {
                guard let tunnel = reply.tunnel else { continue }
                Terminal.say(TunnelTable.change(tunnel, reply.event ?? .changed, now: Terminal.now))
            }
        }
    }

    private func follow(_ conversation: Conversation<ListTunnels>, _ listing: TunnelListing, title: String) throws(Failure) {
        var listing = listing
        var meter = TrafficMeter(now: Terminal.now)
        try Watch.run(conversation) { reply in
            meter.add(listing.add(reply))
            return true
        } draw: { manner, height in
            meter.tick(now: Terminal.now)
            return TunnelView(listing.tunnels, title: title, meter: meter).lines(height: height, now: Terminal.now, manner: manner)
        }
    }
}

struct CloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Closes a tunnel, and the connection that it carries.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Its number, from wstanctl tunnels.")
    var id: Int

    func run() throws {
        let reply = try DaemonClient(daemon).call(CloseTunnel.self, .init(id: id))
        if output.json { Terminal.sayJSON(reply) } else { Terminal.say("Tunnel \(id) is closed.") }
    }
}

extension Control.TunnelState: ExpressibleByArgument {}
