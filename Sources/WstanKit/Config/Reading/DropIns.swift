/// The drop-ins of a file, `wstan.conf.d/*.conf` for `wstan.conf`: in the order of their names' bytes, which is the order
/// in which they are read over it.
package struct DropIns {
    package private(set) var paths: [String] = []
    private(set) var diagnostics = DiagnosticList()

    /// - Parameter fileNames: of a directory; nil when there is none.
    package init(of path: String, fileNames: (String) throws -> [String]?) {
        guard path.hasBytes(atEnd: ".conf") else { return }
        let directory = path + ".d"
        let names: [String]
        do {
            names = try fileNames(directory) ?? []
        } catch {
            let text = "cannot be looked through for drop-ins (\(error)): check its permissions"
            diagnostics.add(.error, at: .file(directory), text)
            return
        }
        // As in a shell's pattern, and as editors and package managers count on it, hidden files are not meant.
        let meant = names.filter { $0.hasBytes(atEnd: ".conf") && $0.utf8.first != UInt8(ascii: ".") }
        guard meant.count <= ConfigurationBounds.dropIns else {
            let text = "more than \(ConfigurationBounds.dropIns) drop-ins: put several into one"
            diagnostics.add(.error, at: .file(directory), text)
            return
        }
        for name in meant.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            // Its name stands in diagnostics, each of which is one line.
            if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                let text = "the name of a drop-in holds a control character: rename it"
                diagnostics.add(.error, at: .file(directory), text)
            } else {
                paths.append("\(directory)/\(name)")
            }
        }
    }
}
