import ArgumentParser
import Glibc
import WstanControl

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One screen that says how it is.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let daemon = try Daemon(daemon)
        if output.json { return Terminal.sayJSON(try daemon.call(GetStatus.self, .init())) }
        // Two looks, half a second apart: what flows now is the difference.
        var first: GetStatus.Reply?
        try daemon.callMore(GetStatus.self, .init(intervalUSec: Self.interval)) { reply in
            guard let before = first else {
                first = reply
                return true
            }
            let text = StatusText(
                reply, before: before, interval: Self.interval, now: Terminal.now, paint: Paint(isOn: Terminal.hasColor))
            Terminal.say(text.lines.joined(separator: "\n"))
            return false
        }
    }

    private static let interval = 500_000
}
