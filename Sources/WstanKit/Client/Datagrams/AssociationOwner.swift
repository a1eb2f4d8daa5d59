import WstanBase

/// Whose datagrams an association takes: those of the user agent that asked for it (RFC 1928 section 7), as far as that can
/// be told. A value.
struct AssociationOwner: Equatable {
    private let peer: SocketAddress
    /// The port that the user agent has said it would send from.
    let port: UInt16?
    /// The user of this host whose socket the datagrams have to come from; nil where the kernel cannot tell.
    let user: UInt32?

    /// - Parameters:
    ///   - peer: where the user agent's connection comes from, whatever the port.
    ///   - declared: what stands in the request.
    ///   - user: whose connection it is.
    ///   - isStrict: whether some are not served: then a host alone does not tell who sends.
    /// - Returns: nil when it could not be told whose datagrams are whose.
    init?(peer: SocketAddress, declared: Address, user: UInt32?, isStrict: Bool) {
        self.peer = peer
        self.user = user
        port = declared.bindsPort(ofUserAgentAt: peer) ? declared.port : nil
        if isStrict, user == nil, port == nil { return nil }
    }

    /// By its address; whose socket it is remains to be asked.
    func mayBe(at sender: SocketAddress) -> Bool {
        sender.hasSameHost(as: peer) && (port == nil || port == sender.port)
    }
}

extension Address {
    /// Whether the port that a user agent declares is the one that it will send from (RFC 1928 section 7). Many declare
    /// their target instead; beside an address that cannot be theirs the port means nothing.
    func bindsPort(ofUserAgentAt peer: SocketAddress) -> Bool {
        let mayBeTheirs =
            switch host.unmapped {
            case .ipv4(let address): address == IPv4Address(0) || Host.ipv4(address) == Address(peer).host.unmapped
            case .ipv6(let address):
                address == IPv6Address(high: 0, low: 0) || Host.ipv6(address) == Address(peer).host.unmapped
            case .name: false
            }
        return port != 0 && mayBeTheirs
    }
}
