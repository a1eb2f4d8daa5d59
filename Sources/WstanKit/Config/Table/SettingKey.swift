/// One row of the table that the file's reader, the command line, the help and the shipped file are all held to.
struct SettingKey: Sendable {
    enum Section: String, Sendable, CaseIterable {
        case client
        case pool
        case server
        case tls
        case control

        /// What stands before a key's name on the command line, so that names need to be unique in a section only.
        var optionPrefix: String {
            switch self {
            case .pool: "pool-"
            case .tls: "tls-"
            case .control: "control-"
            case .client, .server: ""
            }
        }
    }

    /// What a reload does with a new value.
    enum Reload: Sendable {
        case takesOver
        case needsRestart
        /// A client takes it over.
        case needsRestartOfServer

        func takesOver(in mode: Settings.Mode) -> Bool {
            switch self {
            case .takesOver: true
            case .needsRestart: false
            case .needsRestartOfServer: mode == .client
            }
        }
    }

    let name: String
    /// nil: before any section, or in `[wstan]`.
    let section: Section?
    let kind: SettingKind
    /// The default as it would stand in the file; empty when there is none to write down. Of what an instance has for
    /// itself it is the one of /etc/wstan.conf.
    let initial: String
    let reload: Reload
    /// One line for the help; ends without a full stop.
    let purpose: String
    /// Python's name for it before any section, where it has one and the key lives in a section now.
    var flat: String?
    /// Python's short option.
    var letter: Character?

    /// Distinguishes the two `listen` and the two `key`.
    var identifier: String { section.map { "\($0.rawValue).\(name)" } ?? name }

    /// The name of its twin on the command line, without the dashes.
    var option: String { (section?.optionPrefix ?? "") + name }

    /// As an administrator speaks of it: `[pool] size`, `uri`.
    var title: String { section.map { "[\($0.rawValue)] \(name)" } ?? name }

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
    case connectTo
    case hostHeader
    case headers
    case users
    case plainAnswer
    case networks(SettingPath<TrustedProxies>)
    /// Whether `private` may be among them.
    case targets(SettingPath<[TargetPattern]>, takesPrivate: Bool)
    case path(SettingPath<String?>)
    /// Of something that the daemon itself makes, from the root, or `none`.
    case place(SettingPath<String?>, longest: Int)
    case group(SettingPath<String>)
    case logFormat
    case pins
    case serverName
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
        case .mode, .uri, .key, .keyFile, .listen, .logLevel, .proxy, .connectTo, .hostHeader, .headers, .users,
            .plainAnswer, .networks, .targets, .path, .place, .group, .logFormat, .pins, .serverName, .flag, .count,
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
        case .keyFile, .path: "FILE"
        case .place: "PATH"
        case .group: "GROUP"
        case .logFormat: "FORMAT"
        case .listen: "ADDRESS"
        case .proxy: "PROXY"
        case .connectTo: "HOST:PORT"
        case .hostHeader, .serverName: "NAME"
        case .headers: "FIELD"
        case .users: "USERS"
        case .targets: "TARGETS"
        case .pins: "DIGESTS"
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
        case .uri, .listen, .headers, .users, .networks, .targets, .pins: true
        case .mode, .key, .keyFile, .logLevel, .proxy, .connectTo, .hostHeader, .plainAnswer, .path, .place, .group,
            .logFormat, .serverName, .flag, .count, .size, .duration, .automaticCount, .automaticSize:
            false
        }
    }
}
