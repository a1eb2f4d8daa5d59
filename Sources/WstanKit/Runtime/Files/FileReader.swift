import Glibc

/// Reads small files whole.
package enum FileReader {
    /// - Parameter limit: one byte more than this is read at most, so that the caller can tell that there is more.
    package static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try SystemError.check("open") { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let wanted = min(buffer.count, limit + 1 - bytes.count)
            let count = try SystemError.check("read") {
                Int32(truncatingIfNeeded: Glibc.read(descriptor, &buffer, wanted))
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer.prefix(Int(count)))
        }
        return bytes
    }

    /// Whether everybody on this host may read it.
    package static func isWorldReadable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }
}
