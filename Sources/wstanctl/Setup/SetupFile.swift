import Glibc

/// Writes a file so that a crash at any moment leaves either nothing or all of it, and over another one only when that is
/// asked for.
struct SetupFile {
    /// As it is shown and as a configuration names it.
    let path: String
    /// What stands before it: empty but for an image that is being made.
    let root: String

    init(_ path: String, root: String) {
        self.path = path
        self.root = root
    }

    private var actual: String { root + path }

    enum Readers: Equatable {
        case everybody
        /// Root, and the group that wstand runs as, where there is one.
        case daemon
        /// The user who runs this program.
        case owner
        /// As with the file in its place.
        case same(mode: mode_t, user: uid_t, group: gid_t)
    }

    /// - Returns: nil when there is none.
    func read(limit: Int = 1 << 20) throws(Failure) -> [UInt8]? {
        let descriptor = open(actual, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot read")
        }
        defer { close(descriptor) }
        return try contents(of: descriptor, limit: limit)
    }

    /// Of a regular file, without following a link: both are of the same file, whatever takes its place meanwhile.
    ///
    /// - Returns: what is in it, and what a successor should be like; nil for anything else.
    func readRegular(limit: Int) throws(Failure) -> (bytes: [UInt8], readers: Readers)? {
        let descriptor = open(actual, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ELOOP { return nil }
            throw failure("cannot read")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot read") }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        let bytes = try contents(of: descriptor, limit: limit)
        return (bytes, .same(mode: status.st_mode & 0o7777, user: status.st_uid, group: status.st_gid))
    }

    private func contents(of descriptor: Int32, limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot read") }
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= limit else { throw Failure("\(actual) is too large: above \(limit) bytes") }
        }
    }

    func write(_ text: String, for readers: Readers, replacing: Bool) throws(Failure) {
        let temporary = actual + ".new-\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot write") }
        var isThere = true
        defer {
            close(descriptor)
            if isThere { unlink(temporary) }
        }
        try fill(descriptor, with: Array(text.utf8))
        try admit(readers, to: descriptor)
        guard fsync(descriptor) == 0 else { throw failure("cannot write") }
        if replacing {
            guard rename(temporary, actual) == 0 else { throw failure("cannot write") }
            isThere = false
        } else {
            // Unlike a rename, a link never takes another one's place.
            guard link(temporary, actual) == 0 else { throw failure("cannot write") }
        }
        syncDirectory()
    }

    private func fill(_ descriptor: Int32, with bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot write") }
            rest = rest.dropFirst(count)
        }
    }

    private func admit(_ readers: Readers, to descriptor: Int32) throws(Failure) {
        switch readers {
        case .everybody:
            guard fchmod(descriptor, 0o644) == 0 else { throw failure("cannot write") }
        case .owner: break
        case .same(let mode, let user, let group):
            guard fchown(descriptor, user, group) == 0, fchmod(descriptor, mode) == 0 else { throw failure("cannot write") }
        case .daemon:
            // The group comes first: for a moment another group could read it otherwise.
            guard let group = Self.daemonGroup else { return }
            guard fchown(descriptor, uid_t.max, group) == 0, fchmod(descriptor, 0o640) == 0 else { throw failure("cannot write") }
        }
    }

    /// Nil where it is not there, or not to be given by this user.
    static var daemonGroup: gid_t? {
        guard geteuid() == 0, let group = getgrnam("wstan") else { return nil }
        return group.pointee.gr_gid
    }

    /// Only root can read the keys that root writes.
    static var lacksGroup: Bool { geteuid() == 0 && daemonGroup == nil }

    /// So that the file's name outlives a crash, too.
    private func syncDirectory() {
        let path = String(actual[..<(actual.lastIndex(of: "/") ?? actual.startIndex)]) + "/"
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    /// Makes the directory that it is in, and those above it, where they are missing.
    ///
    /// - Parameter isForAll: the service can enter what is made, whatever the umask; else the umask decides.
    func makeDirectory(isForAll: Bool) throws(Failure) {
        for slash in actual.indices.dropFirst() where actual[slash] == "/" {
            let directory = String(actual[..<slash])
            let isMade = mkdir(directory, 0o755) == 0
            guard isMade || errno == EEXIST else { throw failure("cannot make the directory of") }
            if isMade, isForAll, !Self.admitAll(to: directory) { throw failure("cannot make the directory of") }
        }
    }

    /// Of the directory that was just made, and nothing that has taken its place.
    private static func admitAll(to path: String) -> Bool {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { return false }
        defer { close(directory) }
        var status = stat()
        guard fstat(directory, &status) == 0, status.st_uid == geteuid() else {
            errno = EPERM
            return false
        }
        return fchmod(directory, 0o755) == 0
    }

    /// Gives the file that is there a second name; what takes its place leaves that one alone.
    func keepCopy(at path: String) throws(Failure) {
        guard link(actual, root + path) == 0 else { throw failure("cannot keep a copy of") }
    }

    func remove() throws(Failure) {
        guard unlink(actual) == 0 || errno == ENOENT else { throw failure("cannot remove") }
    }

    var exists: Bool {
        get throws(Failure) {
            var status = stat()
            if lstat(actual, &status) == 0 { return true }
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw failure("cannot look at")
        }
    }

    private func failure(_ what: String) -> Failure {
        let code = errno
        switch code {
        case EACCES, EPERM, EROFS:
            return Failure("\(what) \(actual): \(String(cString: strerror(code))): use sudo", status: .notPermitted)
        case EEXIST: return Failure("\(what) \(actual): it exists")
        default: return Failure("\(what) \(actual): \(String(cString: strerror(code)))")
        }
    }
}
