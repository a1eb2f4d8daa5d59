import Glibc

/// Another program that is run to its end.
public enum Subprocess {
    public enum Errors: Sendable {
        /// Taken together with the output.
        case taken
        case dropped
    }

    /// PIPE_BUF
    private static let mostInput = 4096
    /// Output beyond this is read, so that the program can end, and dropped.
    private static let mostOutput = 1 << 20

    /// - Parameters:
    ///   - input: what it reads; at most what a pipe holds at once.
    ///   - patience: how long it may be silent, in milliseconds, before it is killed; nil: for ever.
    /// - Returns: the exit status, or 128 and the number of the signal; nil when it could not be run, or was silent for too
    ///   long.
    public static func run(
        _ command: [String], input: String = "", errors: Errors = .taken, patience: Int32? = nil
    ) -> (status: Int32, output: String)? {
        guard let source = Self.source(of: input) else { return nil }
        guard let (reading, writing) = ends() else {
            close(source)
            return nil
        }
        defer { close(reading) }
        let started = start(command, input: source, output: writing, errors)
        close(source)
        close(writing)
        guard let process = started else { return nil }
        let output = readAll(reading, patience: patience ?? -1)
        if output == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        guard let output else { return nil }
        // WIFEXITED, WEXITSTATUS
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, String(decoding: output, as: UTF8.self))
    }

    /// - Returns: a descriptor that reads as this text.
    private static func source(of text: String) -> Int32? {
        let bytes = Array(text.utf8)
        precondition(bytes.count <= mostInput, "an input that a pipe may not hold")
        guard let (reading, writing) = ends() else { return nil }
        // What was written stays when the writing end has gone.
        defer { close(writing) }
        guard write(writing, bytes, bytes.count) == bytes.count else {
            close(reading)
            return nil
        }
        return reading
    }

    /// - Returns: those of a pipe, which no other program inherits.
    private static func ends() -> (reading: Int32, writing: Int32)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func start(_ command: [String], input: Int32, output: Int32, _ errors: Errors) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
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
