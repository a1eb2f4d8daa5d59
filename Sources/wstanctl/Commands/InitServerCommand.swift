import ArgumentParser

struct InitServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Makes a key and /etc/wstan.conf, and shows the line to paste at a client.")

    @Option(help: "Where it listens. Clients go to the same port and path. (default: ws://0.0.0.0:8080/)")
    var uri: TunnelURI?
    @Option(help: "The name or address by which clients reach this host.")
    var host: String?
    @Option(help: "What the client calls its instance.")
    var name = "client"
    @OptionGroup var setup: SetupOptions

    private static let keyPath = "/etc/wstan/key"
    private static let configurationPath = "/etc/wstan.conf"
    private static let defaultURI = "ws://0.0.0.0:8080/"

    func validate() throws {
        if !Instance.isName(name) { throw ValidationError("a name is letters, digits, dots, dashes and underscores") }
        if let host, TunnelURI("ws://\(host)/")?.port != nil || TunnelURI("ws://\(host)/")?.path != "/" {
            throw ValidationError("--host takes a name or an address, without a port; IPv6 in brackets")
        }
    }

    func run() throws {
        let configuration = setup.file(Self.configurationPath)
        let existing = try configuration.read().map { ConfigurationText(String(decoding: $0, as: UTF8.self)) }
        let plan = try ServerPlan(existing: existing, uri: uri, force: setup.force)
        let key = try prepareKey()
        switch plan.deed {
        case .write(let text, let what):
            try configuration.makeDirectory()
            try configuration.write(text, for: .everybody, replacing: existing != nil)
            report(key, .written(what))
        case .keep: report(key, .kept("it is a server at \(plan.uri.text) already"))
        }
        if SetupFile.lacksGroup { Terminal.complain("note: \(SetupReport.noGroup)") }
        Terminal.say(
            ServerText.next(plan.uri, key: key.text, name: name, host: host ?? HostAddress.outward(), isGuess: host == nil))
    }

    private func prepareKey() throws(Failure) -> (text: String, isNew: Bool) {
        let file = setup.file(Self.keyPath)
        if let bytes = try file.read(limit: 1 << 16) { return (try KeyInput.key(in: bytes, named: Self.keyPath), false) }
        let key = NewSecret.key()
        try file.makeDirectory()
        try file.write(key + "\n", for: .daemon, replacing: false)
        return (key, true)
    }

    private func report(_ key: (text: String, isNew: Bool), _ deed: SetupReport.Deed) {
        let keyDeed: SetupReport.Deed = key.isNew ? .written("a new key") : .kept("the key that is there")
        Terminal.say(SetupReport.text([(Self.keyPath, keyDeed), (Self.configurationPath, deed)]))
    }

    /// What is to become of /etc/wstan.conf.
    struct ServerPlan {
        enum Deed: Equatable {
            case write(String, what: String)
            case keep
        }

        let deed: Deed
        let uri: TunnelURI

        /// - Throws: when it has been edited, and would have to be changed.
        init(existing: ConfigurationText?, uri: TunnelURI?, force: Bool) throws(Failure) {
            guard let wanted = uri ?? TunnelURI(defaultURI) else { preconditionFailure("a URI of our own") }
            guard let existing else {
                self.uri = wanted
                deed = .write(Self.text(wanted), what: "a server at \(wanted.text)")
                return
            }
            if existing.isAsShipped {
                self.uri = wanted
                deed = .write(existing.replacing("uri", with: wanted.text), what: "the uri \(wanted.text); all else as it came")
                return
            }
            let isServer = existing["mode"] == "server" && existing["key-file"] == keyPath
            if isServer, let text = existing["uri"], let present = TunnelURI(text), uri == nil || uri == present {
                self.uri = present
                deed = .keep
                return
            }
            guard force else { throw Self.edited(wanted) }
            self.uri = wanted
            deed = .write(Self.text(wanted), what: "a server at \(wanted.text)")
        }

        private static func edited(_ uri: TunnelURI) -> Failure {
            Failure(
                """
                \(configurationPath) has been edited and stays as it is. For this server it has to say:

                    mode = server
                    uri = \(uri.text)
                    key-file = \(keyPath)

                Put that there and run this again, or have it written anew with --force.
                """)
        }

        private static func text(_ uri: TunnelURI) -> String {
            """
            # A server, made by wstanctl init server. wstan.conf(5) tells what else can stand here.
            mode = server
            uri = \(uri.text)
            key-file = \(keyPath)

            """
        }
    }
}

/// What there is to do when a server's files are written.
enum ServerText {
    /// - Parameters:
    ///   - host: where clients go to, if the URI does not say; nil when nobody knows.
    ///   - isGuess: it was not given.
    static func next(_ uri: TunnelURI, key: String, name: String, host: String?, isGuess: Bool) -> String {
        var reached = uri
        let isOpen = !uri.isLoopback
        if uri.isWildcard || uri.isLoopback || !isGuess { reached.host = host ?? "HOST" }
        var text = """

            Start it, now and whenever this host starts:

                systemctl enable --now wstand

            Then at the client, in one paste; the line holds the key, so show it to nobody:

                sudo wstanctl init client \(name) --uri \(Shell.word(reached.text)) <<< \(Shell.quoted(key))

            """
        if reached.host == "HOST" {
            text += "\nPut the name or address of this host, as the client knows it, in the place of HOST.\n"
        } else if isGuess, uri.isWildcard || uri.isLoopback {
            text += "\n\(reached.host) is this host's own address; if clients reach it by another one, put that there.\n"
        }
        if !isOpen {
            text += "\nIt listens on this host only: a front must pass \(uri.path.isEmpty ? "/" : uri.path) on to it.\n"
        }
        if uri.scheme == "wss" { text += "\nwss:// needs TLS: a front that ends it, or [tls] certificate in /etc/wstan.conf.\n" }
        if uri.effectivePort < 1024, isOpen {
            text += lowPort(uri.effectivePort)
        }
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    private static func lowPort(_ port: Int) -> String {
        """

        Port \(port) is not wstand's to open, since it has no privilege; systemd opens it. Instead of the first line

            systemctl edit wstand.socket        # and put there: [Socket], ListenStream=, ListenStream=\(port)
            systemctl enable --now wstand.socket

        """
    }
}
