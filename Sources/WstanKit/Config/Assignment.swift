/// A value for a key, wherever it was given.
struct Assignment {
    enum Target {
        case setting(SettingKey)
        case python(PythonKey)
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
        }
    }

    var isList: Bool {
        switch target {
        case .setting(let key): key.kind.isList
        case .python: false
        }
    }
}
