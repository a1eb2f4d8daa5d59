import ArgumentParser
import WstanControl

struct ClientConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client-config", abstract: "Print a configuration for a client of this server, with the key.",
        discussion: "With --pac, on a client, print the script that sends browsers through it; it contains no key.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: .customLong("key"), help: "The name of the key. (default: the configured key)",
        completion: .custom(KeyNames.complete))
    var name: String?
    @Flag var version: KeyVersion?
    @Flag(help: "Print the proxy script (PAC) of a client, and its address on stderr.")
    var pac = false

    func validate() throws {
        if pac, name != nil || version != nil || output.json {
            throw ValidationError("--pac excludes --key, --v1, --v2 and --json")
        }
    }

    func run() throws {
        let daemon = try DaemonClient(daemon)
        guard pac else {
            let reply = try daemon.call(GetClientConfiguration.self, .init(keyName: name, version: version?.rawValue))
            if output.json { return Terminal.sayJSON(reply) }
            Terminal.write(Self.text(reply, name: name))
            return Terminal.warn(reply.warnings)
        }
        let status = try daemon.status()
        guard status.mode == .client else {
            throw Failure("\(daemon.instance.title) is a server. Run this on a client.")
        }
        if status.restricted == true, status.listeners.isEmpty {
            throw Failure(FailureText.notPermitted(.group), status: .notPermitted)
        }
        guard let place = PACFetch.place(among: status.listeners) else {
            throw Failure(
                "\(daemon.instance.title) listens on no TCP port, where browsers could fetch it: see listen in wstan.conf(5)"
            )
        }
        let text = try PACFetch.fetch(from: place)
        Terminal.complain("this is \(Printable.text(place.url))")
        Terminal.write(Printable.lines(text))
    }

    /// A configuration as it stands, which says in comments how else to get there.
    static func text(_ reply: GetClientConfiguration.Reply, name: String?) -> String {
        let lines = Printable.lines(reply.text)
        guard let uri = reply.clientURI else { return lines }
        let file = "/etc/wstan/\(ClientLine.instance(name)).conf"
        return """
            # A client of this server: \(file), readable by root and the group wstan only. Or run this on
            # the client, and give it the key when it asks:
            #     \(ClientLine.shell(name: name, uri: uri))
            \(lines)
            """
    }
}
