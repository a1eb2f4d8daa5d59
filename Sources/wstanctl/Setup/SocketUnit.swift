/// `wstand.socket` as far as setting up needs it: where systemd listens for the service.
struct SocketUnit {
    static let name = "wstand.socket"
    static let service = "wstand.service"
    static let dropIn = "/etc/systemd/system/wstand.socket.d/10-init.conf"
    /// What has the service come with its socket.
    static let serviceDropIn = "/etc/systemd/system/wstand.service.d/10-init.conf"
    private static let directory = "/etc/systemd/system/wstand.socket.d/"
    private static let enabled = "/etc/systemd/system/sockets.target.wants/wstand.socket"

    static let lookedAt = [directory, "/etc/systemd/system/wstand.service.d/", enabled]

    /// The values of `ListenStream=`.
    let listen: [String]
    /// A drop-in that is read after init's own and says where to listen.
    let laterFile: String?
    /// The service is started with it, or by it.
    let isUsed: Bool

    init(on host: HostObservation) {
        let paths = host.files.keys.filter { $0.hasPrefix(Self.directory) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let layers = ConfigurationLayers(paths.compactMap { path in host.text(path).map { (path, $0) } })
        // As the unit comes, unless a drop-in takes that back.
        let isReset = layers.files.contains { file in
            file.text.entries.contains { $0.name == "ListenStream" && $0.value.isEmpty }
        }
        listen = (isReset ? [] : ["127.0.0.1:8080"]) + layers.values("ListenStream", in: "Socket").map(\.text)
        laterFile =
            layers.files.first { file in
                Self.dropIn.utf8.lexicographicallyPrecedes(file.path.utf8)
                    && file.text.entries.contains { $0.name == "ListenStream" }
            }?.path
        isUsed =
            host.files[Self.enabled] != nil || host.files[Self.serviceDropIn] != nil || host.isActive(Self.name)
    }

    /// The port that it listens on in the place of the URI's; nil where it does not.
    var port: Int? {
        guard isUsed else { return nil }
        return listen.lazy.compactMap { address in
            guard let colon = address.lastIndex(of: ":") else { return Int(address) }
            return Int(address[address.index(after: colon)...])
        }.first
    }

    /// The values for a URI.
    ///
    /// - Returns: nil for a name, which a socket unit cannot have.
    static func listen(for uri: TunnelURI) -> [String]? {
        let port = uri.effectivePort
        // A bare port is one of all addresses, IPv4 and IPv6.
        if uri.isWildcard { return ["\(port)"] }
        if uri.host == "localhost" { return ["127.0.0.1:\(port)", "[::1]:\(port)"] }
        let isAddress = uri.host.hasPrefix("[") || uri.host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress ? ["\(uri.host):\(port)"] : nil
    }
}

/// A port below 1024: systemd opens it, since wstand has no privilege.
struct ListenSocketStep: SetupStep {
    let wish: ServerWish

    var lookedAt: [String] { SocketUnit.lookedAt }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        let uri = try ServerGoal(wish, on: host).uri
        let socket = SocketUnit(on: host)
        let isThere = host.files[SocketUnit.dropIn] != nil
        guard uri.effectivePort < 1024 else {
            if isThere { return try removal(on: host) }
            guard let port = socket.port, port != uri.effectivePort else { return [] }
            return [
                .keep(
                    SocketUnit.name, why: "enabled, so wstand listens on port \(port) instead of \(uri.effectivePort)")
            ]
        }
        let isKept = !isThere || !(wish.force || Self.isOwn(SocketUnit.dropIn, host))
        if isKept, socket.port == uri.effectivePort {
            return [.keep(SocketUnit.name, why: "listens on port \(uri.effectivePort)")]
        }
        if let file = socket.laterFile {
            throw Failure(
                "\(file) says where wstand.socket listens. Set port \(uri.effectivePort) there, or remove the file.")
        }
        guard let listen = SocketUnit.listen(for: uri) else {
            throw Failure(
                "\(uri.host) is a name, and port \(uri.effectivePort) needs an address in --uri, such as 0.0.0.0.")
        }
        let lines = listen.map { "ListenStream=\($0)\n" }.joined()
        let header =
            "# Written by wstanctl init server: systemd opens port \(uri.effectivePort), since wstand has no privilege.\n"
        let drafts = [
            Deed.Writing(
                path: SocketUnit.dropIn,
                text: header + "[Socket]\n# The empty line takes back the address of the unit.\nListenStream=\n"
                    + lines,
                readers: .everybody, what: "systemd listens on \(listen.joined(separator: " and "))"),
            Deed.Writing(
                path: SocketUnit.serviceDropIn, text: header + "[Unit]\nRequires=\(SocketUnit.name)\n",
                readers: .everybody,
                what: "wstand starts with its socket"),
        ]
        var deeds: [Deed] = []
        for draft in drafts {
            deeds.append(try draft.deed(on: host, isOwn: Self.isOwn(draft.path, host), force: wish.force))
        }
        return deeds
    }

