/// Where a client keeps its files, and which unit runs it.
struct ClientPlaces: Equatable {
    let instance: Instance
    let configuration: String
    let keyFile: String

    /// `wstand@NAME` of the system.
    init(name: String) {
        instance = Instance(name: name, manager: .system, below: Instance.systemDirectory)
        configuration = "/etc/wstan/\(name).conf"
        keyFile = "/etc/wstan/\(name).key"
    }

    /// The unit of a user.
    ///
    /// - Parameter directory: of the user's configuration, such as `/home/ann/.config`.
    init(userDirectory directory: String) {
        instance = Instance(name: nil, manager: .user, below: InstanceSearch.userDirectory ?? Instance.systemDirectory)
        configuration = directory + "/wstan.conf"
        keyFile = directory + "/wstan.key"
    }
}

/// The key of a client.
struct ClientKeyStep: SetupStep {
    let places: ClientPlaces
    /// Nil: the one that is there is kept.
    let key: String?
    let force: Bool

    var lookedAt: [String] { [places.keyFile] }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        guard let key else { return [.keep(places.keyFile, why: "the key")] }
        let readers = places.instance.manager == .user ? SetupFile.Readers.owner : .daemon
        let writing = Deed.Writing(path: places.keyFile, text: key + "\n", readers: readers, what: "the key")
        return [try writing.deed(on: host, force: force)]
    }
}

struct ClientConfigurationStep: SetupStep {
    let places: ClientPlaces
    let uri: TunnelURI
    /// Where SOCKS and HTTP are served; empty: at the default.
    let listen: [String]
    let force: Bool

    var lookedAt: [String] { [places.configuration] }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        let writing = Deed.Writing(
            path: places.configuration, text: text, readers: .everybody, what: "client of \(uri.text)")
        return [try writing.deed(on: host, force: force)]
    }

    var text: String {
        var text = """
            # Written by wstanctl init client. wstan.conf(5) has all settings.
            mode = client
            uri = \(uri.text)
            key-file = \(places.keyFile)

            """
        if !listen.isEmpty { text += "\n[client]\n" + listen.map { "listen = \($0)\n" }.joined() }
        return text
    }
}
