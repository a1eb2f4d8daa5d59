import Glibc

/// What to do about a file that cannot be read.
enum UnreadableFile {
    /// - Parameter path: of a file that the configuration names.
    /// - Returns: nil for a file that can be read.
    static func remedy(_ path: String) -> String? {
        guard faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 else { return nil }
        switch errno {
        case ENOENT, ENOTDIR:
            return "there is no such file: correct the path, or make the file"
        case EACCES where getuid() == 0:
            if let directory = closedDirectory(on: path) {
                return "the service may not enter \(directory): copy the file below /etc/wstan, then chown root:wstan FILE; "
                    + "chmod 640 FILE"
            }
            return "let the service read it: chown root:wstan \(path); chmod 640 \(path)"
        case EACCES:
            return "this user may not read it: run the doctor with sudo"
        default:
            return nil
        }
    }

    /// The first directory on the way to a file that this user may not enter.
    private static func closedDirectory(on path: String) -> String? {
        let parts = path.split(separator: "/").dropLast()
        let directories = parts.indices.map { "/" + parts[...$0].joined(separator: "/") }
        return directories.first { faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) != 0 && errno == EACCES }
    }
}
