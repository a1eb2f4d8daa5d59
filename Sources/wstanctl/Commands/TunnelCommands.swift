import ArgumentParser
import WstanControl

struct TunnelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tunnels", abstract: "List the tunnels, with what they carry.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "List only tunnels that are connecting, using, resetting or idle; may be repeated.")
    var state: [Control.TunnelState] = []
    @Flag(help: "Refresh the list in place until q or Ctrl-C; in a pipe, print a line for every change.")
    var watch = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        var conversation = try daemon.begin(
            ListTunnels.self, .init(states: state.isEmpty ? nil : state, follow: watch ? true : nil))
        let listing = try conversation.list { if output.json { Terminal.sayJSON($0) } }
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
        var scroll = Scroll()
        let source = FollowedCall(conversation) { reply in
            meter.add(listing.add(reply))
            return true
        }
        try Watch.run(source) { scroll.press($0) } draw: { manner, height in
            meter.tick(now: Terminal.now)
            return TunnelView(listing.tunnels, title: title, flow: meter.flow)
                .picture(height: height, &scroll, now: Terminal.now, manner: manner)
        }
    }
}

struct CloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a tunnel, and the connection that it carries.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The number of the tunnel, as in \"wstanctl tunnels\".")
    var id: Int

    func run() throws {
        let reply = try DaemonClient(daemon).call(CloseTunnel.self, .init(id: id))
        if output.json { Terminal.sayJSON(reply) } else { Terminal.say("Tunnel \(id) is closed.") }
    }
}

extension Control.TunnelState: ExpressibleByArgument {}
