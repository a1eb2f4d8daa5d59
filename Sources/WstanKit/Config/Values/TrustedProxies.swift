import WstanBase

/// Whose word about a client's address is taken.
public struct TrustedProxies: Sendable, Equatable {
    private(set) var networks: [IPNetwork] = []

    package static let none = TrustedProxies()
    package static let loopback = TrustedProxies(
        networks: [
            .ipv4(IPv4Address(0x7f00_0000), prefix: 8), .ipv6(IPv6Address(high: 0, low: 1), prefix: 128),
        ])

    package init(networks: [IPNetwork] = []) {
        self.networks = networks
    }

    package func contains(_ host: Host) -> Bool { networks.contains { $0.contains(host) } }

    /// Whether it has a front on another host.
    package var hasOtherHosts: Bool { networks.contains { !Self.loopback.networks.contains($0) } }

    /// What stands in two lines adds up.
    ///
    /// - Throws: more than anybody needs, each of which costs a comparison per connection.
    package func adding(_ more: TrustedProxies) throws(ValueProblem) -> TrustedProxies {
        let all = networks + more.networks.filter { !networks.contains($0) }
        guard all.count <= ConfigurationBounds.trustedProxies else {
            throw ValueProblem("more than \(ConfigurationBounds.trustedProxies) networks: use fewer")
        }
        return TrustedProxies(networks: all)
    }
}

extension TrustedProxies {
    /// `loopback`, addresses and networks, with commas or blanks between them; or `none`.
    package static func read(_ text: String) throws(ValueProblem) -> TrustedProxies {
        let items = text.split { $0 == "," || $0.isWhitespace }
        if items.count == 1, items[0].lowercased() == "none" { return .none }
        var proxies = TrustedProxies.none
        for item in items {
            if item.lowercased() == "loopback" {
                proxies = try proxies.adding(.loopback)
            } else if let network = IPNetwork(text: item) {
                proxies = try proxies.adding(TrustedProxies(networks: [network]))
            } else if item.contains("://") {
                throw ValueProblem("an item is a URI: write the proxy's address alone, as in 192.0.2.1")
            } else if item.lowercased() == "none" {
                throw ValueProblem("none stands alone: leave it out, or the others")
            } else {
                throw ValueProblem(
                    "takes loopback, none, addresses and networks like 192.0.2.0/24 or 2001:db8::/32 (no names, and no"
                        + " bits behind the prefix)")
            }
        }
        guard !proxies.networks.isEmpty else { throw ValueProblem("names no proxy: write none if that is meant") }
        return proxies
    }

    /// As they would stand in the file, one in each line.
    package var words: [String] {
        if self == .none { return ["none"] }
        return self == .loopback ? ["loopback"] : networks.map(\.description)
    }
}
