import CLinux
import Glibc
import Synchronization

/// The file of a Unix stream socket.
package enum UnixPath {
    package struct FileIdentity: Equatable {
        let device: UInt
        let number: UInt
    }

    /// Does not wait.
    package static func socket() throws(SystemError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return try SystemError.check("socket") { Glibc.socket(AF_UNIX, type, 0) }
    }

    /// Makes the file with the mode 0666: every user of this host may connect, as to a port of 127.0.0.1.
    ///
    /// The file is made with the mode of the socket, less the umask (unix(7), `unix_bind_bsd` of Linux). So both are set before,
    /// and no path is changed afterwards: another file may stand there by then. Meanwhile other threads make files without a
    /// umask; each says its whole mode.
    static func bindForAll(_ descriptor: Int32, to path: String) throws(SystemError) {
        _ = try SystemError.check("fchmod") { fchmod(descriptor, 0o666) }
        let result = umaskLock.withLock { _ in
            let former = umask(0)
            defer { umask(former) }
            return Result { () throws(SystemError) in
                try withAddress(path) { (address, length) throws(SystemError) in
                    _ = try SystemError.check("bind") { Glibc.bind(descriptor, address, length) }
                }
            }
        }
        try result.get()
    }

    /// One at a time, or the thread that ends last would restore the zero of the other.
    private static let umaskLock = Mutex(())

    /// Removes the socket at `path` if it is still that one. Directory and name are those that were looked at, whatever the path
    /// leads to by then.
    static func remove(_ file: FileIdentity, at path: String) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        defer { close(directory) }
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFSOCK,
            FileIdentity(device: UInt(status.st_dev), number: UInt(status.st_ino)) == file
        else { return }
        unlinkat(directory, name, 0)
    }

    package static func connect(_ descriptor: Int32, to path: String) throws(SystemError) {
        try withAddress(path) { (address, length) throws(SystemError) in
            _ = try SystemError.check("connect") { Glibc.connect(descriptor, address, length) }
        }
    }

    /// What a bound socket is called; an abstract name begins with `@`.
    ///
    /// - Returns: nil when it has none.
    static func name(of descriptor: Int32) -> String? {
        var raw = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafeMutablePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        let start = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
        guard status == 0, Int32(raw.sun_family) == AF_UNIX, Int(length) > start else { return nil }
        let bytes = withUnsafeBytes(of: raw.sun_path) { Array($0.prefix(Int(length) - start)) }
        if bytes.first == 0 { return "@" + String(decoding: bytes.dropFirst(), as: UTF8.self) }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    package static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    package static func identity(of path: String) -> FileIdentity? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt(status.st_dev), number: UInt(status.st_ino))
    }

    /// Whether a socket's file is there on which no process listens.
    static func isStale(_ path: String) -> Bool {
        guard isSocket(path), let descriptor = try? socket() else { return false }
        defer { Glibc.close(descriptor) }
        do throws(SystemError) {
            try connect(descriptor, to: path)
            return false
        } catch {
            // EAGAIN: its queue is full. EACCES: it cannot be told. EPROTOTYPE: it is of another kind, and bound.
            return error.code == ECONNREFUSED
        }
    }

    /// - Returns: nil when no process listens, or it cannot be told which.
    static func listener(at path: String) -> LocalProcess? {
        guard let descriptor = try? socket() else { return nil }
        defer { Glibc.close(descriptor) }
        guard (try? connect(descriptor, to: path)) != nil else { return nil }
        return LocalProcess(atOtherEndOf: descriptor)
    }

    /// Calls `body` with the form that the kernel takes.
    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        var raw = sockaddr_un()
        raw.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // An empty path means no name at all, a NUL in front an abstract one (unix(7)).
        guard !bytes.isEmpty, !bytes.contains(0), bytes.count < MemoryLayout.size(ofValue: raw.sun_path) else {
            throw SystemError(call: "bind", code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &raw.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Result { () throws(SystemError) in try body(address, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
        }
        try result.get()
    }
}
