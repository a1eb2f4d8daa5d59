/// What an administrator should be told after keys were changed, in words.
enum KeyWarning {
    /// Nothing is stored.
    static func forgotten(_ name: KeyName) -> String {
        "there is no state directory, so the next restart forgets this key of \(name)"
    }

    static let formerUntilRestart =
        "there is no state directory, so the former key is accepted until the next restart only"

    /// The configured key has won over those of the ring.
    ///
    /// - Parameter path: of the ring's file.
    static func replaced(_ former: [KeyID], _ names: [KeyName], path: String?) -> String {
        var text = "the configured key is another one than before, and replaces the keys of \(KeyName.configured)"
        if let path { text += " in \(path)" }
        if !former.isEmpty { text += " (\(former.map(\.description).joined(separator: ", ")))" }
        if !names.isEmpty { text += "; it was the key of \(names.map(\.text).joined(separator: ", "))" }
        return text
    }

    /// The new key could not be put where the configuration has the former one.
    static func notFollowed(_ source: KeySource, because obstacle: String, path: String?) -> String {
        guard let path else {
            return "there is no state directory, and \(source.place) still holds the former key (\(obstacle)): put the new "
                + "one there, or the next restart brings the former one back"
        }
        return "\(source.place) still holds the former key (\(obstacle)): put the new one there, or the loss of \(path) "
            + "would bring the former one back"
    }

    /// A key that the configuration still holds comes back with the ring's loss.
    static func afterRetiring(_ id: KeyID, _ configured: ConfiguredKey, path: String?) -> [String] {
        let isConfigured = id == configured.key.id
        guard let path else {
            return [
                isConfigured
                    ? "there is no state directory, so a restart brings it back: replace it in \(configured.source.place)"
                    : "there is no state directory: a restart knows the configured key only"
            ]
        }
        guard isConfigured else { return [] }
        return ["\(configured.source.place) still holds it: replace it there, or the loss of \(path) would bring it back"]
    }
}

extension KeySource {
    /// In words.
    fileprivate var place: String {
        switch self {
        case .text: "the configuration's key"
        case .file(let path): "the key file \(path)"
        case .environment(let name): "the environment's \(name)"
        case .credential(let name): "the credential \(name)"
        }
    }
}
