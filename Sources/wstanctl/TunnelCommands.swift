import ArgumentParser
import WstanControl

struct TunnelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tunnels", abstract: "Lists the tunnels, with what they carry.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Only those that are connecting, using, resetting or idle; may be repeated.")
    var state: [String] = []
    @Flag(help: "Go on with a line for every change.")
    var watch = false

    func run() throws {
        let states = try state.map { text in
            guard let state = Control.TunnelState(rawValue: text) else {
                throw ValidationError("a state is connecting, using, resetting or idle")
            }
            return state
        }
        var listed: [Control.Tunnel] = []
        var isListed = false
        let width = Terminal.width
        try Daemon(daemon).callMore(
            ListTunnels.self, .init(states: states.isEmpty ? nil : states, follow: watch ? true : nil)
        ) { reply in
            if output.json {
                Terminal.sayJSON(reply)
            } else if reply.event == .synchronized {
                Terminal.say(TunnelTable(listed, now: Terminal.now, width: width).lines.joined(separator: "\n"))
                isListed = true
            } else if let tunnel = reply.tunnel {
                guard isListed else {
                    listed.append(tunnel)
                    return true
                }
                Terminal.say(
                    TunnelTable.change(tunnel, reply.event ?? .changed, now: Terminal.now, width: width))
            }
            return true
        }
    }
}

struct CloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Closes a tunnel, and the connection that it carries.")

    @OptionGroup var daemon: DaemonOptions
    @Argument(help: "Its number, from wstanctl tunnels.")
    var id: Int

    func run() throws {
        _ = try Daemon(daemon).call(CloseTunnel.self, .init(id: id))
    }
}
