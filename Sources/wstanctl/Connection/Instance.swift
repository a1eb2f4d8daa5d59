import Glibc

/// A daemon by where the units put it.
struct Instance: Equatable {
    enum Manager: Equatable {
        case system
        /// `systemctl --user`
        case user
    }

    /// As in wstand@NAME; nil: the one of wstand.service.
    let name: String?
    let manager: Manager
    /// The path of its control socket.
    let socket: String
    /// Its unit is unknown: it was named by its path.
    let isElsewhere: Bool

    init(name: String?, manager: Manager = .system, socket: String, isElsewhere: Bool = false) {
        self.name = name
        self.manager = manager
        self.socket = socket
        self.isElsewhere = isElsewhere
    }

    /// - Parameter directory: what the manager keeps runtime directories in, such as `/run`.
    init(name: String?, manager: Manager, below directory: String) {
        self.init(
            name: name, manager: manager, socket: directory + "/" + (name.map { "wstand-" + $0 } ?? "wstand") + "/control")
    }

    var unit: String { name.map { "wstand@" + $0 } ?? "wstand" }

    /// Told apart from one of the system that has the same unit.
    var label: String { manager == .user ? unit + " (user)" : unit }

    var configuration: String { configuration(userDirectory: InstanceSearch.configurationDirectory) }

    /// - Parameter userDirectory: where this user's units look for theirs.
    func configuration(userDirectory: String?) -> String {
        let directory = manager == .user ? userDirectory ?? "~/.config" : "/etc"
        return name.map { "\(directory)/wstan/\($0).conf" } ?? "\(directory)/wstan.conf"
    }

    /// Whether its configuration is there, also where this user may not look.
    var hasConfiguration: Bool { access(configuration, F_OK) == 0 || errno != ENOENT && errno != ENOTDIR }

    /// Whether it was named and is not set up, so that there is nothing to start.
    var isUnknown: Bool { !isElsewhere && name != nil && !hasConfiguration }

    /// What reaches its service manager.
    var systemctl: String { manager == .user ? "systemctl --user" : "systemctl" }

    /// What starts it.
    var startCommand: String { "\(systemctl) start \(unit)" }

    /// What restarts it.
    var restartCommand: String {
        isElsewhere ? "restart it" : "\(systemctl) restart \(unit)"
    }

    /// What shows its log.
    var journalCommand: String { (["journalctl"] + journalArguments).joined(separator: " ") }
    var journalArguments: [String] { (manager == .user ? ["--user"] : []) + ["-u", unit] }

    /// What it is called in a message.
    var title: String { isElsewhere ? "wstand at \(socket)" : unit }
}

extension Instance {
    static let systemDirectory = "/run"

    /// 1 to 64 letters, digits, dots, dashes and underscores, for it is a part of paths and of a unit's name.
    static func isName(_ text: some StringProtocol) -> Bool {
        guard (1...64).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "."), text.utf8.first != UInt8(ascii: "-")
        else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// Finds the instance of a socket by its path.
    static func at(socket: String, userDirectory: String?) -> Instance {
        for (directory, manager) in [(systemDirectory, Manager.system), (userDirectory, .user)] {
            guard let directory, socket.hasPrefix(directory + "/wstand"), socket.hasSuffix("/control") else { continue }
            let middle = socket.dropFirst(directory.utf8.count + 7).dropLast(8)
            if middle.isEmpty { return Instance(name: nil, manager: manager, below: directory) }
            if middle.hasPrefix("-"), isName(middle.dropFirst()) {
                return Instance(name: String(middle.dropFirst()), manager: manager, below: directory)
            }
        }
        return Instance(name: nil, socket: socket, isElsewhere: true)
    }
}

/// What `-i` says: NAME, wstand@NAME, either with .service, or wstand for the unit without a name.
struct UnitName: Equatable {
    let instance: String?

    /// - Returns: nil when no unit can have that name.
    init?(_ text: String) {
        var text = text[...]
        if text.hasSuffix(".service") { text = text.dropLast(8) }
        guard text != "wstand" else {
            instance = nil
            return
        }
        if text.hasPrefix("wstand@") { text = text.dropFirst(7) }
        guard Instance.isName(text) else { return nil }
        instance = String(text)
    }
}
