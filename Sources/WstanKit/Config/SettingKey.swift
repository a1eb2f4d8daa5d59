/// One row of the table that the file's reader, the command line, the help and the shipped file are all held to.
struct SettingKey: Sendable {
    enum Section: String, Sendable, CaseIterable {
        case client
        case pool
        case server
    }

    /// What a reload does with a new value.
    enum Reload: Sendable {
        case takesOver
        case needsRestart
    }

    let name: String
    /// nil: before any section, or in `[wstan]`.
    let section: Section?
    let kind: SettingKind
    /// The default as it would stand in the file; empty when there is none to write down.
    let initial: String
    let reload: Reload
    /// One line for the help; ends without a full stop.
    let purpose: String
    /// Python's name for it before any section, where it has one and the key lives in a section now.
    var flat: String?
    /// Python's short option.
    var letter: Character?

    /// Distinguishes the two `listen`.
    var identifier: String { section.map { "\($0.rawValue).\(name)" } ?? name }

    /// The name of its twin on the command line, without the dashes.
    var option: String { section == .pool ? "pool-\(name)" : name }

    /// Python has the same long option.
    var isPythonOption: Bool { flat != nil || name == "compatible" }
}

typealias SettingPath<Value> = WritableKeyPath<Settings, Value> & Sendable

/// How a value is written, where it goes and within which bounds.
enum SettingKind: Sendable {
    case mode
    case uri
    case key
    case keyFile
    case listen(Settings.Mode)
    case logLevel
    case proxy
    case plainAnswer
    case networks(SettingPath<TrustedProxies>)
    case flag(SettingPath<Bool>)
    case count(SettingPath<Int>, ClosedRange<Int>)
    case size(SettingPath<Int>, ClosedRange<Int>)
    case duration(SettingPath<Duration>, ClosedRange<Duration>)
    case automaticCount(SettingPath<Int?>, ClosedRange<Int>)
    case automaticSize(SettingPath<Int?>, ClosedRange<Int>)

    /// The unit of a number without one; nil for what is no quantity.
    var unit: String? {
        switch self {
        case .duration: "seconds"
        case .size, .automaticSize: "bytes"
        case .mode, .uri, .key, .keyFile, .listen, .logLevel, .proxy, .plainAnswer, .networks, .flag, .count,
            .automaticCount:
            nil
        }
    }

    /// The value's name in the help.
    var placeholder: String {
        switch self {
        case .mode: "MODE"
        case .uri: "URI"
        case .key: "KEY"
        case .keyFile: "FILE"
        case .listen, .proxy: "HOST:PORT"
        case .logLevel: "LEVEL"
        case .plainAnswer: "STATUS"
        case .networks: "ADDRESSES"
        case .flag: "yes|no"
        case .count, .automaticCount: "N"
        case .size, .automaticSize: "SIZE"
        case .duration: "TIME"
        }
    }

    /// Lists add up; of anything else the last one counts.
    var isList: Bool {
        switch self {
        case .listen, .networks: true
        case .mode, .uri, .key, .keyFile, .logLevel, .proxy, .plainAnswer, .flag, .count, .size, .duration,
            .automaticCount, .automaticSize:
            false
        }
    }
}

/// One change to settings that stand at their defaults.
typealias SettingEdit = @Sendable (inout Settings) -> Void

extension SettingKind {
    /// Reads a value that needs no knowledge of other values; nil for the kinds that do.
    ///
    /// - Throws: what the key takes, with its bounds.
    func edit(_ text: String) throws(ValueProblem) -> SettingEdit? {
        switch self {
        case .mode, .uri, .key, .keyFile, .listen: return nil
        case .logLevel:
            guard let level = Settings.LogLevel(rawValue: text.lowercased()) else {
                throw ValueProblem("takes \(Self.choice(Settings.LogLevel.allCases.map(\.rawValue)))")
            }
            return { $0.logLevel = level }
        case .proxy:
            let proxy = try ProxyChoice(text)
            return { $0.proxy = proxy }
        case .plainAnswer:
            guard let status = Quantity(text)?.count.flatMap(Settings.PlainAnswer.Status.init(rawValue:)) else {
                let statuses = Settings.PlainAnswer.Status.allCases.map { String($0.rawValue) }
                throw ValueProblem("takes \(Self.choice(statuses)); a file is not in this version")
            }
            return { $0.plainAnswer = .status(status) }
        case .networks(let path):
            let value = try TrustedProxies.read(text)
            return { $0[keyPath: path] = value }
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
                throw ValueProblem(
                    "takes a time from \(range.lowerBound) to \(range.upperBound), like 300, 30ms or 5min")
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
