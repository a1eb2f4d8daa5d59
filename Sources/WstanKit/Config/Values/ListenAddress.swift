import WstanBase

/// Where to listen. A host is not resolved yet: `localhost` may become several sockets.
public enum ListenAddress: Sendable, Equatable, Hashable, CustomStringConvertible {
    /// A name or an address, IPv6 without brackets; port 0 lets the kernel choose. `*` is every address of this host, of both
    /// IP versions; so is `::`, which leaves IPv4 to an address of IPv4 that is given for the same port.
    case tcp(host: String, port: UInt16)
    /// The absolute path of a Unix stream socket.
    case unix(String)

    /// Reads one or several `host:port` or `unix:/path` with commas between them.
    package static func list(_ text: String) throws(ValueProblem) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for item in ListItems.split(text) { addresses.append(try ListenAddress(item)) }
        return addresses
    }

    private init(_ item: String) throws(ValueProblem) {
        if let path = item.suffix(after: "unix:") {
            self = .unix(try Self.socketPath(path))
            return
        }
        // A port alone would be loopback to some programs, and every address to others.
        let port = item.suffix(after: ":") ?? item
        if !item.isEmpty, port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            throw ValueProblem("the host is missing: write localhost:PORT for this host alone, *:PORT for all addresses")
        }
        let pair = try HostPort(Self.withoutStar(item))
        guard let port = pair.port else { throw ValueProblem("the port is missing: write HOST:PORT, like localhost:1080") }
        self = .tcp(host: item.suffix(after: "*:") == nil ? pair.host : "*", port: port)
    }

    /// `*` before a port, or alone, is `[::]`.
    static func withoutStar(_ text: String) -> String {
        text == "*" ? "[::]" : text.suffix(after: "*:").map { "[::]:\($0)" } ?? text
    }

    private static func socketPath(_ path: String) throws(ValueProblem) -> String {
        // "unix:///path" is how others write it.
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.starts(with: "//".utf8), path.utf8.count > 1 else {
            throw ValueProblem("the socket's path does not begin at the root: write unix:/run/wstand/socks")
        }
        guard path.utf8.count <= ConfigurationBounds.socketPathLength else {
            throw ValueProblem("the socket's path is above \(ConfigurationBounds.socketPathLength) bytes: shorten it")
        }
        guard path.utf8.last != UInt8(ascii: "/") else {
            throw ValueProblem("the socket's path ends in a slash: name a file after it")
        }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem("the socket's path holds a control character: remove it")
        }
        return path
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): "\(HostPort.bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension [ListenAddress] {
    /// Whether sockets at `others` serve what these say and nothing else. All addresses of one IP version are as good as those
    /// of both; of a name only the port is compared.
    package func agree(with others: [ListenAddress]) -> Bool {
        allSatisfy { mine in others.contains { mine.serves($0) } }
            && others.allSatisfy { theirs in contains { $0.serves(theirs) } }
    }
}

extension ListenAddress {
    fileprivate func serves(_ other: ListenAddress) -> Bool {
        guard case .tcp(let host, let port) = self, case .tcp(let otherHost, let otherPort) = other else {
            return self == other
        }
        guard port == otherPort || port == 0 else { return false }
        switch (Reach(host), Reach(otherHost)) {
        case (.name, _), (_, .name): return true
        case (.loopback, .address(let address)), (.address(let address), .loopback):
            return address.isLoopback
        case (let mine, let theirs): return mine == theirs
        }
    }

    private enum Reach: Equatable {
        case all
        /// Both addresses of localhost, of which a host may lack one.
        case loopback
        case address(Host)
        case name

        init(_ text: String) {
            switch Host(text: text) {
            case _ where text == "*": self = .all
            case .ipv4(let address)? where address.value == 0: self = .all
            case .ipv6(let address)? where address.high == 0 && address.low == 0: self = .all
            case .name("localhost")?: self = .loopback
            case .name?, nil: self = .name
            case let host?: self = .address(host)
            }
        }
    }
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
    ///
    /// - Parameter standard: gives the host or the port when what is overridden has none.
    func overriding(_ lower: [ListenAddress], standard: [ListenAddress]) -> [ListenAddress] {
        var result: [ListenAddress] = []
        var candidates = addresses.isEmpty ? lower : addresses
        if !hosts.isEmpty || port != nil {
            let pairs = Self.pairs(lower).isEmpty ? Self.pairs(standard) : Self.pairs(lower)
            let firstPort = pairs.first?.port ?? 0
            candidates = (hosts.isEmpty ? pairs.map(\.host) : hosts).map { .tcp(host: $0, port: port ?? firstPort) }
        }
        for address in candidates where !result.contains(address) { result.append(address) }
        return result
    }

    private static func pairs(_ addresses: [ListenAddress]) -> [(host: String, port: UInt16)] {
        addresses.compactMap {
            switch $0 {
            case .tcp(let host, let port): (host, port)
            case .unix: nil
            }
        }
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
