import ArgumentParser
import Glibc
import WstanControl

struct InitClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Make a client of a server.",
        discussion: """
            It asks for the key without showing it; where standard input is not a terminal, its first line is the key. \
            A key is never an argument, since every user of the host could read it.
            """)

    @Argument(help: "The instance, as in wstand@NAME; with --user there is only one, without a name.")
    var name: String?
    @Option(help: "The server, such as ws://server.example.com:8080/", transform: TunnelURI.argument)
    var uri: TunnelURI
    @Option(
        help:
            "Where to serve SOCKS and HTTP: host:port, or a port of this host; may be repeated. (default: localhost:1080)",
        transform: ListenArgument.read)
    var listen: [String] = []
    @Option(help: "Take the key from the first line of this file (-: standard input).", completion: .file())
    var keyFile: String?
    @Flag(help: "The key is a passphrase.")
    var passphrase = false
    @Flag(help: "Set up the client of this user: ~/.config/wstan.conf and the user's unit. Run it without sudo.")
    var user = false
    @OptionGroup var setup: SetupOptions

    func validate() throws {
        switch (name, user) {
        case (nil, false):
            throw ValidationError("name the instance, such as: wstanctl init client home --uri \(uri.text)")
        case (.some, true): throw ValidationError("a user has one client, without a name: leave the name out")
        case (let name?, false):
            if !Instance.isName(name) {
                throw ValidationError("a name is letters, digits, dots, dashes and underscores")
            }
        case (nil, true): break
        }
        if uri.isWildcard {
            throw ValidationError("a client cannot connect to \(uri.host): use the server's name or address")
        }
        if uri.host == "HOST" { throw ValidationError("replace HOST with the server's name or address") }
    }

    func run() throws {
        let places = try places()
        let host = setup.host(places.instance.manager)
        let key = try readKey(present: setup.presentKey(places.keyFile))
        let unit = places.instance.unit + ".service"
        let steps: [any SetupStep] = [
            ClientKeyStep(places: places, key: key, force: setup.force),
            ClientConfigurationStep(places: places, uri: uri, listen: listen, force: setup.force),
            RestartStep(unit: unit, manager: places.instance.manager),
        ]
        let seen = try host.observe(steps, units: [unit])
        let plan = try SetupPlan(steps, on: seen)
        guard try setup.carryOut(plan, on: host) else { return }
        Terminal.say(
            "\n" + ClientText.next(places.instance, listen: listen, UnitOutlook(unit, on: seen, plan)))
    }

    /// - Parameter present: the client's key file, if it has a key.
    /// - Returns: nil: that key is kept.
    private func readKey(present: String?) throws(Failure) -> String? {
        let key: KeyText?
        if let keyFile, keyFile != "-" {
            key = try KeyInput.fromFile(keyFile)
        } else if let present {
            key = try KeyInput.fromStdin(orKeeping: present)
        } else {
            key = try KeyInput.fromStdin()
        }
        return try key.map { (key) throws(Failure) in try KeyInput.checked(key, isPassphrase: passphrase) }
    }

    private func places() throws(Failure) -> ClientPlaces {
        if let name { return ClientPlaces(name: name) }
        if geteuid() == 0, getenv("SUDO_USER") != nil {
            throw Failure("--user sets up the client of the user who runs it: run it without sudo", status: .usage)
        }
        guard let directory = InstanceSearch.configurationDirectory else {
            throw Failure("neither HOME nor XDG_CONFIG_HOME is set, so it is unknown where the configuration belongs")
        }
        return ClientPlaces(userDirectory: directory)
    }
}

/// A value of `--listen`, as the configuration has it.
enum ListenArgument {
    /// A bare port is one of this host.
    @Sendable static func read(_ text: String) throws -> String {
        let items = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return try items.map(item).joined(separator: ", ")
    }

    private static func item(_ text: String) throws -> String {
        if let port = UInt16(text) { return "localhost:\(port)" }
        if text.hasPrefix("unix:/"), text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) { return text }
        guard !text.contains(where: { "/?#@".contains($0) }) else {
            throw ValidationError("it takes host:port, a port, or unix:/path")
        }
        let place: TunnelURI
        do throws(TunnelURI.Problem) {
            place = try TunnelURI(reading: "ws://\(text)/")
        } catch {
            throw ValidationError(error.description)
        }
        guard place.port != nil else { throw ValidationError("the port is missing, as in \(place.host):1080") }
        return text
    }
}

enum ClientText {
    static func next(_ instance: Instance, listen: [String], _ outlook: UnitOutlook) -> String {
        let place = listen.isEmpty ? "localhost:1080" : listen.joined(separator: " and ")
        let option = instance.manager == .user ? "--user" : "-i \(instance.name ?? "wstand")"
        let linger = "\n\nloginctl enable-linger keeps it running when you are logged out."
        return """
            \(outlook.text(instance))\(instance.manager == .user ? linger : "")

            SOCKS and HTTP proxy:  \(place)
            Status:                wstanctl \(option)
            Find a problem:        \(instance.manager == .user ? "" : "sudo ")wstanctl \(option) doctor
            """
    }
}
