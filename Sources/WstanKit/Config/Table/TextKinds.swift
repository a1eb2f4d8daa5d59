// Paths, names and addresses: one of each.

extension SettingKind {
    static func path(_ path: SettingPath<String?>) -> SettingKind {
        var kind = value("FILE", path) { (text) throws(ValueProblem) in
            guard text.utf8.count <= ConfigurationBounds.textLength else {
                throw ValueProblem("longer than \(ConfigurationBounds.textLength) bytes: shorten it")
            }
            // It would silently end the path in every C interface.
            guard !text.utf8.contains(0) else { throw ValueProblem("holds a NUL character: remove it") }
            return text
        } text: {
            SettingText($0)
        }
        kind.isPath = true
        return kind
    }

    /// Of something that the daemon itself makes, from the root, or `none`, which is nil.
    static func place(_ path: SettingPath<String?>, longest: Int) -> SettingKind {
        var kind = value("PATH", path) { (text) throws(ValueProblem) in
            try readPlace(text, longest: longest)
        } text: {
            SettingText($0 ?? "none")
        }
        kind.dependsOnInstance = true
        kind.isPath = true
        return kind
    }

    private static func readPlace(_ text: String, longest: Int) throws(ValueProblem) -> String? {
        if text.lowercased() == "none" { return nil }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw ValueProblem("takes a path that begins at the root, or none: write it from the first / on")
        }
        guard text.utf8.count <= longest else { throw ValueProblem("longer than \(longest) bytes: shorten it") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem("holds a control character: remove it")
        }
        return text
    }

    /// Clients connect there, so it has a host and a port.
    static func publicURI(_ path: SettingPath<ServerURI?>) -> SettingKind {
        value("URI", path) { (text) throws(ValueProblem) in
            let uri = try ServerURI(text)
            guard !uri.isWildcard, uri.port > 0 else {
                throw ValueProblem("takes a URI that clients can connect to: name the server's host and port")
            }
            return uri
        } text: {
            SettingText($0?.description)
        }
    }

    static func group(_ path: SettingPath<String>) -> SettingKind {
        value("GROUP", path, read: LocalUser.group) { SettingText($0) }
    }

    static func serverName(_ path: SettingPath<String?>) -> SettingKind {
        value("NAME", path) { (text) throws(ValueProblem) in
            try TLSSettings.serverName(text)
        } text: {
            SettingText($0)
        }
    }

    static func hostHeader(_ path: SettingPath<String?>) -> SettingKind {
        value("NAME", path) { (text) throws(ValueProblem) in
            try HostHeader.read(text)
        } text: {
            SettingText($0)
        }
    }

    static func target(_ path: SettingPath<TargetAddress?>) -> SettingKind {
        value("HOST:PORT", path) { (text) throws(ValueProblem) in
            try TargetAddress(text)
        } text: {
            SettingText($0?.description)
        }
    }

    static func proxy(_ path: SettingPath<ProxyChoice>) -> SettingKind {
        var kind = value("PROXY", path) { (text) throws(ValueProblem) in
            try ProxyChoice(text)
        } text: {
            SettingText([$0.text], hiding: $0.password.map { [$0] } ?? [])
        }
        kind.secret = { text in (try? ProxyChoice(text))?.password.map { SettingSecret($0) } }
        return kind
    }

    static func plainAnswer(_ path: SettingPath<Settings.PlainAnswer>) -> SettingKind {
        value("STATUS", path) { (text) throws(ValueProblem) in
            guard let status = Quantity(text)?.count.flatMap(Settings.PlainAnswer.Status.init(rawValue:)) else {
                let statuses = Settings.PlainAnswer.Status.allCases.map { String($0.rawValue) }
                throw ValueProblem("takes \(statuses.listed("or")); a file is not in this version")
            }
            return .status(status)
        } text: {
            SettingText(String($0.status.rawValue))
        }
    }
}
