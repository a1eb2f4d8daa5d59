import Glibc
import WstanControl

/// The host that is set up: looks at it, and does what was planned.
struct SetupHost {
    /// What stands before every path: empty but for an image that is being made.
    let root: String
    let manager: Instance.Manager

    func observe(_ steps: [any SetupStep], units: [String]) throws(Failure) -> HostObservation {
        var host = HostObservation()
        for path in steps.flatMap(\.lookedAt) where !path.isEmpty {
            let paths = path.hasSuffix("/") ? InstanceSearch.dropIns(in: root + path).map { path + $0 } : [path]
            for path in paths { try observe(path, &host) }
        }
        if root.isEmpty, access("/run/systemd/system", F_OK) == 0 {
            host.activeUnits = found(units, "is-active", ["active", "activating", "reloading"])
            host.enabledUnits = found(units, "is-enabled", ["enabled", "enabled-runtime"])
        }
        return host
    }

    private func observe(_ path: String, _ host: inout HostObservation) throws(Failure) {
        guard let bytes = try SetupFile(path, root: root).read() else { return }
        host.files[path] = bytes
        let names = ["\(path).bak"] + (2...99).map { "\(path).bak.\($0)" }
        host.backups[path] = names.first { access(root + $0, F_OK) != 0 }
    }

    /// Asks for each of them, since what systemd says of several cannot be told apart when one does not exist.
    ///
    /// - Returns: those with one of the states.
    private func found(_ units: [String], _ verb: String, _ states: [String]) -> Set<String> {
        Set(
            units.filter { unit in
                guard let output = Subprocess.run(systemctl + [verb, unit])?.output else { return false }
                return output.split(separator: "\n").contains { states.contains(String($0)) }
            })
    }

    private var systemctl: [String] { ["systemctl"] + (manager == .user ? ["--user"] : []) }

    func carryOut(_ deed: Deed) throws(Failure) {
        switch deed {
        case .keep: break
        case .write(let writing):
            let file = SetupFile(writing.path, root: root)
            try file.makeDirectory(isForAll: manager == .system)
            if let backup = writing.backup { try file.keepCopy(at: backup) }
            try file.write(writing.text, for: writing.readers, replacing: writing.replaces)
        case .remove(let path, _, let backup):
            let file = SetupFile(path, root: root)
            if let backup { try file.keepCopy(at: backup) }
            try file.remove()
        case .run(let command, _): try run(command)
        }
    }

    private func run(_ command: [String]) throws(Failure) {
        let line = command.joined(separator: " ")
        guard let ended = Subprocess.run(command) else { throw Failure("cannot run \(line)") }
        guard ended.status == 0 else {
            // What follows the first line of systemctl's are hints.
            let output = Printable.text(ended.output.split(separator: "\n").first.map(String.init) ?? "no message")
            let journal = manager == .user ? "journalctl --user" : "journalctl"
            let unit = command.last.map { $0.hasSuffix(".service") ? " \(journal) -u \($0) shows why." : "" } ?? ""
            throw Failure("\(line) failed (status \(ended.status)): \(output)\(unit)")
        }
    }
}
