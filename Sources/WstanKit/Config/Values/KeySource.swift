/// Where the tunnel's key comes from: a string of version 2, base64 of 16 bytes, or a passphrase. Nothing is read here.
public enum KeySource: Sendable, Equatable {
    case text(Secret)
    /// A path, as given: relative to the working directory unless absolute.
    case file(String)
    /// The name of an environment variable, read once and then unset.
    case environment(String)
    /// The name of a file in the service manager's credentials directory (`LoadCredential=`).
    case credential(String)

    /// - Throws: when the text is too long.
    package init(key text: String) throws(ValueProblem) {
        try Self.checkText(text)
        self = .text(Secret(text))
    }

    /// Reads `PATH`, `env:NAME` or `credential:NAME`.
    package init(keyFile text: String) throws(ValueProblem) {
        try Self.checkText(text)
        if let name = text.suffix(after: "env:") {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw ValueProblem("write the name of an environment variable after env:, like env:WSTAN_KEY")
            }
            self = .environment(name)
        } else if let name = text.suffix(after: "credential:") {
            // A credential is a name in one directory; a path would lead out of it.
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), name != ".", name != ".." else {
                throw ValueProblem("write the name of a credential, not a path, like credential:wstan.key")
            }
            self = .credential(name)
        } else {
            self = .file(text)
        }
    }

    /// As it would stand behind `key-file`; nil for the key itself.
    var fileText: String? {
        switch self {
        case .text: nil
        case .file(let path): path
        case .environment(let name): "env:\(name)"
        case .credential(let name): "credential:\(name)"
        }
    }

    private static func checkText(_ text: String) throws(ValueProblem) {
        guard text.utf8.count <= ConfigurationBounds.textLength else {
            throw ValueProblem("longer than \(ConfigurationBounds.textLength) bytes: shorten it")
        }
        // A NUL would silently end the path or the passphrase in every C interface.
        guard !text.utf8.contains(0) else { throw ValueProblem("holds a NUL character: remove it") }
    }
}

extension String {
    /// What follows `prefix`, compared by bytes: by characters, a combining mark after it would hide it.
    package func suffix(after prefix: String) -> String? {
        utf8.starts(with: prefix.utf8) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
    }
}
