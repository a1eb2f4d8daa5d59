import WstanBase

/// What the environment says about proxies, read once: HTTPS_PROXY, or else ALL_PROXY, and NO_PROXY for exceptions, each
/// also in lower case. There is no standard; this does what most programs agree on.
package struct ProxyEnvironment {
    package enum Choice: Equatable {
        case straight
        case through(ProxyAddress)
        /// A variable that cannot be understood. Its value, which may hold a password, is not told.
        case unusable(variable: String, problem: String)
    }

    private var proxy = Choice.straight
    private var exceptions: [ProxyException] = []

    /// An empty environment.
    package init() {}

    /// - Parameter variable: the value of the variable of that name.
    package init(_ variable: (String) -> String?) {
        func first(_ names: String...) -> (name: String, value: String)? {
            for name in names {
                // An empty one is one that was taken back. A file that it came from leaves a line break.
                guard let value = variable(name) else { continue }
                let trimmed = String(value.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
                if !trimmed.isEmpty { return (name, trimmed) }
            }
            return nil
        }
        if let found = first("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy") {
            do {
                proxy = .through(try ProxyAddress.read(found.value))
            } catch {
                proxy = .unusable(variable: found.name, problem: error.text)
            }
        }
        exceptions = ProxyException.list(first("NO_PROXY", "no_proxy")?.value ?? "")
    }

    /// How a server is reached. One on this host never goes through a proxy.
    package func choice(for server: Address) -> Choice {
        if server.host.isLoopback || exceptions.contains(where: { $0.covers(server) }) { return .straight }
        return proxy
    }
}

/// One item of NO_PROXY.
struct ProxyException: Equatable {
    private enum Hosts: Equatable {
        case all
        /// The host of that name, and all below it.
        case domain(String)
        case network(IPNetwork)
    }

    private let hosts: Hosts
    private let port: UInt16?

    /// Items stand between commas or blanks. What cannot be understood exempts nothing.
    static func list(_ text: String) -> [ProxyException] {
        text.split { $0 == "," || $0.isWhitespace }.prefix(ConfigurationBounds.proxyExceptions)
            .compactMap { ProxyException($0) }
    }

    /// `*`, `host`, `.domain`, `*.domain`, an address, a network; each but the last also with `:port`, IPv6 then in
    /// brackets.
    init?(_ item: some StringProtocol) {
        if let network = Self.network(item) {
            hosts = .network(network)
            port = nil
            return
        }
        var name = Substring(item)
        var port: UInt16?
        if let address = Address(authority: name) {
            port = address.port
            name = name[..<(name.lastIndex(of: ":") ?? name.endIndex)]
        }
        self.port = port
        if name == "*" {
            hosts = .all
            return
        }
        if name.hasPrefix("*.") { name = name.dropFirst(1) }
        if name.hasPrefix(".") { name = name.dropFirst() }
        switch Host(text: name) {
        case .ipv4(let address): hosts = .network(.ipv4(address, prefix: 32))
        case .ipv6(let address): hosts = .network(.ipv6(address, prefix: 128))
        case .name(let name): hosts = .domain(Self.comparable(name))
        case nil: return nil
        }
    }

    func covers(_ server: Address) -> Bool {
        guard port == nil || port == server.port else { return false }
        switch (hosts, server.host) {
        case (.all, _): return true
        case (.network(let network), let host): return network.contains(host)
        case (.domain(let domain), .name(let name)):
            let name = Self.comparable(name)
            return name == domain || name.hasSuffix("." + domain)
        case (.domain, .ipv4), (.domain, .ipv6): return false
        }
    }

    /// People also write an address of the network with the length of its prefix.
    private static func network(_ item: some StringProtocol) -> IPNetwork? {
        let parts = item.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let prefix = Int(parts[1]),
            let host = Host(text: parts[0])
        else { return nil }
        return IPNetwork(of: host, prefix: prefix)
    }

    private static func comparable(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }
}

extension Host {
    /// RFC 6761 section 6.3 for names.
    var isLoopback: Bool {
        switch unmapped {
        case .ipv4(let address): address.value >> 24 == 127
        case .ipv6(let address): address.high == 0 && address.low == 1
        case .name(let name): ["localhost", "localhost."].contains(name.lowercased()) || Self.isBelowLocalhost(name)
        }
    }

    private static func isBelowLocalhost(_ name: String) -> Bool {
        let lower = name.lowercased()
        return lower.hasSuffix(".localhost") || lower.hasSuffix(".localhost.")
    }
}
