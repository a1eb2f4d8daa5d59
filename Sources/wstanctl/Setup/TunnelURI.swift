/// `ws://host:port/path` as far as setting up needs to know it; the rest is for wstand to judge.
struct TunnelURI: Equatable {
    var scheme: String
    /// In brackets when it is an IPv6 address.
    var host: String
    var port: Int?
    /// With the leading slash, or empty; and with the query.
    var path: String

    /// Why a text is not such a URI.
    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    init?(_ text: String) {
        guard let uri = try? TunnelURI(reading: text) else { return nil }
        self = uri
    }

    /// What a server's URI says, at the place that `listen` names instead.
    ///
    /// - Returns: nil for several places, and for a Unix socket.
    init?(_ uri: TunnelURI, listeningOn listen: [String]) {
        guard listen.count == 1, let place = TunnelURI("\(uri.scheme)://\(listen[0])\(uri.path)"), place.path == uri.path
        else { return nil }
        self = place
    }

    init(reading text: String) throws(Problem) {
        guard let (scheme, rest) = Self.split(text) else {
            throw Problem(description: "a URI begins with ws:// or wss://, such as ws://server.example.com:8080/")
        }
        guard rest.utf8.count < 2048 else { throw Problem(description: "it is longer than 2048 bytes") }
        self.scheme = scheme
        // What a configuration or a shell could read as something else has no place in a URI (RFC 3986).
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"\"<>\\^`{|}".utf8.contains($0) }) else {
            throw Problem(description: "it contains a space or a character that a URI cannot have")
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        path = String(rest[authority.endIndex...])
        guard !path.contains("#") else {
            throw Problem(description: "it has a fragment: remove the # and what follows")
        }
        guard !authority.contains("@") else {
            throw Problem(description: "it has a user name or a password: the key is enough")
        }
        var portText: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else {
                throw Problem(description: "the ] of the IPv6 address is missing")
            }
            let after = authority[authority.index(after: end)...]
            host = String(authority[...end])
            guard after.isEmpty || after.first == ":" else {
                throw Problem(description: "a port follows the ] after a colon")
            }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw Problem(description: "an IPv6 address stands in brackets") }
            host = String(parts[0])
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host != "[]" else { throw Problem(description: "the host is missing") }
        if let portText {
            guard let number = UInt16(portText), number > 0 else {
                throw Problem(description: "the port is not a number from 1 to 65535")
            }
            port = Int(number)
        }
    }

    /// Where a server listens unless it was said otherwise.
    static let standard = TunnelURI(scheme: "ws", host: "0.0.0.0", port: 8080, path: "/")

    private init(scheme: String, host: String, port: Int?, path: String) {
        (self.scheme, self.host, self.port, self.path) = (scheme, host, port, path)
    }

    private static func split(_ text: String) -> (scheme: String, rest: Substring)? {
        for scheme in ["ws", "wss"] where text.lowercased().hasPrefix(scheme + "://") {
            return (scheme, text.dropFirst(scheme.count + 3))
        }
        return nil
    }

    var text: String { "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")\(path)" }

    var effectivePort: Int { port ?? Self.standardPort(scheme) }

    static func standardPort(_ scheme: String) -> Int { scheme == "wss" ? 443 : 80 }

    /// A client cannot connect to it.
    var isWildcard: Bool { ["0.0.0.0", "[::]", "*"].contains(host) }

    var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && host.split(separator: ".").count == 4)
    }
}
