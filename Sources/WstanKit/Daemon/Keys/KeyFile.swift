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
        let path = String(cString: resolved)
        var status = stat()
        _ = try SystemError.check("stat") { stat(path, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", code: EINVAL) }
        // A file with another name may be one that others have led here.
        guard status.st_nlink == 1 else { throw SystemError(call: "open", code: EMLINK) }
        // A user who may not write it may not replace it either, though the directory allows it.
        guard access(path, W_OK) == 0 else { throw SystemError(call: "open", code: errno) }
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: KeyText.sizeLimit)
        } catch {
            throw SystemError(call: "read", code: error.code ?? EINVAL)
        }
        guard bytes.count <= KeyText.sizeLimit else { throw SystemError(call: "read", code: EFBIG) }
        // Blank lines before the key are no lines to keep.
        let rest = bytes.drop { $0 <= 32 }.drop { $0 != 10 && $0 != 13 }
        try AtomicFile.replace(
            path, with: Array(text.utf8) + (rest.isEmpty ? [10] : Array(rest)),
            AtomicFile.Attributes(mode: status.st_mode & 0o7777, owner: (status.st_uid, status.st_gid)))
    }
}
