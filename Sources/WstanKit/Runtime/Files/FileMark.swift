import Glibc

/// A file as it was found: another one, or one that was written anew or may be read by others, is not equal.
package struct FileMark: Equatable, Sendable {
    private let numbers: [Int]

    /// Follows links; a file that is not there has a mark as well.
    package init(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            numbers = []
            return
        }
        numbers = [
            Int(truncatingIfNeeded: status.st_dev), Int(truncatingIfNeeded: status.st_ino), Int(status.st_size),
            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}
