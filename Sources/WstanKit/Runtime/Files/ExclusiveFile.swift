import Glibc
import WstanBase

/// A file that only we have, written in place: what `write` has returned from is in the file, whatever becomes of the process. What
/// a loss of power leaves is another matter.
///
/// It is not mapped: a store into a mapping of a file that another process has truncated kills the process (SIGBUS). Not for two
/// threads at once.
final class ExclusiveFile: @unchecked Sendable {
    enum Failure: Error, Equatable {
        /// Another process has it.
        case inUse
        /// A folder, a link, a device.
        case notAFile
        case system(SystemError)

        var systemError: SystemError {
            switch self {
            case .inUse: SystemError(call: "flock", code: EWOULDBLOCK)
            case .notAFile: SystemError(call: "open", code: EINVAL)
            case .system(let error): error
            }
        }
    }

    private let path: String
    private let descriptor: Int32
    /// Of the file, as it was when we last opened or changed it.
    private(set) var size: Int

    /// Between two tries for the lock, in microseconds.
    private static let lockPause: UInt32 = 20_000

    /// Opens the file, or makes an empty one that no other user may read, and locks it. Blocks.
    ///
    /// - Parameter patience: how long another process that has it is waited for.
    init(_ path: String, patience: Duration) throws(Failure) {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let descriptor: Int32
        do {
            descriptor = try SystemError.check("open") { open(path, flags, 0o600) }
        } catch {
            throw error.code == ELOOP || error.code == EISDIR ? .notAFile : .system(error)
        }
        do throws(Failure) {
            try Self.lock(descriptor, patience)
            size = try Self.size(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // The lock goes with it.
        close(descriptor)
    }

    private static func lock(_ descriptor: Int32, _ patience: Duration) throws(Failure) {
        let deadline = Instant.now() + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else { throw .system(SystemError(call: "flock", code: code)) }
            guard Instant.now() < deadline else { throw .inUse }
            usleep(lockPause)
        }
    }

    private static func size(of descriptor: Int32) throws(Failure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(SystemError(call: "fstat", code: errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        return Int(status.st_size)
    }

    /// What another process has done to the file.
    enum Change: Equatable {
        /// It is shorter than it was.
        case truncated
        /// It is larger.
        case extended
        /// Something else has its name, or nothing.
        case removed
    }

    /// - Returns: nil when the file is as we have left it.
    func change() -> Change? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        if status.st_nlink == 0 || !isNamed(status) { return .removed }
        if Int(status.st_size) == size { return nil }
        return Int(status.st_size) < size ? .truncated : .extended
    }

    /// Whether another process finds this file under its path, without a symbolic link.
    private func isNamed(_ own: stat) -> Bool {
        var named = stat()
        // Where its folder cannot be looked into, nothing is known.
        guard lstat(path, &named) == 0 else { return errno != ENOENT && errno != ENOTDIR && errno != ELOOP }
        return named.st_dev == own.st_dev && named.st_ino == own.st_ino
    }

    /// - Returns: fewer bytes than `count` only at the end of the file.
    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try SystemError.check("pread") {
                bytes.withUnsafeMutableBytes { room in
                    let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
                    return Int32(
                        truncatingIfNeeded: pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled)))
                }
            }
            if got == 0 { break }
            filled += Int(got)
        }
        return Array(bytes.prefix(filled))
    }

    /// Bytes that lie within one page are in the file all or not at all when the process is killed: the kernel looks for a kill
    /// between pages only.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError(call: "pwrite", code: count < 0 ? errno : ENOSPC) }
            done += count
        }
        size = max(size, offset + bytes.count)
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        var failure: SystemError?
        bytes.withUnsafeBytes { bytes in
            do throws(SystemError) { try write(bytes, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Gives the file that size and room for all of it. What is new in it is zeros.
    func reserve(_ size: Int) throws(SystemError) {
        // It says its error, and leaves errno alone.
        var code = posix_fallocate(descriptor, 0, off_t(size))
        while code == EINTR { code = posix_fallocate(descriptor, 0, off_t(size)) }
        guard code == 0 else { throw SystemError(call: "posix_fallocate", code: code) }
        // It may be larger.
        try truncate(to: size)
    }

    func truncate(to size: Int) throws(SystemError) {
        _ = try SystemError.check("ftruncate") { ftruncate(descriptor, off_t(size)) }
        self.size = size
    }
}
