/// One row of the table that the file's reader, the command line, the help and the shipped file are all held to.
package struct SettingKey: Sendable {
    package enum Section: String, Sendable, CaseIterable {
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
    package enum Reload: Sendable {
        case takesOver
        case needsRestart
        /// A client takes it over.
        case needsRestartOfServer

        package func takesOver(in mode: Settings.Mode) -> Bool {
            switch self {
            case .takesOver: true
            case .needsRestart: false
            case .needsRestartOfServer: mode == .client
            }
        }
    }

    package let name: String
    /// nil: before any section, or in `[wstan]`.
    package let section: Section?
    package let kind: SettingKind
    package let reload: Reload
    /// One line for the help; ends without a full stop.
    package let purpose: String
    /// Python's name for it before any section, where it has one and the key lives in a section now.
    var flat: String?
    /// Python's short option.
    var letter: Character?

    /// Distinguishes the two `listen` and the two `key`.
    package var identifier: String { section.map { "\($0.rawValue).\(name)" } ?? name }

    /// The name of its twin on the command line, without the dashes.
    package var option: String { (section?.optionPrefix ?? "") + name }

    /// As an administrator speaks of it: `[pool] size`, `uri`.
    package var title: String { section.map { "[\($0.rawValue)] \(name)" } ?? name }

    /// Python has the same long option.
    var isPythonOption: Bool { flat != nil || name == "compatible" }

    /// The default as it would stand in the file; empty when there is none to write down. It is that of the shipped
    /// file: a server's where the two ends differ, and of what an instance has for itself the one of /etc/wstan.conf.
    var initial: String {
        switch kind.reading {
        case .mode: Settings.Mode.standard.rawValue
        // They have no default, or one that follows the URI.
        case .uri, .key, .keyFile, .listen(.server): ""
        case .listen(.client): kind.text(.standard(.client)).lines.joined(separator: ", ")
        case .value: kind.text(Self.shipped).lines.joined(separator: ", ")
        }
    }

    private static let shipped: Settings = {
        var settings = Settings.standard(.server)
        settings.adopt(InstancePlaces(file: "/etc/wstan.conf", variable: { _ in nil }))
        return settings
    }()
}
