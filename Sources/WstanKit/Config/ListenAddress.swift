/// Where to listen. The host is not resolved yet: `localhost` may become several sockets.
public struct ListenAddress: Sendable, Equatable, Hashable, CustomStringConvertible {
    /// A name or an address, IPv6 without brackets.
    public let host: String
    /// 0 lets the kernel choose.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads one or several `host:port` with commas between them.
    static func list(_ text: String) throws(ValueProblem) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for item in ListItems.split(text) {
            if item.utf8.starts(with: "unix:".utf8) {
                throw ValueProblem("unix: sockets are not in this version: write host:port")
            }
            if item.utf8.first == UInt8(ascii: ":") {
                throw ValueProblem("the host is missing: write 0.0.0.0 before the port for every IPv4 address")
            }
            let pair = try HostPort(item)
            guard let port = pair.port else { throw ValueProblem("the port is missing: write host:port") }
            addresses.append(ListenAddress(host: pair.host, port: port))
        }
        return addresses
    }

    public var description: String { "\(HostPort.bracketed(host)):\(port)" }
}

/// Where a layer of the configuration says to listen: whole addresses, or Python's host and port one by one.
struct ListenChoice {
    var addresses: [ListenAddress] = []
    var hosts: [String] = []
    var port: UInt16?
    /// The place of the last one given, for a complaint about both ways at once.
    var place: Diagnostic.Place?

    var isContradictory: Bool { !addresses.isEmpty && (!hosts.isEmpty || port != nil) }

    /// A host alone keeps the port of what it overrides, and the other way round, as Python's options do.
    func overriding(_ lower: [ListenAddress]) -> [ListenAddress] {
        var result: [ListenAddress] = []
        var candidates = addresses.isEmpty ? lower : addresses
        if !hosts.isEmpty || port != nil, let first = lower.first {
            candidates = (hosts.isEmpty ? lower.map(\.host) : hosts).map {
                ListenAddress(host: $0, port: port ?? first.port)
            }
        }
        for address in candidates where !result.contains(address) { result.append(address) }
        return result
    }
}

/// A list in one value, with commas between the items and any white space around them.
enum ListItems {
    static func split(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false).map { item in
            let start = item.drop { $0.properties.isWhitespace }
            let end = start.lastIndex { !$0.properties.isWhitespace }
            return String(String.UnicodeScalarView(end.map { start[...$0] } ?? start.prefix(0)))
        }
    }
}
