/// What the lists of one source add up to, line by line.
struct SettingLists {
    private var networks: [String: TrustedProxies] = [:]
    private var targets: [String: [TargetPattern]] = [:]
    private var headers: [ExtraHeader] = []
    private var users: [LocalUser] = []
    private var pins: [[UInt8]] = []

    /// - Returns: what sets the whole list so far; nil when the key is no list of these.
    mutating func add(_ text: String, to key: SettingKey) throws(ValueProblem) -> SettingEdit? {
        switch key.kind {
        case .networks(let path):
            let sum = try (networks[key.identifier] ?? .none).adding(TrustedProxies.read(text))
            networks[key.identifier] = sum
            return { $0[keyPath: path] = sum }
        case .targets(let path, let takesPrivate):
            let more = try TargetPattern.list(text, takesPrivate: takesPrivate)
            let sum = (targets[key.identifier] ?? []) + more
            guard sum.count <= ConfigurationBounds.targetPatterns else { throw TargetPattern.tooMany }
            targets[key.identifier] = sum
            return { $0[keyPath: path] = sum }
        case .headers:
            headers = try ExtraHeader.adding(ExtraHeader(text), to: headers)
            return { [headers] in $0.headers = headers }
        case .users:
            let sum = try users + LocalUser.list(text).filter { !users.contains($0) }
            guard sum.count <= ConfigurationBounds.localUsers else {
                throw ValueProblem("more than \(ConfigurationBounds.localUsers) users: use fewer")
            }
            users = sum
            return { $0.allowUID = sum }
        case .pins:
            let sum = try pins + TLSSettings.pins(text).filter { !pins.contains($0) }
            guard sum.count <= ConfigurationBounds.pins else {
                throw ValueProblem("more than \(ConfigurationBounds.pins) keys: use fewer")
            }
            pins = sum
            return { $0.tls.pins = sum }
        case .mode, .uri, .key, .keyFile, .listen, .logLevel, .proxy, .connectTo, .hostHeader, .plainAnswer, .path,
            .place, .group, .logFormat, .serverName, .flag, .count, .size, .duration, .automaticCount, .automaticSize:
            return nil
        }
    }

    mutating func removeAll(of key: SettingKey) {
        switch key.kind {
        case .networks: networks[key.identifier] = nil
        case .targets: targets[key.identifier] = nil
        case .headers: headers = []
        case .users: users = []
        case .pins: pins = []
        case .mode, .uri, .key, .keyFile, .listen, .logLevel, .proxy, .connectTo, .hostHeader, .plainAnswer, .path,
            .place, .group, .logFormat, .serverName, .flag, .count, .size, .duration, .automaticCount, .automaticSize:
            break
        }
    }
}
