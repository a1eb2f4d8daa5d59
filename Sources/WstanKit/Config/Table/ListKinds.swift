import WstanBase

// What a key may be repeated for, or takes several of in one line.

extension SettingKind {
    static func headers(_ path: SettingPath<[ExtraHeader]>) -> SettingKind {
        var kind = list("FIELD", path, empty: []) { (headers, text) throws(ValueProblem) in
            try ExtraHeader.adding(ExtraHeader(text), to: headers)
        } text: { headers in
            SettingText(
                headers.map { "\($0.name): \(Secret.placeholder)" }, hiding: headers.map { Secret($0.value) })
        }
        kind.secret = { text in
            guard let header = try? ExtraHeader(text) else { return nil }
            let name = header.name.lowercased()
            let isToken = ["auth", "cookie", "key", "secret", "token"].contains { name.contains($0) }
            return SettingSecret(Secret(header.value), isWorthHiding: isToken)
        }
        return kind
    }

    static func users(_ path: SettingPath<[LocalUser]>) -> SettingKind {
        list("USERS", path, empty: []) { (users, text) throws(ValueProblem) in
            let sum = try users + LocalUser.list(text).filter { !users.contains($0) }
            guard sum.count <= ConfigurationBounds.localUsers else {
                throw ValueProblem("more than \(ConfigurationBounds.localUsers) users: use fewer")
            }
            return sum
        } text: {
            SettingText($0.map(\.description))
        }
    }

    static func networks(_ path: SettingPath<TrustedProxies>) -> SettingKind {
        list("ADDRESSES", path, empty: .none) { (networks, text) throws(ValueProblem) in
            try networks.adding(TrustedProxies.read(text))
        } text: {
            SettingText($0.words)
        }
    }

    /// - Parameter takesPrivate: whether `private` may be among them.
    static func targets(_ path: SettingPath<[TargetPattern]>, takesPrivate: Bool) -> SettingKind {
        list("TARGETS", path, empty: []) { (targets, text) throws(ValueProblem) in
            let sum = targets + (try TargetPattern.list(text, takesPrivate: takesPrivate))
            guard sum.count <= ConfigurationBounds.targetPatterns else { throw TargetPattern.tooMany }
            return sum
        } text: {
            SettingText($0.map(\.description))
        }
    }

    static func pins(_ path: SettingPath<[[UInt8]]>) -> SettingKind {
        list("DIGESTS", path, empty: []) { (pins, text) throws(ValueProblem) in
            let sum = try pins + TLSSettings.pins(text).filter { !pins.contains($0) }
            guard sum.count <= ConfigurationBounds.pins else {
                throw ValueProblem("more than \(ConfigurationBounds.pins) keys: use fewer")
            }
            return sum
        } text: {
            SettingText($0.map { "sha256/" + Base64.encode($0) })
        }
    }
}
