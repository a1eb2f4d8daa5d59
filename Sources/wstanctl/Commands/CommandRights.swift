import WstanControl

/// Who may call each command: by the method that it cannot do without. The help is made of this, and tests hold the manual to it.
enum CommandRights {
    struct Row {
        let right: Control.Right
        /// What more of the users may do, or what other right it takes.
        var note: String?

        init(_ right: Control.Right, _ note: String? = nil) {
            (self.right, self.note) = (right, note)
        }
    }

    /// A command that is not in it needs no right of the daemon's.
    static let all: [String: Row] = [
        "status": Row(GetStatus.right), "check": Row(GetStatus.right), "pool": Row(GetStatus.right),
        "instances": Row(GetStatus.right),
        "tunnels": Row(ListTunnels.right), "top": Row(ListTunnels.right), "rejects": Row(ListRejects.right),
        "keys": Row(ListKeys.right),
        "rotate-key": Row(RotateKey.right), "rotate-server-key": Row(RotateServerKey.right),
        "add-key": Row(AddKey.right), "retire-key": Row(RetireKey.right),
        "client-config": Row(GetClientConfiguration.right, "with --pac: any user"),
        "check-config": Row(
            CheckConfiguration.right, "if wstand is not running, and with --config: who may read the files"),
        "reload": Row(Reload.right), "drain": Row(Drain.right), "undrain": Row(Undrain.right),
        "close": Row(CloseTunnel.right), "log-level": Row(SetLogLevel.right, "without a level: any user"),
    ]

    static func text(_ right: Control.Right) -> String {
        switch right {
        case .everyone: "any user"
        case .group: "root, the user that wstand runs as, and the control group"
        case .owner: "root and the user that wstand runs as"
        }
    }

    /// - Returns: what the help of a command says; nil for one that needs no right of the daemon's.
    static func text(of command: String) -> String? {
        all[command].map { row in text(row.right) + (row.note.map { "; \($0)" } ?? "") }
    }

    /// Of all commands, in words.
    static var summary: String {
        func commands(_ right: Control.Right) -> String {
            let names = all.filter { $0.value.right == right }.keys.sorted()
            guard let last = names.last, names.count > 1 else { return names.joined() }
            return names.dropLast().joined(separator: ", ") + " and " + last
        }
        return """
            Any user may call \(commands(.everyone)), log-level without a level, and client-config --pac. \
            \(commands(.owner)) prints a key and is for \(text(.owner)). The other commands that talk to wstand are for \
            \(text(.group)) (wstan unless the configuration says otherwise).
            """
    }
}
