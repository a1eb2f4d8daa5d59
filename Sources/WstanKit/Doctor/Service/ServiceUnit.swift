import WstanBase
import WstanConfig
import WstanControl

/// What systemd says of the unit that runs a configuration, as a value.
struct ServiceUnit: Equatable {
    let name: String
    /// Of a user's manager, not the system's.
    let isOfUser: Bool
    let state: UnitState
    /// As whom it runs; nil: as the user of its manager, for the system's that is root.
    let user: String?
    /// Beside those of the user.
    let groups: [String]
    /// A capability lets it bind ports below 1024.
    let mayUseLowPorts: Bool
    /// Directories of which the unit sees nothing.
    let hiddenDirectories: [String]
    /// Where systemd listens for it, which comes before `listen`; empty: nowhere.
    let sockets: [ListenAddress]

    static let properties =
        UnitState.properties + [
            "Id", "LoadState", "User", "Group", "SupplementaryGroups", "AmbientCapabilities", "ProtectHome", "PrivateTmp",
            "InaccessiblePaths", "ExecStart", "UnitFileState", "Listen",
        ]

    /// - Parameters:
    ///   - text: of `systemctl show`, for a service and its socket unit.
    ///   - file: the configuration file.
    ///   - isOfUser: whether a user's manager says it.
    /// - Returns: nil when the service runs another configuration, or is not there.
    init?(shown text: String, running file: String, isOfUser: Bool = false) {
        let units = text.split(separator: "\n\n").map { Self.fields(of: $0) }
        guard let service = units.first(where: { $0["Id"]?.first?.hasSuffix(".service") == true }),
            let name = service["Id"]?.first, service["LoadState"] == ["loaded"],
            let command = service["ExecStart"]?.first, Self.command(command, names: file)
        else { return nil }
        func value(_ property: String) -> String { service[property]?.first ?? "" }
        self.name = name
        self.isOfUser = isOfUser
        state = UnitState(value)
        user = value("User").isEmpty ? nil : value("User")
        groups = (value("Group") + " " + value("SupplementaryGroups")).split(separator: " ").map { String($0) }
        mayUseLowPorts = value("AmbientCapabilities").contains("cap_net_bind_service")
        hiddenDirectories =
            (["yes", "tmpfs"].contains(value("ProtectHome")) ? ["/home/", "/root/", "/run/user/"] : [])
            + (value("PrivateTmp") == "yes" ? ["/tmp/", "/var/tmp/"] : [])
            // "-" and "+" in front of a path say what becomes of one that does not exist, and where it begins.
            + value("InaccessiblePaths").split(separator: " ").map { $0.drop { "-+".contains($0) } + "/" }
        let socket = units.first { $0["Id"]?.first?.hasSuffix(".socket") == true }
        let isUsed =
            socket.map { $0["ActiveState"] == ["active"] || $0["UnitFileState"]?.first?.hasPrefix("enabled") == true }
            ?? false
        sockets = isUsed ? (socket?["Listen"] ?? []).compactMap { Self.place($0) } : []
    }

    private static func fields(of unit: Substring) -> [String: [String]] {
        unit.split(separator: "\n").reduce(into: [:]) { fields, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            if parts.count == 2 { fields[parts[0], default: []].append(parts[1]) }
        }
    }

    /// `{ path=/usr/sbin/wstand ; argv[]=/usr/sbin/wstand --config FILE ; ...`
    private static func command(_ text: String, names file: String) -> Bool {
        let words = text.split(separator: " ")
        return words.contains { $0 == file || $0 == "--config=\(file)" }
    }

    /// `[::]:443 (Stream)`
    private static func place(_ text: String) -> ListenAddress? {
        guard text.hasSuffix(" (Stream)") else { return nil }
        let place = text.dropLast(9)
        return try? ListenAddress.list(place.hasPrefix("/") ? "unix:\(place)" : String(place)).first
    }
}

extension ServiceUnit {
    /// What reaches its manager.
    var systemctl: String { isOfUser ? "systemctl --user" : "systemctl" }
    private var journalctl: String { isOfUser ? "journalctl --user" : "journalctl" }

    func isRunning(_ process: Int32) -> Bool {
        if case .running(process?) = state { true } else { false }
    }

    /// What is to be said of it, and of files that it cannot see.
    func findings(_ settings: Settings) -> [Finding] {
        var findings = [stateFinding]
        let keyFile: String? = if case .file(let path) = settings.key { path } else { nil }
        let files = [
            keyFile, settings.usersFile, settings.tls.certificate, settings.tls.key, settings.tls.clientCA,
            settings.tls.caFile,
        ]
        for file in files.compactMap({ $0 }) where hiddenDirectories.contains(where: file.hasPrefix) {
            findings.append(
                .failed(
                    .configuration, "service", "\(name) does not see \(file): its unit hides that directory",
                    remedy: "move the file below /etc/wstan"))
        }
        return findings
    }

    private var stateFinding: Finding {
        switch state {
        case .running(let process?): .ok("service", "\(name) runs, process \(process)")
        case .running(nil): .ok("service", "\(name) runs")
        case .changing: .warning("service", "\(name) is starting or stopping")
        case .stopped where !sockets.isEmpty: .ok("service", "\(name) is stopped; its socket unit starts it")
        case .stopped: .warning("service", "\(name) is stopped", remedy: "start it: \(systemctl) enable --now \(name)")
        case .failed(let how):
            .failed(
                .other, "service", "\(name) has failed: \(how)",
                remedy: "\(journalctl) -u \(name) -n 20 says why; correct it, then: \(systemctl) restart \(name)")
        }
    }
}
