import WstanControl

/// What `init server` was asked for.
struct ServerWish {
    static let configuration = "/etc/wstan.conf"
    static let dropIn = "/etc/wstan.conf.d/10-init.conf"
    static let defaultKeyFile = "/etc/wstan/key"

    /// Where it listens; nil: where it does already, or else on port 8080.
    var uri: TunnelURI?
    /// What clients use; nil: it was not said.
    var address: PublicAddress?
    /// Files that differ are replaced, and a client becomes a server.
    var force = false
}

/// What the server is to be, by what was asked for and what the host has.
struct ServerGoal {
    let uri: TunnelURI
    /// The URI that clients use, where it is known.
    let publicURI: TunnelURI?
    /// Nil: there is to be one in the default file.
    let key: ConfigurationLayers.KeySource?
    /// The certificate that wstand itself speaks TLS with.
    let hasCertificate: Bool
    /// The configuration says all of it already, in this file.
    let saidBy: String?

    init(_ wish: ServerWish, on host: HostObservation) throws(Failure) {
        let all = host.layers(of: ServerWish.configuration)
        if all.mode?.text == "client", !wish.force {
            let path = all.mode?.path ?? ServerWish.configuration
            throw Failure(
                "\(path) configures a client (mode = client). To make this host a server instead, use --force; "
                    + "wstanctl init client NAME makes clients beside a server.")
        }
        try Self.checkPaths(all)
        let isServer = all.mode?.text == "server"
        let stated = isServer ? all["uri"] : nil
        let said = stated.flatMap { TunnelURI($0.text) }
        // Behind a front `uri` is what clients use, and `listen` where the front connects.
        let listen = isServer ? all.values("listen", in: "server") : []
        let behindFront = said.flatMap { TunnelURI($0, listeningOn: listen.map(\.text)) }
        let present = behindFront ?? said
        // The file as it comes listens on loopback; a URI that was put there is kept.
        let isAsShipped = host.text(ServerWish.configuration)?.isAsShipped ?? false
        let isMeant = !(isAsShipped && stated?.path == ServerWish.configuration)
        uri = wish.uri ?? (isMeant ? present : nil) ?? TunnelURI.standard
        let outer = behindFront == nil || said?.isWildcard == true || said?.isLoopback == true ? nil : said
        key = all.key
        hasCertificate = all["certificate", in: "tls"] != nil
        let former = all["public-uri", in: "server"].flatMap { TunnelURI($0.text) }
        let outerNow = present == uri ? outer : nil
        var open = uri
        let port = Self.port(of: uri, on: host)
        if port != uri.effectivePort { open.port = port }
        publicURI =
            wish.address?.uri(for: outerNow ?? open)
            ?? former.map { [open] in Self.moved($0, from: present, to: open) } ?? outerNow
        let isSaid =
            isServer && present == uri && (isMeant || wish.uri != nil) && key != nil && (former ?? outerNow) == publicURI
        saidBy = isSaid ? stated?.path : nil
        if behindFront == nil || !isSaid { try Self.checkLaterFiles(all) }
    }

    /// What is read after our drop-in would win over it.
    private static func checkLaterFiles(_ all: ConfigurationLayers) throws(Failure) {
        for file in all.files where ServerWish.dropIn.utf8.lexicographicallyPrecedes(file.path.utf8) {
            let names = ["mode", "uri", "server", "client"]
            guard let entry = file.text.entries.first(where: { $0.section == nil && names.contains($0.name) }) else {
                continue
            }
            throw Failure(
                "\(file.path) sets \(entry.name), and is read after \(ServerWish.dropIn). "
                    + "Remove that line, then run this again.")
        }
    }

    /// wstand expands `~/` by its own HOME, which is not that of the user who runs this program.
    private static func checkPaths(_ all: ConfigurationLayers) throws(Failure) {
        var values = [all["state-directory"]]
        if case .file = all.key { values.append(all["key-file"]) }
        for case let value? in values where value.text.hasPrefix("~/") {
            throw Failure(
                "\(value.path): wstanctl cannot expand \(Printable.text(value.text)): ~ is the home directory of the user "
                    + "that wstand runs as. Write the path from the first / on.")
        }
    }

    /// A URI for clients that only had another host follows the server's own.
    private static func moved(_ publicURI: TunnelURI, from former: TunnelURI?, to uri: TunnelURI) -> TunnelURI {
        guard var expected = former else { return publicURI }
        expected.host = publicURI.host
        guard expected == publicURI else { return publicURI }
        var moved = uri
        moved.host = publicURI.host
        return moved
    }

    /// Of the configuration's key file; nil where the key is elsewhere.
    var keyFile: String? { Self.keyFile(key) }

    static func keyFile(_ key: ConfigurationLayers.KeySource?) -> String? {
        switch key {
        case nil: ServerWish.defaultKeyFile
        case .file(let path): path
        case .text, .service: nil
        }
    }

    /// The port that clients use, if they come to this host: that of a socket unit which is not init's own counts instead.
    func port(on host: HostObservation) -> Int { Self.port(of: uri, on: host) }

    private static func port(of uri: TunnelURI, on host: HostObservation) -> Int {
        (host.files[SocketUnit.dropIn] == nil ? SocketUnit(on: host).port : nil) ?? uri.effectivePort
    }
}

/// The key of the server, where the configuration says that it is.
struct ServerKeyStep: SetupStep {
    /// Where the key is, as in `ServerGoal`.
    let source: ConfigurationLayers.KeySource?
    /// It is to be one of version 1.
    var isForPython = false
    /// Makes one of version 2 for a host without a key.
    var newString: () throws(Failure) -> String = KeyStrings.forServer

    private var path: String? { ServerGoal.keyFile(source) }

