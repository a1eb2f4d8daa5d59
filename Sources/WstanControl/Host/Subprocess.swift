import Glibc

/// Another program that is run to its end, with nothing on its standard input.
public enum Subprocess {
    public enum Errors: Sendable {
        /// Taken together with the output.
        case taken
        case dropped
    }

    /// Output beyond this is read, so that the program can end, and dropped.
    private static let mostOutput = 1 << 20

    /// - Parameter patience: how long it may be silent, in milliseconds, before it is killed; nil: for ever.
    /// - Returns: the exit status, or 128 and the number of the signal; nil when it could not be run, or was silent for too
    ///   long.
    public static func run(
        _ command: [String], errors: Errors = .taken, patience: Int32? = nil
    ) -> (status: Int32, output: String)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let started = start(command, output: ends[1], errors)
        close(ends[1])
        guard let process = started else { return nil }
        let output = readAll(ends[0], patience: patience ?? -1)
        if output == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        guard let output else { return nil }
        // WIFEXITED, WEXITSTATUS
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, String(decoding: output, as: UTF8.self))
    }

    private static func start(_ command: [String], output: Int32, _ errors: Errors) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        switch errors {
        case .taken: posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        case .dropped: posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        return posix_spawnp(&process, command[0], &actions, nil, &words, environ) == 0 ? process : nil
    }

    /// - Parameter patience: in milliseconds; below zero: for ever.
    private static func readAll(_ descriptor: Int32, patience: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            if bytes.count < mostOutput { bytes += buffer.prefix(count) }
        }
    }
}
