/// As much of a configuration file, or of a unit file, as setting up must see. It judges nothing, which is for
/// `wstand --check-config`.
struct ConfigurationText: Equatable {
    struct Entry: Equatable {
        /// Nil: before any section, or in `[wstan]`.
        let section: String?
        let name: String
        /// Empty: it takes back what stood before it.
        let value: String
    }

    /// In the order of the lines. A line that is not understood is an entry without a value.
    let entries: [Entry]

    init(_ text: String) {
        var entries: [Entry] = []
        var section: String?
        // By bytes: CR LF is one character.
        for line in text.utf8.split(separator: 10).map({ Self.trimmed(Substring($0)) }) {
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = line == "[wstan]" ? nil : String(line.dropFirst().dropLast())
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(Self.trimmed(parts[1])) : ""
            entries.append(Entry(section: section, name: String(Self.trimmed(parts[0])), value: value))
        }
        self.entries = entries
    }

    /// It says nothing else than the file that comes with wstan, whatever its comments.
    var isAsShipped: Bool { entries == Self.shipped }

    private static let shipped = [
        Entry(section: nil, name: "mode", value: "server"),
        Entry(section: nil, name: "uri", value: "ws://127.0.0.1:8080/"),
        Entry(section: nil, name: "key-file", value: "/etc/wstan/key"),
    ]

    private static func trimmed(_ line: Substring) -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let start = line.drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return start[...end]
    }
}

/// A file and its drop-ins, in the order in which they are read: of a list the values add up, of anything else the last
/// one counts, and an empty value takes back what stood before it.
struct ConfigurationLayers {
    struct Value: Equatable {
        let text: String
        /// The file that says it.
        let path: String
    }

    /// Where the key comes from.
    enum KeySource: Equatable {
        case file(String)
        /// It stands in the configuration itself.
        case text(String)
        /// `env:NAME` or `credential:NAME`, which only the service can read.
        case service(String)
    }

    private(set) var files: [(path: String, text: ConfigurationText)]

    init(_ files: [(path: String, text: ConfigurationText)]) {
        self.files = files
    }

    func without(_ path: String) -> ConfigurationLayers { ConfigurationLayers(files.filter { $0.path != path }) }

    func values(_ name: String, in section: String? = nil) -> [Value] {
        var values: [Value] = []
        for file in files {
            for entry in file.text.entries where entry.name == name && entry.section == section {
                if entry.value.isEmpty { values = [] } else { values.append(Value(text: entry.value, path: file.path)) }
            }
        }
        return values
    }

    /// The last one counts.
    subscript(name: String, in section: String? = nil) -> Value? { values(name, in: section).last }

    /// `server`, `client`, or nil when no file says. Python's wstan has a key for each.
    var mode: Value? {
        if let mode = self["mode"] { return Value(text: mode.text.lowercased(), path: mode.path) }
        for name in ["server", "client"] {
            if let flag = self[name], ["yes", "true", "on", "1"].contains(flag.text.lowercased()) {
                return Value(text: name, path: flag.path)
            }
        }
        return nil
    }

    /// Of `key` and `key-file` the later one counts.
    var key: KeySource? {
        var source: KeySource?
        for entry in files.flatMap(\.text.entries) where entry.section == nil {
            switch (entry.name, entry.value.isEmpty) {
            case ("key", false): source = .text(entry.value)
            case ("key-file", false):
                let isPath = !entry.value.hasPrefix("env:") && !entry.value.hasPrefix("credential:")
                source = isPath ? .file(entry.value) : .service(entry.value)
            case ("key", true): if case .text = source { source = nil }
            case ("key-file", true): if case .text = source { break } else { source = nil }
            default: break
            }
        }
        return source
    }
}
