typealias SettingPath<Value> = WritableKeyPath<Settings, Value> & Sendable

/// How a value is written, where it goes and within which bounds.
///
/// A kind is a value that one of the functions in the files beside this one makes: the table names the function, the
/// property and the bounds, and nothing else asks which kind it is.
package struct SettingKind: Sendable {
    /// What a value in a line does.
    enum Reading: Sendable {
        /// It replaces the setting, or adds to it if it is a list.
        ///
        /// - Throws: what the key takes, with its bounds; the settings are unchanged then.
        case value(@Sendable (String, inout Settings) throws(ValueProblem) -> Void)
        /// These are also said by other keys and by Python's options, so each source is weighed as a whole first.
        case mode, uri, key, keyFile
        case listen(Settings.Mode)
    }

    /// The value's name in the help.
    let placeholder: String
    /// The unit of a number without one; nil for what is no quantity.
    var unit: String?
    /// Lists add up; of anything else the last one counts.
    var isList = false
    /// The value is yes or no.
    var isFlag = false
    /// The value is a path, in which `~/` stands for the user's own directory.
    var isPath = false
    /// Its default is one of `InstancePlaces`.
    var dependsOnInstance = false
    let reading: Reading
    /// The effective value in the words of the file. Of the two keys `listen` only that of the settings' mode has one.
    let text: @Sendable (Settings) -> SettingText
    /// Takes the value over from the first settings to the second ones.
    let copy: @Sendable (Settings, inout Settings) -> Void
    /// Makes a list empty, for the first line of one to add to; does nothing to another value.
    var clear: @Sendable (inout Settings) -> Void = { _ in }
    /// What a value that the key takes holds that must not be shown; nil: nothing.
    var secret: @Sendable (String) -> SettingSecret? = { _ in nil }
}

extension SettingKind {
    static func value<Value>(
        _ placeholder: String, _ path: SettingPath<Value>, unit: String? = nil,
        read: @escaping @Sendable (String) throws(ValueProblem) -> Value,
        text: @escaping @Sendable (Value) -> SettingText
    ) -> SettingKind {
        SettingKind(
            placeholder: placeholder, unit: unit,
            reading: .value { (line, settings) throws(ValueProblem) in settings[keyPath: path] = try read(line) },
            text: { text($0[keyPath: path]) }, copy: { $1[keyPath: path] = $0[keyPath: path] })
    }

    /// - Parameter adding: the list with the items of one more line.
    static func list<Items>(
        _ placeholder: String, _ path: SettingPath<Items>, empty: Items,
        adding: @escaping @Sendable (Items, String) throws(ValueProblem) -> Items,
        text: @escaping @Sendable (Items) -> SettingText
    ) -> SettingKind where Items: Sendable {
        SettingKind(
            placeholder: placeholder, isList: true,
            reading: .value { (line, settings) throws(ValueProblem) in
                settings[keyPath: path] = try adding(settings[keyPath: path], line)
            },
            text: { text($0[keyPath: path]) }, copy: { $1[keyPath: path] = $0[keyPath: path] },
            clear: { $0[keyPath: path] = empty })
    }
}

// What `SettingsLayer` reads itself.
extension SettingKind {
    static let mode = SettingKind(
        placeholder: "MODE", reading: .mode, text: { SettingText($0.mode.rawValue) }, copy: { $1.mode = $0.mode })

    static let uri = SettingKind(
        placeholder: "URI", isList: true, reading: .uri, text: { SettingText($0.uris.map(\.description)) },
        copy: { $1.uris = $0.uris })

    static let key = SettingKind(
        placeholder: "KEY", reading: .key,
        text: { settings in
            switch settings.key {
            case .text(let secret): SettingText([Secret.placeholder], hiding: [secret])
            case .file, .environment, .credential: SettingText(nil)
            }
        }, copy: { $1.key = $0.key }, secret: { SettingSecret(Secret($0)) })

    static let keyFile = SettingKind(
        placeholder: "FILE", isPath: true, reading: .keyFile, text: { SettingText($0.key.fileText) }, copy: { $1.key = $0.key })

    static func listen(_ mode: Settings.Mode) -> SettingKind {
        SettingKind(
            placeholder: "ADDRESS", isList: true, reading: .listen(mode),
            text: { SettingText(mode == $0.mode ? $0.listen.map(\.description) : []) },
            copy: { $1.listen = $0.listen })
    }
}
