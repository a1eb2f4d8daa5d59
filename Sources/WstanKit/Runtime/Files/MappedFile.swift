import Glibc
import WstanBase

/// A file that only we have, and that is written by storing into memory: a store takes no system call, cannot fail, and
/// has reached the file when it is done, whatever becomes of the process. What a loss of power leaves is another matter.
///
/// Its room is reserved before it is mapped, since a store for which a full file system has no page kills the process
/// (SIGBUS). Not for two threads at once.
final class MappedFile: @unchecked Sendable {
    enum Failure: Error, Equatable {
        /// Another process has it.
        case inUse
        /// A folder, a link, a device.
        case notAFile
        case system(SystemError)
    }

    private let descriptor: Int32
    /// Of the file as it is.
    private(set) var size: Int
    private var mapped: UnsafeMutableRawBufferPointer?

    private static let lookAgain: UInt32 = 20_000

    /// Opens the file, or makes an empty one that nobody else may read, and locks it. Blocks.
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
        self.descriptor = descriptor
    }

    deinit {
        if let mapped { munmap(mapped.baseAddress, mapped.count) }
        // The lock goes with it.
        close(descriptor)
    }

    private static func lock(_ descriptor: Int32, _ patience: Duration) throws(Failure) {
        let deadline = Instant.now() + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else { throw .system(SystemError(call: "flock", code: code)) }
            guard Instant.now() < deadline else { throw .inUse }
            usleep(lookAgain)
        }
    }

    private static func size(of descriptor: Int32) throws(Failure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(SystemError(call: "fstat", code: errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        return Int(status.st_size)
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

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        let written = try SystemError.check("pwrite") {
            Int32(truncatingIfNeeded: pwrite(descriptor, bytes, bytes.count, off_t(offset)))
        }
        guard Int(written) == bytes.count else { throw SystemError(call: "pwrite", code: ENOSPC) }
        size = max(size, offset + bytes.count)
    }

    /// Gives the file that size and room for all of it. What is new in it is zeros.
    func reserve(_ size: Int) throws(SystemError) {
        // It says its error, and leaves errno alone.
        var code = posix_fallocate(descriptor, 0, off_t(size))
        while code == EINTR { code = posix_fallocate(descriptor, 0, off_t(size)) }
        guard code == 0 else { throw SystemError(call: "posix_fallocate", code: code) }
        if self.size > size { try truncate(to: size) }
        self.size = size
    }

    func truncate(to size: Int) throws(SystemError) {
        _ = try SystemError.check("ftruncate") { ftruncate(descriptor, off_t(size)) }
        self.size = size
    }

    /// From now on `store` may be used, on what was reserved.
    func map() throws(SystemError) {
        precondition(mapped == nil && size > 0, "mapped once, when it has a size")
        let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else { throw SystemError(call: "mmap", code: errno) }
        mapped = UnsafeMutableRawBufferPointer(start: address, count: size)
    }

    /// Stores an integer in network order, by one store of the processor: half of it is never seen.
    ///
    /// - Parameter offset: a multiple of 8.
    func store(_ word: UInt64, at offset: Int) {
        guard let mapped else { preconditionFailure("not mapped") }
        precondition(offset >= 0 && offset % 8 == 0 && offset + 8 <= mapped.count, "outside the file")
        mapped.storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
}
