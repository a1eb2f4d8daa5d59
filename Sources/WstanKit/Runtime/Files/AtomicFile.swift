import Glibc

/// Replaces small files as a whole: a reader, also after a crash or a loss of power at any instant, finds the old
/// bytes or the new ones.
///
/// It blocks. Two processes that replace the same file at the same moment are not told apart.
package enum AtomicFile {
    package struct Attributes {
        /// A secret's, unless it is said otherwise.
        var mode: mode_t = 0o600
        /// Nil: the user of this process.
        var owner: (user: uid_t, group: gid_t)?

        package init(mode: mode_t = 0o600, owner: (user: uid_t, group: gid_t)? = nil) {
            self.mode = mode
            self.owner = owner
        }
    }

    /// What the bytes are in until they are all there. One that is found was left by a crash.
    static func temporaryName(for name: String) -> String { ".\(name).new" }

    /// - Throws: what has failed; the old file stands, unless it says `fsync` of the directory: then the new one does, and
    ///   may not survive a loss of power.
    package static func replace(
        _ path: String, with bytes: [UInt8], _ attributes: Attributes = Attributes()
    ) throws(SystemError) {
        let (folder, name) = split(path)
        let directory = try SystemError.check("open \(folder)") { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(directory) }
        try replace(name, in: directory, with: bytes, attributes)
    }

    /// - Parameter directory: the folder that the file is in, open: whatever its path leads to by now.
    package static func replace(
        _ name: String, in directory: Int32, with bytes: [UInt8], _ attributes: Attributes = Attributes()
    ) throws(SystemError) {
        let temporary = temporaryName(for: name)
        unlinkat(directory, temporary, 0)
        do {
            try write(bytes, to: temporary, in: directory, attributes)
            _ = try SystemError.check("rename") { renameat(directory, temporary, directory, name) }
        } catch {
            unlinkat(directory, temporary, 0)
            throw error
        }
        // The rename is on the disk only when its directory is.
        _ = try SystemError.check("fsync of its folder") { fsync(directory) }
    }

    private static func write(
        _ bytes: [UInt8], to name: String, in directory: Int32, _ attributes: Attributes
    ) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        // Nobody else may read it before it is complete.
        let descriptor = try SystemError.check("create") { openat(directory, name, flags, 0o600) }
        defer { close(descriptor) }
        var status = stat()
        _ = try SystemError.check("fstat") { fstat(descriptor, &status) }
        if let owner = attributes.owner, owner != (status.st_uid, status.st_gid) {
            _ = try SystemError.check("chown") { fchown(descriptor, owner.user, owner.group) }
        }
        _ = try SystemError.check("chmod") { fchmod(descriptor, attributes.mode) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try SystemError.check("write") {
                Int32(truncatingIfNeeded: rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) })
            }
            rest = rest.dropFirst(Int(count))
        }
        _ = try SystemError.check("fsync") { fsync(descriptor) }
    }

    package static func split(_ path: String) -> (folder: String, name: String) {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let folder = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        return (folder, String(decoding: bytes[(slash + 1)...], as: UTF8.self))
    }
}
