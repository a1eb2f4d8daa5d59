import Glibc

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

/// Another program that is run to its end.
enum Subprocess {
    /// Its standard input is empty; output and errors are taken together.
    ///
    /// - Returns: nil when it could not be run.
    static func run(_ command: [String]) -> (status: Int32, output: String)? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        defer { words.forEach { free($0) } }
        words.append(nil)
        var process = pid_t()
        let code = posix_spawnp(&process, command[0], &actions, nil, &words, environ)
        close(ends[1])
        guard code == 0 else { return nil }
        let output = readAll(ends[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        // WIFEXITED, WEXITSTATUS
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, String(decoding: output, as: UTF8.self))
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            // The rest is read, so that it can end, and dropped.
            if bytes.count < limit { bytes += buffer.prefix(count) }
        }
    }

    private static let limit = 1 << 20
}
