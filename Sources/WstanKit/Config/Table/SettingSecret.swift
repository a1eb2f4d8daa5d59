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
