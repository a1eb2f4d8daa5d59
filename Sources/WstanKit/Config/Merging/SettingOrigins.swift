/// Where the values in force were given.
public struct SettingOrigins: Sendable, Equatable {
    private var places: [String: [Diagnostic.Place]] = [:]

    package init() {}

    /// Every place that counts for the key, in order; empty: its value is the default.
    package subscript(key: SettingKey) -> [Diagnostic.Place] {
        get { places[key.identifier] ?? [] }
        set { places[key.identifier] = newValue }
    }

    package subscript(forward forward: Forward) -> [Diagnostic.Place] {
        get { places["forward \(forward.name)"] ?? [] }
        set { places["forward \(forward.name)"] = newValue }
    }

    /// The place of what counts last.
    ///
    /// - Parameter identifier: of the key, as in `tls.key`.
    public func place(of identifier: String) -> Diagnostic.Place? { places[identifier]?.last }
}

/// Where the values of one layer that are in force were given, and which of them hold a secret. By the settings'
/// identifiers.
struct SettingPlaces {
    private var places: [String: [Diagnostic.Place]] = [:]
    private var secretsOfSetting: [String: [SettingsLayer.Placed<SettingSecret>]] = [:]

    /// Of a list the places of all its parts; empty when nothing is in force.
    func places(of identifier: String) -> [Diagnostic.Place] { places[identifier] ?? [] }

    /// In the order of the table.
    var secrets: [SettingsLayer.Placed<SettingSecret>] {
        SettingKey.all.flatMap { secretsOfSetting[$0.identifier] ?? [] }
    }

    /// - Parameter assignment: one whose value is good, and in force from now on.
    mutating func record(_ assignment: Assignment) {
        guard let identifier = assignment.settingIdentifier else { return }
        // Python's host and port are parts of one setting.
        let addsUp = assignment.isList || identifier.hasBytes(atEnd: ".listen")
        places[identifier] = (addsUp ? places(of: identifier) : []) + [assignment.place]
        guard case .setting(let key) = assignment.target else { return }
        let secret = key.kind.secret(assignment.value)
        let placed = secret.map { [SettingsLayer.Placed(value: $0, place: assignment.place)] } ?? []
        secretsOfSetting[identifier] = (addsUp ? secretsOfSetting[identifier] ?? [] : []) + placed
    }

    mutating func forget(_ identifier: String) {
        places[identifier] = nil
        secretsOfSetting[identifier] = nil
    }
}
