import Glibc

/// The symbolic links by which a path leads to its file: path_resolution(7). Who replaces one of them replaces the file.
enum LinkPath {
    struct Link: Equatable {
        /// Without links, and without a slash at its end.
        let directory: String
        let name: String

        var path: String { directory + "/" + name }
    }

    /// As many as the kernel follows.
    private static let most = 40

    /// In the order in which they are followed; those up to a loop, or to what is not there.
    static func links(of path: String) -> [Link] {
        var links: [Link] = []
        var directory = path.hasPrefix("/") ? "" : workingDirectory
        var rest = Array(names(in: path).reversed())
        while let name = rest.popLast(), links.count < most {
            if name == ".." {
                directory = String(directory[..<(directory.lastIndex(of: "/") ?? directory.startIndex)])
            } else if let target = target(of: directory + "/" + name) {
                links.append(Link(directory: directory, name: name))
                if target.hasPrefix("/") { directory = "" }
                rest += names(in: target).reversed()
            } else {
                directory += "/" + name
            }
        }
        return links
    }

    private static func names(in path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    private static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return path.pointee == 47 && path[1] == 0 ? "" : String(cString: path)
    }

    /// nil for what is no link.
    private static func target(of path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
