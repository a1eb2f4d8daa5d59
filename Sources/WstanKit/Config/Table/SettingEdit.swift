/// One change to settings that stand at their defaults.
typealias SettingEdit = @Sendable (inout Settings) -> Void

extension SettingKind {
    /// Reads a value that needs no knowledge of other values; nil for the kinds that do, lists among them.
    ///
    /// - Throws: what the key takes, with its bounds.
    func edit(_ text: String) throws(ValueProblem) -> SettingEdit? {
        switch self {
        case .mode, .uri, .key, .keyFile, .listen, .headers, .users, .networks, .targets, .pins: return nil
        case .logLevel:
            guard let level = Settings.LogLevel(rawValue: text.lowercased()) else {
                throw ValueProblem("takes \(Self.choice(Settings.LogLevel.allCases.map(\.rawValue)))")
            }
            return { $0.logLevel = level }
        case .proxy:
            let proxy = try ProxyChoice(text)
            return { $0.proxy = proxy }
        case .connectTo:
            let target = try TargetAddress(text)
            return { $0.connectTo = target }
        case .hostHeader:
            let value = try HostHeader.read(text)
            return { $0.hostHeader = value }
        case .plainAnswer:
            guard let status = Quantity(text)?.count.flatMap(Settings.PlainAnswer.Status.init(rawValue:)) else {
                let statuses = Settings.PlainAnswer.Status.allCases.map { String($0.rawValue) }
                throw ValueProblem("takes \(Self.choice(statuses)); a file is not in this version")
            }
            return { $0.plainAnswer = .status(status) }
        case .logFormat:
            guard let format = Settings.LogFormat(rawValue: text.lowercased()) else {
                throw ValueProblem("takes \(Self.choice(Settings.LogFormat.allCases.map(\.rawValue)))")
            }
            return { $0.logFormat = format }
        case .path(let path):
            let value = try Self.path(text)
            return { $0[keyPath: path] = value }
        case .place(let path, let longest):
            let value = try Self.place(text, longest: longest)
            return { $0[keyPath: path] = value }
        case .group(let path):
            let value = try LocalUser.group(text)
            return { $0[keyPath: path] = value }
        case .serverName:
            let name = try TLSSettings.serverName(text)
            return { $0.tls.sni = name }
        case .flag(let path):
            let value = try Self.flag(text)
            return { $0[keyPath: path] = value }
        case .count(let path, let range):
            let value = try Self.count(text, in: range)
            return { $0[keyPath: path] = value }
        case .size(let path, let range):
            let value = try Self.size(text, in: range)
            return { $0[keyPath: path] = value }
        case .duration(let path, let range):
            guard let value = Quantity(text)?.duration, range.contains(value) else {
                let bounds = "\(Quantity.text(of: range.lowerBound)) to \(Quantity.text(of: range.upperBound))"
                throw ValueProblem("takes a time from \(bounds), like 300, 30ms or 5min")
            }
            return { $0[keyPath: path] = value }
        case .automaticCount(let path, let range):
            let value = Self.isAutomatic(text) ? nil : try Self.count(text, in: range)
            return { $0[keyPath: path] = value }
        case .automaticSize(let path, let range):
            let value = Self.isAutomatic(text) ? nil : try Self.size(text, in: range)
            return { $0[keyPath: path] = value }
        }
    }

    /// The booleans of Python's ConfigParser.
    static func flag(_ text: String) throws(ValueProblem) -> Bool {
        switch text.lowercased() {
        case "1", "yes", "true", "on": return true
        case "0", "no", "false", "off": return false
        default: throw ValueProblem("takes yes or no")
        }
    }

    static func choice(_ words: [String]) -> String {
        words.count < 2
            ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words.suffix(1).joined()
    }

    private static func path(_ text: String) throws(ValueProblem) -> String {
        guard text.utf8.count <= ConfigurationBounds.textLength else {
            throw ValueProblem("longer than \(ConfigurationBounds.textLength) bytes: shorten it")
        }
        // It would silently end the path in every C interface.
        guard !text.utf8.contains(0) else { throw ValueProblem("holds a NUL character: remove it") }
        return text
    }

    private static func place(_ text: String, longest: Int) throws(ValueProblem) -> String? {
        if text.lowercased() == "none" { return nil }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw ValueProblem("takes a path that begins at the root, or none: write it from the first / on")
        }
        guard text.utf8.count <= longest else { throw ValueProblem("longer than \(longest) bytes: shorten it") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem("holds a control character: remove it")
        }
        return text
    }

    private static func isAutomatic(_ text: String) -> Bool { text.lowercased() == "auto" }

    private static func count(_ text: String, in range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        guard let value = Quantity(text)?.count, range.contains(value) else {
            throw ValueProblem("takes a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func size(_ text: String, in range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        guard let value = Quantity(text)?.bytes, range.contains(value) else {
            throw ValueProblem("takes a size from \(range.lowerBound) to \(range.upperBound) bytes, like 512 or 4K")
        }
        return value
    }
}
