/// Where a connection is to go: an address, or a name that only the server resolves.
@usableFromInline package enum Host: Hashable, Sendable, CustomStringConvertible {
    case ipv4(IPv4Address)
    case ipv6(IPv6Address)
    /// 1 to 255 visible ASCII characters, none of those that set hosts apart from what stands beside them.
    case name(String)

    /// A literal becomes an address, anything else a name; nil if it is neither. Brackets around IPv6 are optional.
    @inlinable package init?(text: some StringProtocol) {
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard let ipv6 = IPv6Address(text: text.dropFirst().dropLast()) else { return nil }
            self = .ipv6(ipv6)
        } else if let ipv4 = IPv4Address(text: text) {
            self = .ipv4(ipv4)
        } else if let ipv6 = IPv6Address(text: text) {
            self = .ipv6(ipv6)
        } else {
            guard Self.isName(text.utf8) else { return nil }
            self = .name(String(text))
        }
    }

    @inlinable package static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        (1...255).contains(bytes.count)
            && bytes.allSatisfy { (0x21...0x7e).contains($0) && !"[]:/@%".utf8.contains($0) }
    }

    /// The mapped form of IPv4 (::ffff:0:0/96), which a socket for both families shows, is IPv4.
    @inlinable package var unmapped: Host {
        if case .ipv6(let address) = self, let ipv4 = address.mappedIPv4 { .ipv4(ipv4) } else { self }
    }

    @inlinable package var description: String {
        switch self {
        case .ipv4(let address): address.description
        case .ipv6(let address): address.description
        case .name(let name): name
        }
    }
}

/// A host and a port.
@usableFromInline package struct Address: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package var host: Host
    @usableFromInline package var port: UInt16

    @inlinable package init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `host:port`, `[v6]:port`; nil when the port is missing or out of range.
    @inlinable package init?(authority text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
            let host = Host(text: text[..<colon])
        else { return nil }
        if case .ipv6 = host, !text.hasPrefix("[") { return nil }
        self.init(host: host, port: port)
    }

    @inlinable package var description: String {
        if case .ipv6 = host { return "[\(host)]:\(port)" }
        return "\(host):\(port)"
    }
}
