/// As much of a configuration file as setting up must see: what it says before any section. It never judges it, which is
/// for `wstand --check-config`.
struct ConfigurationText {
    let text: String
    /// In order, with the lines that they stand in.
    private let general: [(line: Int, name: String, value: String)]
    /// Whether something is set within a section.
    private let hasOther: Bool

    init(_ text: String) {
        self.text = text
        var general: [(Int, String, String)] = []
        var isWithinSection = false
        var hasOther = false
        for (number, line) in Self.lines(of: text).enumerated() {
            let line = Self.trimmed(line)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("[") {
                isWithinSection = line != "[wstan]"
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.trimmed(parts[0])
            if isWithinSection || parts.count < 2 {
                hasOther = true
            } else {
                general.append((number, String(name), String(Self.trimmed(parts[1]))))
            }
        }
        self.general = general
        self.hasOther = hasOther
    }

    /// The last one counts.
    subscript(name: String) -> String? { general.last { $0.name == name }?.value }

    /// It says nothing else than the file that comes with wstan, whatever its comments.
    var isAsShipped: Bool {
        !hasOther && general.map(\.name) == Self.shipped.map(\.name) && general.map(\.value) == Self.shipped.map(\.value)
    }

    private static let shipped = [
        (name: "mode", value: "server"), (name: "uri", value: "ws://127.0.0.1:8080/"),
        (name: "key-file", value: "/etc/wstan/key"),
    ]

    /// The same file with another value for what it says of `name`; the comments stay.
    func replacing(_ name: String, with value: String) -> String {
        var lines = Self.lines(of: text).map(String.init)
        for entry in general where entry.name == name { lines[entry.line] = "\(name) = \(value)" }
        return lines.joined(separator: "\n")
    }

    private static func lines(of text: String) -> [Substring] {
        // By bytes: CR LF is one character.
        text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { Substring($0) }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let start = line.drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return start[...end]
    }
}
