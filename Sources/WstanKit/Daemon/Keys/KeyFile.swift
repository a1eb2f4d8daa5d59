import Glibc
import WstanControl
import WstanCore

/// The `key-file` of the configuration, as something that is written. It blocks.
enum KeyFile {
    /// Puts a key in as `replaceKey` does.
    ///
    /// - Returns: why not; nil when it was done.
    static func obstacle(toKey text: String, in path: String) -> String? {
        do throws(SystemError) {
            try replaceKey(in: path, with: text)
            return nil
        } catch {
            return [EACCES, EPERM, EROFS].contains(error.code) ? KeyWarning.notPermitted : error.description
        }
    }

    /// Puts another key in place of the first line and leaves the others, the mode and the owner as they are.
    ///
    /// - Parameter text: of the key, one line.
    static func replaceKey(in path: String, with text: String) throws(SystemError) {
        // What a link leads to is replaced, not the link.
        guard let resolved = realpath(path, nil) else { throw SystemError(call: "open", code: errno) }
        defer { free(resolved) }
        let (folder, name) = AtomicFile.split(String(cString: resolved))
        // Looked up once: whatever the path leads to from here on, all is done in this directory.
        let directory = try SystemError.check("open \(folder)") {
            open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        defer { close(directory) }
        var status = stat()
        _ = try SystemError.check("stat") { fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EINVAL) }
        // A user who may not write it may not replace it either, though the directory allows it.
        let file = try SystemError.check("open") {
            openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        }
        defer { close(file) }
        // Of what was opened, and is read: the name may be another file's by now.
        _ = try SystemError.check("fstat") { fstat(file, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EINVAL) }
        // A file with another name may be one that others have led here.
        guard status.st_nlink == 1 else { throw SystemError(call: "open", code: EMLINK) }
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(from: file, limit: KeyText.sizeLimit)
        } catch {
            throw SystemError(call: "read", code: error.code ?? EINVAL)
        }
        guard bytes.count <= KeyText.sizeLimit else { throw SystemError(call: "read", code: EFBIG) }
        // Blank lines before the key are no lines to keep.
        let rest = bytes.drop { $0 <= 32 }.drop { $0 != 10 && $0 != 13 }
        try AtomicFile.replace(
            name, in: directory, with: Array(text.utf8) + (rest.isEmpty ? [10] : Array(rest)),
            AtomicFile.Attributes(mode: status.st_mode & 0o7777, owner: (status.st_uid, status.st_gid)))
    }
}
