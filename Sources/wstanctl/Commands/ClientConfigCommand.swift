import ArgumentParser
import WstanControl

struct ClientConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client-config", abstract: "Prints a configuration for a client of this server. It holds the key.",
        discussion: "With --pac, at a client, it prints the script that sends browsers through it, which holds no key.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: .customLong("key"), help: "The name whose key it is. Without it the configured one.",
        completion: .custom(KeyNames.complete))
    var name: String?
    @Flag(help: "The proxy script (PAC) of a client, and its address on stderr.")
    var pac = false

    func validate() throws {
        if pac, name != nil || output.json {
            throw ValidationError("--pac prints a script, with which --key and --json do not go")
        }
    }

    func run() throws {
        let daemon = try DaemonClient(daemon)
        guard pac else {
            let reply = try daemon.call(GetClientConfiguration.self, .init(keyName: name))
            if output.json { Terminal.sayJSON(reply) } else { Terminal.write(reply.text) }
            return
        }
        let status = try daemon.status()
        guard status.mode == .client else { throw Failure("\(daemon.instance.title) is a server: a client has such a script") }
        guard let place = PACFetch.place(among: status.listeners) else {
            throw Failure(
                "\(daemon.instance.title) serves no TCP port where browsers could fetch it: see listen in wstan.conf(5)")
        }
        let text = try PACFetch.fetch(from: place)
        Terminal.complain("the script of \(place.url)")
        Terminal.write(text)
    }
}
