import WstanBase

/// Whose connection it is: the address that it comes from or, behind a front, the one that the front tells.
struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    /// Never a name.
    let host: Host
    /// Nil when the front does not tell it.
    let port: UInt16?

    /// A process that comes by a Unix socket is on this host: its address is 127.0.0.1, so it is a trusted proxy where
    /// those on the loopback addresses are.
    init(_ peer: Peer) {
        switch peer {
        case .network(.ipv4(let address, let port)): self.init(.ipv4(address), port)
        case .network(.ipv6(let address, let port, _)): self.init(.ipv6(address), port)
        case .local: self.init(.ipv4(IPv4Address(0x7f00_0001)), nil)
        }
    }

    /// `address`, `address:port`, `[v6]` or `[v6]:port`; nil for anything else, names included.
    init?(text: some StringProtocol) {
        guard text.utf8.count <= Self.longestText else { return nil }
        let found = Address(authority: text).map { ($0.host, Optional($0.port)) } ?? Host(text: text).map { ($0, nil) }
        switch found {
        case (let host, let port)?:
            if case .name = host { return nil }
            self.init(host, port)
        case nil:
            return nil
        }
    }

    init(ipv4 address: IPv4Address, port: UInt16) {
        self.init(.ipv4(address), port)
    }

    init(ipv6 address: IPv6Address, port: UInt16) {
        self.init(.ipv6(address), port)
    }

    private init(_ host: Host, _ port: UInt16?) {
        self.host = host.unmapped
        self.port = port
    }

    var description: String {
        port.map { Address(host: host, port: $0).description } ?? host.description
    }

    /// What stands for one client where something is shared out or counted: its address or, with IPv6, the network of
    /// which it may have every address.
    struct Source: Hashable, Sendable, CustomStringConvertible {
        fileprivate let host: Host

        var party: Party { .host(host) }

        var description: String {
            if case .ipv6 = host { "\(host)/64" } else { host.description }
        }
    }

    var source: Source {
        guard case .ipv6(let address) = host else { return Source(host: host) }
        return Source(host: .ipv6(IPv6Address(high: address.high, low: 0)))
    }

    /// On whose behalf names are looked up, and connections are made.
    func asker(for holder: Party) -> Asker { Asker(holder, from: source.party) }

    /// An IPv6 address with an IPv4 tail, in brackets, with a port, has 53.
    private static let longestText = 64
}
