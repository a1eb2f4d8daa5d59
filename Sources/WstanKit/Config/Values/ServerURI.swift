/// The server's URI, the one thing both ends share besides the key. It has no fragment and no user-info.
public struct ServerURI: Sendable, Equatable, CustomStringConvertible {
    /// The scheme also decides sealing: `ws` is sealed by wstan, `wss` by TLS alone, whoever ends it.
    public enum Scheme: String, Sendable {
        case ws
        case wss

        public var defaultPort: UInt16 {
            switch self {
            case .ws: 80
            case .wss: 443
            }
        }
    }

    public let scheme: Scheme
    /// Lower case, an IPv6 address without brackets.
    public let host: String
    public let port: UInt16
    /// The path as it goes on the wire, not percent-decoded; always begins and ends in "/".
    public let path: String
    /// What a front may route by, as it goes on the wire, without the `?` before it. A server does not look at it.
    public let query: String?

    package init(scheme: Scheme, host: String, port: UInt16, path: String, query: String? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
    }

    /// - Throws: a text that names the cause and the remedy but never quotes the value, which may be a mislaid key.
    package init(_ text: String) throws(ValueProblem) {
        let bytes = Array(text.utf8)
        guard bytes.count <= ConfigurationBounds.uriLength else {
            throw ValueProblem("longer than \(ConfigurationBounds.uriLength) bytes: shorten the path")
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            throw ValueProblem("not a URI: write it like ws://host:port/path, or wss:// where the port speaks TLS")
        }
        let name = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
        guard let scheme = Scheme(rawValue: name) else {
            let remedy = ["http": "write ws:// for http://", "https": "write wss:// for https://"][name]
            throw ValueProblem("the URI begins with neither ws:// nor wss://: \(remedy ?? "replace its scheme")")
        }
        let rest = bytes[colon...].dropFirst(3)
        guard rest.prefix(while: { !"/?#".utf8.contains($0) }).allSatisfy({ $0 < 0x80 }) else {
            throw ValueProblem("the host holds letters beyond ASCII: write it in its xn-- form (Punycode)")
        }
        // The path goes into the request line: a space or line break would end it.
        guard rest.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValueProblem("the URI holds a space or a character beyond ASCII: percent-encode it in the path, write a host as xn--...")
        }
        guard !rest.contains(UInt8(ascii: "#")) else {
            throw ValueProblem("the URI has a fragment: remove '#' and what follows")
        }
        let beforeQuery = rest.prefix { $0 != UInt8(ascii: "?") }
        let authority = beforeQuery.prefix { $0 != UInt8(ascii: "/") }
        guard !authority.contains(UInt8(ascii: "@")) else {
            throw ValueProblem("the URI has a user name or password: remove them and the '@', the key is enough")
        }
        let pair = try HostPort(ListenAddress.withoutStar(String(decoding: authority, as: UTF8.self)))
        var path = String(decoding: beforeQuery.dropFirst(authority.count), as: UTF8.self)
        if path.utf8.last != UInt8(ascii: "/") { path += "/" }
        self.scheme = scheme
        self.host = pair.host
        self.port = pair.port ?? scheme.defaultPort
        self.path = path
        // "/path?" is "/path".
        let query = rest.dropFirst(beforeQuery.count + 1)
        self.query = query.isEmpty ? nil : String(decoding: query, as: UTF8.self)
    }

    /// Reads a URI for tests and tools; nil where configuration would give an error.
    public init?(text: String) {
        guard let uri = try? ServerURI(text) else { return nil }
        self = uri
    }

    /// A host that means all addresses: a server listens there, and a client cannot connect to it.
    package var isWildcard: Bool { ["0.0.0.0", "::", "*"].contains(host) }

    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 58 })
    }

    /// Without a port that the scheme implies.
    package var shortText: String {
        "\(scheme.rawValue)://\(HostPort.bracketed(host))\(port == scheme.defaultPort ? "" : ":\(port)")\(resource)"
    }

    /// Where it is. The path may be what keeps others from finding the server.
    package var withoutPath: String { "\(scheme.rawValue)://\(HostPort.bracketed(host)):\(port)/" }

    private var resource: String { path + (query.map { "?\($0)" } ?? "") }

    public var description: String { "\(scheme.rawValue)://\(HostPort.bracketed(host)):\(port)\(resource)" }
}
