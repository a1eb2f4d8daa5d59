/// A host and a port to connect to. The host is not resolved yet.
public struct TargetAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name in lower case or an address, IPv6 without brackets.
    public let host: String
    /// Never 0 when it was read from text.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[IPv6]:port`.
    package init(_ text: String) throws(ValueProblem) {
        let pair = try HostPort(text)
        guard let port = pair.port else { throw ValueProblem("the port is missing: write host:port") }
        guard port != 0 else { throw ValueProblem("port 0 cannot be connected to: name the target's port") }
        self.init(host: pair.host, port: port)
    }

    public var description: String { "\(HostPort.bracketed(host)):\(port)" }
}
