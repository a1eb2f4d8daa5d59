/// A value for a key, wherever it was given.
struct Assignment {
    enum Target {
        case setting(SettingKey)
        case python(PythonKey)
        /// A key of the file's forward with this index.
        case forward(Int, ForwardKey)
        /// A whole forward in one word.
        case wholeForward
    }

    let target: Target
    /// What the operator wrote: `early-data` or `--early-data`.
    let name: String
    let value: String
    let place: Diagnostic.Place

    /// The same for all names of one setting.
    var identifier: String {
        switch target {
        case .setting(let key): key.identifier
        case .python(let key): key.rawValue
        case .forward(let index, let key): Self.identifier(ofForward: index, key)
        case .wholeForward: "forward"
        }
    }

    /// Python's `debug = no` says nothing of the level. Asked of a good value only.
    var isInForce: Bool {
        guard case .python(.debug) = target else { return true }
        return (try? Flag.read(value)) ?? false
    }

    /// Of the setting in the table that it is about; nil when it is about a forward.
    var settingIdentifier: String? {
        switch target {
        case .setting(let key): key.identifier
        case .python(let key): key.settingIdentifier
        case .forward, .wholeForward: nil
        }
    }

    static func identifier(ofForward index: Int, _ key: ForwardKey) -> String { "forward.\(index).\(key.rawValue)" }

    var isList: Bool {
        switch target {
        case .setting(let key): key.kind.isList
        case .python: false
        case .forward(_, let key): key == .listen
        case .wholeForward: true
        }
    }
}
