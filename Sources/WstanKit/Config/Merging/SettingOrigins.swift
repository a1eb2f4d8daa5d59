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

/// What a line of the configuration holds that must not be shown.
struct SettingSecret {
    let text: Secret
    /// False for a header that is not named like one with a token, so that nobody is warned of it.
    let isWorthHiding: Bool

    /// It was copied from where secrets are not shown.
    var isPlaceholder: Bool { text.text == Secret.placeholder }

    /// - Parameter value: one that the key takes.
    /// - Returns: nil when there is nothing to hide.
    init?(in value: String, of kind: SettingKind) {
        switch kind {
        case .key:
            text = Secret(value)
            isWorthHiding = true
        case .proxy:
            guard case .through(let proxy)? = try? ProxyChoice(value), let password = proxy.password else { return nil }
            text = password
            isWorthHiding = true
        case .headers:
            guard let header = try? ExtraHeader(value) else { return nil }
            text = Secret(header.value)
            let name = header.name.lowercased()
            isWorthHiding = ["auth", "cookie", "key", "secret", "token"].contains { name.contains($0) }
        case .mode, .uri, .keyFile, .listen, .logLevel, .connectTo, .hostHeader, .users, .plainAnswer, .networks,
            .targets, .path, .place, .group, .logFormat, .pins, .serverName, .flag, .count, .size, .duration,
            .automaticCount, .automaticSize:
            return nil
        }
    }
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
        let secret = SettingSecret(in: assignment.value, of: key.kind)
        let placed = secret.map { [SettingsLayer.Placed(value: $0, place: assignment.place)] } ?? []
        secretsOfSetting[identifier] = (addsUp ? secretsOfSetting[identifier] ?? [] : []) + placed
    }

    mutating func forget(_ identifier: String) {
        places[identifier] = nil
        secretsOfSetting[identifier] = nil
    }
}
