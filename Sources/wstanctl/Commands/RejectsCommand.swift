import ArgumentParser
import WstanControl

struct RejectsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejects", abstract: "Show what a server has refused lately: from where, why, and how often.",
        discussion: """
            A line stands for one address, cause and key. The 256 lines with the most recent refusals are kept in memory \
            until wstand ends.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Also show connections that were not requests of wstan, as from browsers and scanners.")
    var all = false

    func run() throws {
        let reply = try DaemonClient(daemon).call(ListRejects.self, .init(all: all ? true : nil))
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(RefusalTable.lines(reply, now: Terminal.now, manner: Terminal.manner).joined(separator: "\n"))
    }
}
