import ArgumentParser

struct InitClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Takes the key from stdin and makes an instance that goes to a server.",
        discussion:
            "On a terminal it asks for the key, which does not show then. It is never an argument: everybody could read it.")

    @Argument(help: "The instance, as in wstand@NAME.")
    var name: String
    @Option(help: "The server, as in ws://server.example.com:8080/")
    var uri: TunnelURI
    @Option(
        help: "Where SOCKS and HTTP are served: host:port, or a port of this host; may be repeated. (default: localhost:1080)")
    var listen: [String] = []
    @OptionGroup var setup: SetupOptions

    func validate() throws {
        if !Instance.isName(name) { throw ValidationError("a name is letters, digits, dots, dashes and underscores") }
        for address in listen
        where !address.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "#") }) || address.isEmpty {
            throw ValidationError("--listen takes host:port")
        }
        if uri.isWildcard { throw ValidationError("\(uri.host) is no address to go to: put the server's name or address there") }
        if uri.host == "HOST" { throw ValidationError("put the server's name or address in the place of HOST") }
    }

    func run() throws {
        let instance = Instance(name: name, manager: .system, below: Instance.systemDirectory)
        let keyPath = "/etc/wstan/\(name).key"
        let files = [
            Draft(setup.file(keyPath), try KeyInput.fromStdin() + "\n", for: .daemon),
            Draft(
                setup.file(instance.configuration), ClientText.configuration(uri, keyPath: keyPath, listen: places),
                for: .everybody),
        ]
        // All are looked at before one is written.
        let differing = try files.filter { try $0.differs }
        guard differing.isEmpty || setup.force else {
            let paths = differing.map(\.file.path).joined(separator: " and ")
            throw Failure("\(paths) \(differing.count == 1 ? "is" : "are") there already, and not the same: --force writes over")
        }
        var deeds: [(String, SetupReport.Deed)] = []
        for draft in files { deeds.append((draft.file.path, try draft.store())) }
        Terminal.say(SetupReport.text(deeds))
        if SetupFile.lacksGroup { Terminal.complain("note: \(SetupReport.noGroup)") }
        Terminal.say(ClientText.next(instance, listen: places))
    }

    /// A bare port is one of this host.
    private var places: [String] { listen.map { UInt16($0) == nil ? $0 : "localhost:\($0)" } }

    /// A file as it should be.
    private struct Draft {
        let file: SetupFile
        private let text: String
        private let readers: SetupFile.Readers

        init(_ file: SetupFile, _ text: String, for readers: SetupFile.Readers) {
            self.file = file
            self.text = text
            self.readers = readers
        }

        /// There is another one.
        var differs: Bool {
            get throws(Failure) { try file.read().map { $0 != Array(text.utf8) } ?? false }
        }

        func store() throws(Failure) -> SetupReport.Deed {
            let existing = try file.read()
            if existing == Array(text.utf8) { return .kept("it is the same already") }
            try file.makeDirectory()
            try file.write(text, for: readers, replacing: existing != nil)
            return .written(readers == .daemon ? "the key" : "the configuration")
        }
    }
}

enum ClientText {
    static func configuration(_ uri: TunnelURI, keyPath: String, listen: [String]) -> String {
        var text = """
            # A client, made by wstanctl init client. wstan.conf(5) tells what else can stand here.
            mode = client
            uri = \(uri.text)
            key-file = \(keyPath)

            """
        if !listen.isEmpty { text += "\n[client]\n" + listen.map { "listen = \($0)\n" }.joined() }
        return text
    }

    static func next(_ instance: Instance, listen: [String]) -> String {
        let place = listen.isEmpty ? "localhost:1080" : listen.joined(separator: " and ")
        return """

            Start it, now and whenever this host starts:

                systemctl enable --now \(instance.unit)

            Then SOCKS and HTTP are served at \(place). wstanctl -i \(instance.name ?? "wstand") shows how it goes,
            wstanctl doctor -i \(instance.name ?? "wstand") says what is wrong.
            """
    }
}
