/// An HTTP proxy whose CONNECT method leads to the server.
public struct ProxyAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address, IPv6 without brackets.
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `http://host:port`, and nil from `none`.
    static func read(_ text: String) throws(ValueProblem) -> ProxyAddress? {
        switch text.lowercased() {
        case "none": return nil
        case "auto":
            throw ValueProblem("auto is not in this version: write host:port or none")
        default: break
        }
        var rest = text
        if let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text.utf8[colon...].starts(with: "://".utf8) {
            guard text.utf8[..<colon].elementsEqual("http".utf8) else {
                throw ValueProblem("only HTTP proxies are in this version: write http://host:port")
            }
            rest = text.suffix(after: "http://") ?? text
            if rest.utf8.last == UInt8(ascii: "/") { rest = String(decoding: rest.utf8.dropLast(), as: UTF8.self) }
        }
        // Said before anything else could be said of the text, and without quoting it: it holds a password.
        guard !rest.utf8.contains(UInt8(ascii: "@")) else {
            throw ValueProblem("a user name and password for the proxy are not in this version: remove them")
        }
        let pair = try HostPort(rest)
        guard let port = pair.port, port != 0 else {
            throw ValueProblem("the proxy's port is missing: write host:port")
        }
        return ProxyAddress(host: pair.host, port: port)
    }

    public var description: String { "\(HostPort.bracketed(host)):\(port)" }
}