    var lookedAt: [String] { path.map { [$0] } ?? [] }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        guard let path else { return try keptElsewhere() }
        if let bytes = host.files[path] {
            try check(bytes, in: path, what: path)
            return [.keep(path, why: "the key exists")]
        }
        let key = isForPython ? NewSecret.key() : try newString()
        return [.write(.init(path: path, text: key + "\n", readers: .daemon, what: "a new key"))]
    }

    /// Of a key that is in no file, only what --python asks for is to be said.
    private func keptElsewhere() throws(Failure) -> [Deed] {
        guard isForPython else { return [] }
        switch source {
        case .text(let text): try check(Array(text.utf8), in: "the configuration", what: "the line \"key = ...\" there")
        case .service(let name):
            let why = "only the service can read the key, so init cannot tell whether it is of version 1, which Python needs"
            return [.keep(name, why: why)]
        case .file, nil: break
        }
        return []
    }

    /// - Parameter what: would have to go for a key of version 1.
    private func check(_ key: [UInt8], in place: String, what: String) throws(Failure) {
        guard try KeyInput.serverKey(in: key, named: place).isKeyString, isForPython else { return }
        throw Failure(
            "\(place) has a key of version 2, which the Python wstan does not know. Keep it: leave --python out, start "
                + "wstand, and give each Python client a key of its own: sudo wstanctl add-key NAME --v1. Or, while no "
                + "client uses it, remove \(what), then run this again.")
    }
}

/// What the server is, in a drop-in: the file that comes with the package stays as it is, so that an upgrade has nothing to
/// ask.
struct ServerConfigurationStep: SetupStep {
    let wish: ServerWish

    var lookedAt: [String] { [ServerWish.configuration, ServerWish.configuration + ".d/"] }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        let goal = try ServerGoal(wish, on: host)
        if let path = goal.saidBy { return [.keep(path, why: "server at \(goal.uri.text)")] }
        var deeds: [Deed] = []
        if host.files[ServerWish.configuration] == nil {
            let text = "# The settings are in \(ServerWish.configuration).d; wstan.conf(5) describes them.\n"
            deeds.append(
                .write(
                    .init(
                        path: ServerWish.configuration, text: text, readers: .everybody, what: "no settings of its own")
                ))
        }
        let writing = Deed.Writing(
            path: ServerWish.dropIn, text: Self.text(goal, host), readers: .everybody,
            what: "server at \(goal.uri.text)")
        return deeds + [try writing.deed(on: host, isOwn: isOwn(host), force: wish.force)]
    }

    /// It has nothing that init does not write.
    private func isOwn(_ host: HostObservation) -> Bool {
        host.text(ServerWish.dropIn)?.entries.allSatisfy { Self.names.contains($0.name) } ?? true
    }

    private static let names: Set = ["mode", "uri", "key-file", "public-uri"]

    private static func text(_ goal: ServerGoal, _ host: HostObservation) -> String {
        let others = host.layers(of: ServerWish.configuration).without(ServerWish.dropIn)
        var text = """
            # Written by wstanctl init server. It is read after \(ServerWish.configuration) and counts instead; wstan.conf(5) has
            # all settings.
            mode = server
            # The empty line takes back a URI of another file.
            uri =
            uri = \(goal.uri.text)

            """
        if others.key == nil { text += "key-file = \(ServerWish.defaultKeyFile)\n" }
        if let uri = goal.publicURI {
            text += "\n[server]\n# What clients use, for the lines that wstanctl prints.\npublic-uri = \(uri.text)\n"
        }
        return text
    }
}

/// The name, address or URI by which clients reach a server.
struct PublicAddress: Equatable {
    /// The host of a URI, with brackets around an IPv6 address.
    private let host: String
    private let whole: TunnelURI?

    static let problem = "takes a name, an address (IPv6 in brackets) or a whole URI"

    init?(_ text: String) {
        if text.contains("://") {
            guard let uri = TunnelURI(text), !uri.isWildcard else { return nil }
            (host, whole) = (uri.host, uri)
        } else {
            guard let uri = TunnelURI("ws://\(text)/"), uri.port == nil, uri.path == "/", !uri.isWildcard else {
                return nil
            }
            (host, whole) = (uri.host, nil)
        }
    }

    /// - Parameter uri: where the server listens.
    func uri(for uri: TunnelURI) -> TunnelURI {
        if let whole { return whole }
        var reached = uri
        reached.host = host
        return reached
    }
}

/// The URI that clients of a server use.
struct ClientURI: Equatable {
    let uri: TunnelURI
    let certainty: ServerReach.Certainty

    /// As a server that runs tells it; nil for one of 0.1.0, which does not.
    init?(_ reply: GetClientConfiguration.Reply?) {
        guard let uri = reply?.clientURI.flatMap({ TunnelURI($0) }) else { return nil }
        self.uri = uri
        certainty = reply?.clientURILoopback == true ? .loopbackOnly : reply?.clientURIGuessed == true ? .guessed : .known
    }

    /// As far as it can be told without asking a server.
    init(_ goal: ServerGoal, on host: HostObservation, ownAddress: String?) {
        if let uri = goal.publicURI {
            self.uri = uri
            certainty = .known
            return
        }
        var uri = goal.uri
        let reach = ServerReach(
            host: uri.host, isOpen: !uri.isWildcard && !uri.isLoopback, port: goal.port(on: host),
            isBehindTLS: uri.scheme == "wss" && !goal.hasCertificate, isLoopbackOnly: uri.isLoopback,
            ownAddress: ownAddress.map { $0.contains(":") ? "[\($0)]" : $0 })
        uri.host = reach.host
        uri.port = reach.port == TunnelURI.standardPort(uri.scheme) ? nil : reach.port
        self.uri = uri
        certainty = reach.certainty
    }
}
