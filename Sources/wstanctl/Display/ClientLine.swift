import WstanControl

/// What makes a client of a server: the command to run there, and the key, which that command asks for. So the key is in
/// no command line and in no history of a shell.
enum ClientLine {
    /// - Parameter name: of the key, which the client's instance is called by; nil: the configured key.
    static func new(name: String?, uri: String, key: String) -> String {
        """
        \(command(name: name, uri: uri, key: key))

        Key:

            \(Printable.text(key))
        """
    }

    /// - Parameter key: of version 1, it may also be for a client of the Python wstan.
    static func command(name: String?, uri: String, key: String) -> String {
        let ours = """
            On a new client, run this; it asks for the key:

                \(shell(name: name, uri: uri))
            """
        guard !key.hasPrefix(KeyStringText.prefix) else { return ours }
        return """
            \(ours)

            Or, with the Python wstan and the key in place of KEY:

                wstan \(Shell.word(Printable.text(uri))) KEY
            """
    }

    static func shell(name: String?, uri: String) -> String {
        "sudo wstanctl init client \(instance(name)) --uri \(Shell.word(Printable.text(uri)))"
    }

    /// What a client calls its instance, if nothing else was said.
    static func instance(_ name: String?) -> String {
        guard let name, name != ServerKey.configured, Instance.isName(name) else { return "client" }
        return name
    }

    static let loopbackOnly = """
        This server listens on loopback only, so clients on other hosts need a web server that forwards to it. Set the
        URI of that, then reload: [server] public-uri in wstan.conf(5). To listen on all addresses instead:

            sudo wstanctl init server --uri ws://0.0.0.0:8080/
        """

    /// - Parameter host: of the URI.
    static func guess(_ host: String) -> String {
        if host == "HOST" { return "Replace HOST with the name or address by which clients reach this host." }
        return """
            \(Printable.text(host)) is this host's own address. If clients use another one, set it:

                sudo wstanctl init server --address NAME
            """
    }
}