    private func removal(on host: HostObservation) throws(Failure) -> [Deed] {
        var deeds: [Deed] = []
        for path in [SocketUnit.dropIn, SocketUnit.serviceDropIn] where host.files[path] != nil {
            let isOwn = Self.isOwn(path, host)
            guard isOwn || wish.force else {
                throw Failure(
                    "\(path) has settings that init does not write. Remove it, or use --force (a copy is kept).")
            }
            deeds.append(
                .remove(path, what: "wstand opens the port itself", backup: isOwn ? nil : host.backups[path]))
        }
        return deeds
    }

    /// It has nothing that init does not write: one address with an empty line before it, or both of localhost; or the
    /// dependency on the socket.
    private static func isOwn(_ path: String, _ host: HostObservation) -> Bool {
        guard let entries = host.text(path)?.entries else { return true }
        if path == SocketUnit.serviceDropIn {
            return entries == [.init(section: "Unit", name: "Requires", value: SocketUnit.name)]
        }
        guard entries.allSatisfy({ $0.section == "Socket" && $0.name == "ListenStream" }) else { return false }
        let values = entries.map(\.value)
        let isLocalhost = values.count == 3 && values[1].hasPrefix("127.0.0.1:") && values[2].hasPrefix("[::1]:")
        return values.first == "" && (values.count == 2 || isLocalhost)
    }
}

/// Puts what was written in force where the service runs already.
struct RestartStep: SetupStep {
    let unit: String
    var manager = Instance.Manager.system

    var lookedAt: [String] { [] }

    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed] {
        guard host.activeUnits != nil, earlier.contains(where: \.changesFiles) else { return [] }
        let systemctl = ["systemctl"] + (manager == .user ? ["--user"] : [])
        let isActive = host.isActive(unit)
        guard earlier.contains(where: Self.changesUnits) else {
            guard isActive else { return [] }
            return [.run(systemctl + ["restart", unit], what: "the new configuration is in force")]
        }
        var deeds: [Deed] = [.run(systemctl + ["daemon-reload"], what: "systemd reads its units again")]
        guard isActive || host.isActive(SocketUnit.name) else { return deeds }
        // A socket cannot be started while its service runs.
        deeds.append(.run(systemctl + ["stop", unit, SocketUnit.name], what: "the old port is closed"))
        deeds.append(.run(systemctl + ["start", unit], what: "the new configuration is in force"))
        return deeds
    }

    private static func changesUnits(_ deed: Deed) -> Bool {
        switch deed {
        case .write(let writing): writing.path.hasPrefix("/etc/systemd/")
        case .remove(let path, _, _): path.hasPrefix("/etc/systemd/")
        case .keep, .run: false
        }
    }
}

/// Whether a unit works by what was set up, once the plan is carried out.
enum UnitOutlook: Equatable {
    case isRunning(atBoot: Bool)
    case isStopped

    init(_ unit: String, on host: HostObservation, _ plan: SetupPlan) {
        let isStarted = plan.deeds.contains { deed in
            guard case .run(let command, _) = deed else { return false }
            return command.contains("start") || command.contains("restart")
        }
        self = host.isActive(unit) || isStarted ? .isRunning(atBoot: host.enabledUnits.contains(unit)) : .isStopped
    }

    /// What there is to do.
    func text(_ instance: Instance) -> String {
        let unit = instance.unit
        let (systemctl, when) =
            instance.manager == .user ? ("systemctl --user", "at every login") : ("sudo systemctl", "at every boot")
        switch self {
        case .isRunning(atBoot: true): return "\(unit) is running with this configuration."
        case .isRunning(atBoot: false):
            return """
                \(unit) is running with this configuration. Start it \(when), too:

                    \(systemctl) enable \(unit)
                """
        case .isStopped: return "Start \(unit) now and \(when):\n\n    \(systemctl) enable --now \(unit)"
        }
    }
}
