/// `ws://host:port/path` as far as setting up needs to know it; the rest is for wstand to judge.
struct TunnelURI: Equatable {
    var scheme: String
    /// In brackets when it is an IPv6 address.
    var host: String
    var port: Int?
    /// With the leading slash, or empty.
    var path: String

    init?(_ text: String) {
        guard let (scheme, rest) = Self.split(text), rest.utf8.count < 2048 else { return nil }
        self.scheme = scheme
        // What a configuration or a shell could read as something else has no place in a URI (RFC 3986).
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"\"<>\\^`{|}".utf8.contains($0) }) else { return nil }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        path = String(rest[authority.endIndex...])
        guard !authority.contains("@") else { return nil }
        var portText: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let after = authority[authority.index(after: end)...]
            host = String(authority[...end])
            guard after.isEmpty || after.first == ":" else { return nil }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = String(parts[0])
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host != "[]" else { return nil }
        if let portText {
            guard let number = UInt16(portText), number > 0 else { return nil }
            port = Int(number)
        }
    }

    private static func split(_ text: String) -> (scheme: String, rest: Substring)? {
        for scheme in ["ws", "wss"] where text.lowercased().hasPrefix(scheme + "://") {
            return (scheme, text.dropFirst(scheme.count + 3))
        }
        return nil
    }

    var text: String { "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")\(path)" }

    var effectivePort: Int { port ?? (scheme == "wss" ? 443 : 80) }

    /// Nobody can connect to it by this name.
    var isWildcard: Bool { ["0.0.0.0", "[::]", "*"].contains(host) }

    var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && host.split(separator: ".").count == 4)
    }
}
