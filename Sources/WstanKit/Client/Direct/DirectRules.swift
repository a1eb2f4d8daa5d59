import WstanBase
import WstanConfig

/// Which targets a client reaches by itself, without the tunnel.
///
/// A target is judged as it was asked for: an address by its network, a name by what it says. No name is looked up for
/// it, since that would tell the name servers of this network where its users go.
package struct DirectRules: Sendable, Equatable {
    var patterns: [TargetPattern] = []

    /// Those that name no host and no network: what they say is known to all.
    var withoutHosts: DirectRules {
        DirectRules(
            patterns: patterns.filter { pattern in
                switch pattern.host {
                case .any, .isPrivate: true
                case .network, .name: false
                }
            })
    }

    func cover(_ target: Address) -> Bool {
        patterns.contains { pattern in
            switch target.host {
            case .ipv4, .ipv6:
                pattern.matches(
                    name: nil, address: target.host, port: target.port, isPrivate: PrivateNetworks.contains)
            case .name(let name) where pattern.host == .isPrivate:
                pattern.ports.contains(target.port) && LocalNames.contain(name)
            case .name(let name):
                pattern.matches(name: name, address: nil, port: target.port, isPrivate: PrivateNetworks.contains)
            }
        }
    }
}

/// Names that mean something only where they are asked for: what `private` says of addresses.
enum LocalNames {
    /// RFC 6761 section 6.3, RFC 6762 section 3, RFC 8375, and ICANN's resolution 2024.07.29.06: nobody else can have
    /// these. What is only a custom (`.lan`) is for whoever lists it.
    static let reserved = ["localhost", "local", "home.arpa", "internal"]

    private static let patterns = reserved.map { TargetPattern(host: .name($0, includesItself: true)) }

    /// - Parameter name: in any case, with the root's dot or without. One without any dot is completed by the resolver
    ///   of this host; but a number is not, which resolvers take for an address, and that may be anybody's.
    static func contain(_ name: String) -> Bool {
        if !name.utf8.contains(UInt8(ascii: ".")) { return !isNumber(name.utf8) }
        return patterns.contains { $0.matches(name: name, address: nil, port: 0, isPrivate: { _ in false }) }
    }

    /// Decimal, octal or hexadecimal, as inet_aton(3) takes it.
    private static func isNumber(_ name: String.UTF8View) -> Bool {
        let isHexadecimal = name.count >= 2 && name.first == 48 && name.dropFirst().first.map { $0 | 0x20 } == 120
        return isHexadecimal || name.allSatisfy { (48...57).contains($0) }
    }
}
