/// All addresses that begin with the same bits (CIDR, RFC 4632 section 3.1).
@usableFromInline package enum IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// `prefix` is the number of those bits; all others are zero.
    case ipv4(IPv4Address, prefix: Int)
    case ipv6(IPv6Address, prefix: Int)

    /// An address alone, or with `/` and a prefix behind which no bit is set. The mapped form of IPv4 is IPv4.
    @inlinable package init?(text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = Host(text: parts[0]), !parts[0].hasPrefix("[") else { return nil }
        let digits = parts.count == 2 ? parts[1] : nil
        guard digits.map({ Self.isNumber($0) }) ?? true else { return nil }
        switch host {
        case .ipv4(let address):
            self = .ipv4(address, prefix: digits.flatMap { Int($0) } ?? 32)
        case .ipv6(let address):
            let prefix = digits.flatMap { Int($0) } ?? 128
            if let ipv4 = address.mappedIPv4, prefix >= 96 {
                self = .ipv4(ipv4, prefix: prefix - 96)
            } else {
                self = .ipv6(address, prefix: prefix)
            }
        case .name:
            return nil
        }
        guard isWellFormed else { return nil }
    }

    /// The network of that size in which the address is; nil for a name, and for a prefix that is too long.
    @inlinable package init?(of host: Host, prefix: Int) {
        switch host {
        case .ipv4(let address) where (0...32).contains(prefix):
            self = .ipv4(Self.masked(address, prefix), prefix: prefix)
        case .ipv6(let address) where (0...128).contains(prefix):
            if let ipv4 = address.mappedIPv4, prefix >= 96 {
                self = .ipv4(Self.masked(ipv4, prefix - 96), prefix: prefix - 96)
            } else {
                self = .ipv6(Self.masked(address, prefix), prefix: prefix)
            }
        case .ipv4, .ipv6, .name:
            return nil
        }
    }

    @inlinable package func contains(_ host: Host) -> Bool {
        switch (self, host.unmapped) {
        case (.ipv4(let network, let prefix), .ipv4(let address)):
            Self.masked(address, prefix) == network
        case (.ipv6(let network, let prefix), .ipv6(let address)):
            Self.masked(address, prefix) == network
        case (.ipv4, _), (.ipv6, _):
            false
        }
    }

    @inlinable package var description: String {
        switch self {
        case .ipv4(let address, let prefix): "\(address)/\(prefix)"
        case .ipv6(let address, let prefix): "\(address)/\(prefix)"
        }
    }

    @inlinable var isWellFormed: Bool {
        switch self {
        case .ipv4(let address, let prefix): prefix <= 32 && Self.masked(address, prefix) == address
        case .ipv6(let address, let prefix): prefix <= 128 && Self.masked(address, prefix) == address
        }
    }

    /// A shift by the whole width leaves zero, so a prefix of 0 needs no case of its own.
    @inlinable static func masked(_ address: IPv4Address, _ prefix: Int) -> IPv4Address {
        IPv4Address(address.value & (UInt32.max << (32 - prefix)))
    }

    @inlinable static func masked(_ address: IPv6Address, _ prefix: Int) -> IPv6Address {
        IPv6Address(
            high: address.high & (UInt64.max << max(0, 64 - prefix)),
            low: address.low & (UInt64.max << min(64, 128 - prefix)))
    }

    /// One to three decimal digits, without a leading zero.
    @inlinable static func isNumber(_ text: some StringProtocol) -> Bool {
        (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
            && (text.utf8.count == 1 || text.utf8.first != 48)
    }
}
