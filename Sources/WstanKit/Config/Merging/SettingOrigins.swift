/// Where the values in force were given.
public struct SettingOrigins: Sendable, Equatable {
    private var places: [String: [Diagnostic.Place]] = [:]

    init() {}

    /// Every place that counts for the key, in order; empty: its value is the default.
    subscript(key: SettingKey) -> [Diagnostic.Place] {
        get { places[key.identifier] ?? [] }
        set { places[key.identifier] = newValue }
    }

    subscript(forward forward: Forward) -> [Diagnostic.Place] {
        get { places["forward \(forward.name)"] ?? [] }
        set { places["forward \(forward.name)"] = newValue }
    }

    /// The place of what counts last.
    ///
    /// - Parameter identifier: of the key, as in `tls.key`.
    public func place(of identifier: String) -> Diagnostic.Place? { places[identifier]?.last }
}
