import Glibc
import WstanBase
import WstanConfig
import WstanCore

extension ServiceUnit {
    /// The unit that runs the configuration which a command line wants examined (`--doctor`, `--check-config`). Blocks while
    /// it asks systemd.
    ///
    /// - Returns: nil without a file, without systemd, and where no unit runs that file.
    static func examined(by arguments: [String]) -> ServiceUnit? {
        guard let file = file(examinedBy: arguments, in: .system) else { return nil }
        let name = InstancePlaces.instance(of: file).map { "wstand@\($0)" } ?? "wstand"
        let ofUser = geteuid() == 0 ? [] : [["--user"]]
        for manager in [[]] + ofUser {
            let command =
                ["systemctl"] + manager
                + ["show", "--property=\(properties.joined(separator: ","))", "\(name).service", "\(name).socket"]
            guard let shown = output(of: command), let unit = ServiceUnit(shown: shown, running: file) else { continue }
            return unit
        }
        return nil
    }

    /// - Returns: nil when nothing is to be examined, or no file.
    static func file(examinedBy arguments: [String], in surroundings: Surroundings) -> String? {
        let words = CommandLineArguments(arguments)
        guard words.asksForDoctor || words.asksForCheck else { return nil }
        return words.file ?? words.standardFile(in: surroundings)
    }

    /// Wait this long for systemctl, in milliseconds.
    private static let patience: Int32 = 5000
    private static let mostOutput = 64 * 1024

    /// - Returns: nil when the program is not there, fails, says too much, or is silent for too long.
    private static func output(of command: [String]) -> String? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let error = posix_spawnp(&process, command[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard error == 0 else { return nil }
        let bytes = readAll(ends[0])
        if bytes == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard let bytes, status == 0 else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= mostOutput {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, patience) > 0 else { return nil }
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: buffer.prefix(count))
        }
        return nil
    }
}
