/// Settings as a file that says every key, each under a comment that tells where it came from. Secrets are not in it.
struct PrintedConfiguration {
    /// Without a newline at its end.
    private(set) var text: String

    private let settings: Settings
    private let origins: SettingOrigins
    private let other: Settings

    /// - Parameter other: what the settings would be of the other end.
    init(_ settings: Settings, _ origins: SettingOrigins, _ other: Settings) {
        self.settings = settings
        self.origins = origins
        self.other = other
        text = ""
        var lines = [
            "# What is in force for this \(settings.mode.rawValue). Secrets are shown as \(Secret.placeholder)."
        ]
        for section in [nil] + SettingKey.Section.allCases.map(Optional.some) {
            lines += section.map { ["", "[\($0.rawValue)]"] } ?? [""]
            for key in SettingKey.all where key.section == section { lines += entry(key) }
        }
        for forward in settings.forwards { lines += entry(forward) }
        text = lines.joined(separator: "\n")
    }

    private func entry(_ key: SettingKey) -> [String] {
        let origin = origins[key]
        let values = values(of: key)
        guard values.allSatisfy(Self.isWritable) else {
            let text = "# \(Self.words(origin)); it cannot be written here, since a line cannot hold it"
            return [text] + values.map { "#\(key.name) = \(Self.visible($0))" }
        }
        return ["# \(Self.words(origin))"] + (values.isEmpty ? ["\(key.name) ="] : values.map { "\(key.name) = \($0)" })
    }

    private func values(of key: SettingKey) -> [String] {
        guard case .listen(let mode) = key.kind.reading, mode != settings.mode else {
            return key.kind.text(settings).lines
        }
        if origins[key].isEmpty { return key.initial.isEmpty ? [] : [key.initial] }
        return key.kind.text(other).lines
    }

    private func entry(_ forward: Forward) -> [String] {
        ["", "[forward \(forward.name)]", "# \(Self.words(origins[forward: forward]))"]
            + forward.listen.map { "listen = \($0)" }
            + ["target = \(forward.target)", "protocol = \(forward.transport.rawValue)"]
    }

    private static func words(_ origin: [Diagnostic.Place]) -> String {
        if origin.isEmpty { return "default" }
        let told = origin.prefix(ConfigurationBounds.placesTold).map { place in
            switch place {
            case .commandLine: "command line"
            case .file(let path): visible(path)
            case .line(let path, let line, _): "\(visible(path)):\(line)"
            }
        }
        let others = origin.count - told.count
        return told.joined(separator: ", ") + (others > 0 ? " and \(others) more" : "")
    }

    /// Only what the command line has said may be otherwise.
    private static func isWritable(_ value: String) -> Bool {
        let scalars = value.unicodeScalars
        return visible(value) == value && scalars.first?.properties.isWhitespace != true
            && scalars.last?.properties.isWhitespace != true
    }

    private static func visible(_ text: String) -> String {
        let isShown = { (scalar: Unicode.Scalar) in scalar == "\t" || (scalar.value >= 0x20 && scalar.value != 0x7F) }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isShown($0) ? $0 : "?" }))
    }
}
