import WstanBase

/// An address with the length of its prefix: an entry of NETADDR and NETROUTE (section 7.5).
enum NetworkPrefix: Equatable, Sendable {
    case ipv4(IPv4Address, length: UInt8)
    case ipv6(IPv6Address, length: UInt8)

    /// family(u8: 4, 6) prefix length(u8) address(4 or 16)
    static func read(_ reader: inout ByteReader) throws(Violation) -> NetworkPrefix {
        guard let family = reader.readByte(), let length = reader.readByte() else { throw .optionLength }
        switch try readHost(family, &reader) {
        case .ipv4(let address):
            guard length <= 32 else { throw .optionValue }
            return .ipv4(address, length: length)
        case .ipv6(let address):
            guard length <= 128 else { throw .optionValue }
            return .ipv6(address, length: length)
        case .name:
            throw .optionValue
        }
    }

    /// An entry of DNS: family(u8) address.
    static func readAddress(_ reader: inout ByteReader) throws(Violation) -> Host {
        guard let family = reader.readByte() else { throw .optionLength }
        return try readHost(family, &reader)
    }

    private static func readHost(_ family: UInt8, _ reader: inout ByteReader) throws(Violation) -> Host {
        switch family {
        case 4:
            guard let value = reader.readInteger(UInt32.self) else { throw .optionLength }
            return .ipv4(IPv4Address(value))
        case 6:
            guard let high = reader.readInteger(UInt64.self), let low = reader.readInteger(UInt64.self) else {
                throw .optionLength
            }
            return .ipv6(IPv6Address(high: high, low: low))
        default:
            throw .optionValue
        }
    }

    fileprivate func encode(into bytes: inout [UInt8]) {
        switch self {
        case .ipv4(let address, let length):
            bytes += [4, length]
            bytes.append(integer: address.value)
        case .ipv6(let address, let length):
            bytes += [6, length]
            bytes.append(integer: address.high)
            bytes.append(integer: address.low)
        }
    }
}

extension Options {
    /// NETADDR or NETROUTE: wishes in NETWORK, what is granted in its OK.
    func prefixes(_ type: OptionType) -> [NetworkPrefix] {
        guard let value = self[type] else { return [] }
        return value.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var prefixes: [NetworkPrefix] = []
            while reader.remaining > 0, let prefix = try? NetworkPrefix.read(&reader) { prefixes.append(prefix) }
            return prefixes
        }
    }

    mutating func set(_ type: OptionType, prefixes: [NetworkPrefix]) {
        var value: [UInt8] = []
        for prefix in prefixes { prefix.encode(into: &value) }
        set(type, value)
    }

    /// Addresses of name servers.
    var nameServers: [Host] {
        guard let value = self[.dns] else { return [] }
        return value.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var hosts: [Host] = []
            while reader.remaining > 0, let host = try? NetworkPrefix.readAddress(&reader) { hosts.append(host) }
            return hosts
        }
    }

    /// 0 IP, 1 Ethernet.
    var netKind: UInt8? { self[.netKind]?.first }
    var mtu: UInt16? { integer(.mtu) }
    var mac: [UInt8]? { self[.mac] }
}
