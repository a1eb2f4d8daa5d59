import WstanBase

/// How the client reaches its server.
public enum ProxyChoice: Sendable, Equatable {
    case none
    /// By the environment's HTTPS_PROXY, but for what NO_PROXY names and for loopback.
    case automatic
    case through(ProxyAddress)

    /// Reads `none`, `auto` or a proxy.
    package init(_ text: String) throws(ValueProblem) {
        switch text.lowercased() {
        case "none": self = .none
        case "auto": self = .automatic
        default: self = .through(try ProxyAddress.read(text))
        }
    }

    /// As it would stand in the file, with the placeholder for a password.
    package var text: String {
        switch self {
        case .none: "none"
        case .automatic: "auto"
        case .through(let proxy): proxy.text
        }
    }

    package var password: Secret? {
        switch self {
        case .none, .automatic: nil
        case .through(let proxy): proxy.password
        }
    }
}

/// A proxy that leads to the server.
///
/// No diagnostic quotes the text, for it may hold a password.
public struct ProxyAddress: Sendable, Equatable, CustomStringConvertible {
    public enum Scheme: String, Sendable {
        /// By its CONNECT method.
        case http
        /// RFC 1928; the proxy resolves the server's name.
        case socks5

        package var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .socks5: 1080
            }
        }

        /// Bytes of a user name or a password.
        var credentialLength: Int {
            switch self {
            case .http: ConfigurationBounds.proxyCredentialLength
            case .socks5: ConfigurationBounds.socksCredentialLength
            }
        }
    }

    public let scheme: Scheme
    /// A name or an address, IPv6 without brackets.
    public let host: String
    public let port: UInt16
    /// Percent-decoded; nil: the proxy asks for none.
    public let user: String?
    public let password: Secret?

    public init(
        scheme: Scheme = .http, host: String, port: UInt16, user: String? = nil, password: Secret? = nil
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.user = user
        self.password = password
    }

    /// Without the user's name and password.
    public var description: String { "\(scheme.rawValue)://\(HostPort.bracketed(host)):\(port)" }

    /// With the user's name, and the placeholder for the password.
    package var text: String {
        guard let user else { return description }
        let password = password == nil ? "" : ":\(Secret.placeholder)"
        return "\(scheme.rawValue)://\(PercentEncoding.encode(user))\(password)@\(HostPort.bracketed(host)):\(port)"
    }
}

extension ProxyAddress {
    /// Reads `host:port`, `http://host[:port]`, `socks5://host[:port]` (`socks5h` is the same), each with
    /// `user:password@` before the host or without. This is also the form of the environment's HTTPS_PROXY.
    package static func read(_ text: String) throws(ValueProblem) -> ProxyAddress {
        guard text.utf8.count <= ConfigurationBounds.textLength else {
            throw ValueProblem("longer than \(ConfigurationBounds.textLength) bytes: shorten it")
        }
        var rest = text.utf8[...]
        var scheme: Scheme?
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")), rest[colon...].starts(with: "://".utf8) {
            scheme = try self.scheme(String(decoding: rest[..<colon], as: UTF8.self))
            rest = rest[colon...].dropFirst(3)
        }
        if scheme != nil, rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        var user: String?
        var password: Secret?
        // The last one: a password may hold more of them where it was not percent-encoded.
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            (user, password) = try credentials(rest[..<at], scheme ?? .http)
            rest = rest[at...].dropFirst()
        }
        let pair = try HostPort(String(decoding: rest, as: UTF8.self))
        guard let port = pair.port ?? scheme?.defaultPort, port != 0 else {
            throw ValueProblem("the proxy's port is missing: write host:port")
        }
        return ProxyAddress(scheme: scheme ?? .http, host: pair.host, port: port, user: user, password: password)
    }

    private static func scheme(_ name: String) throws(ValueProblem) -> Scheme {
        switch name.lowercased() {
        case "http": return .http
        case "socks5", "socks5h": return .socks5
        case "https":
            throw ValueProblem("a proxy that itself speaks TLS is not supported: write http://, or name another")
        case "socks", "socks4", "socks4a":
            throw ValueProblem("the proxy begins with neither http:// nor socks5://: write socks5:// if it speaks SOCKS5")
        default: throw ValueProblem("the proxy begins with neither http:// nor socks5://: replace its scheme")
        }
    }

    private static func credentials(
        _ userInfo: Substring.UTF8View, _ scheme: Scheme
    ) throws(ValueProblem) -> (String?, Secret?) {
        guard !userInfo.isEmpty else { return (nil, nil) }
        let name = userInfo.prefix { $0 != UInt8(ascii: ":") }
        let user = try decoded(name, scheme)
        let hasPassword = name.endIndex != userInfo.endIndex
        let password = hasPassword ? Secret(try decoded(userInfo[name.endIndex...].dropFirst(), scheme)) : nil
        switch scheme {
        case .http:
            // RFC 7617 section 2: what follows the first colon is the password.
            guard !user.utf8.contains(UInt8(ascii: ":")) else {
                throw ValueProblem("the proxy's user name holds a colon, which Basic authentication cannot say")
            }
        case .socks5:
            guard !user.isEmpty else {
                throw ValueProblem("the proxy's user name is empty: SOCKS5 has none such, write user:password@")
            }
        }
        return (user, password)
    }

    private static func decoded(_ bytes: Substring.UTF8View, _ scheme: Scheme) throws(ValueProblem) -> String {
        guard let decoded = PercentEncoding.decode(bytes), let text = String(validating: decoded, as: UTF8.self) else {
            throw ValueProblem("the proxy's user name or password is not percent-encoded UTF-8: write % as %25")
        }
        guard decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem("the proxy's user name or password holds a control character: remove it")
        }
        guard decoded.count <= scheme.credentialLength else {
            throw ValueProblem("the proxy's user name or password is above \(scheme.credentialLength) bytes")
        }
        return text
    }
}
