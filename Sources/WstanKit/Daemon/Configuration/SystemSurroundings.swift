import Glibc
import WstanConfig
import WstanCore

extension Surroundings {
    /// This host's files and this process's environment. Blocks while it reads.
    static var system: Surroundings {
        Surroundings(
            readFile: { try FileReader.read($0, limit: ConfigurationBounds.fileSize) },
            fileNames: { try FileReader.names(in: $0, limit: ConfigurationBounds.directoryEntries) },
            isWorldReadable: { FileReader.isWorldReadable($0) }, closingCommand: { FileExposure.command($0) },
            changes: { FileExposure.changes(of: $0) },
            variable: { name in getenv(name).map { String(cString: $0) } })
    }
}

extension FileReader {
    struct TooManyEntries: Error, CustomStringConvertible {
        let limit: Int
        var description: String { "more than \(limit) entries" }
    }

    /// The regular files of a directory, and links to such or to nothing, which are to be warned of. A link
    /// to /dev/null, which is how a file is masked, is none.
    ///
    /// - Parameter limit: of entries of any kind.
    /// - Returns: nil when there is no such directory.
    static func names(in directory: String, limit: Int) throws -> [String]? {
        guard let stream = opendir(directory) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError(call: "opendir", code: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        var count = 0
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError(call: "readdir", code: errno) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            count += 1
            guard count <= limit else { throw TooManyEntries(limit: limit) }
            var status = stat()
            if fstatat(dirfd(stream), name, &status, 0) != 0 || status.st_mode & S_IFMT == S_IFREG {
                names.append(name)
            }
        }
    }
}
