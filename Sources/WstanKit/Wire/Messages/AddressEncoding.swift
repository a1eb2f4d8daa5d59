import WstanBase

/// The encoding that SOCKS5 (RFC 1928 section 5) and the tunnel's requests share.
extension Address {
    private enum Kind: UInt8 {
        case ipv4 = 1
        case name = 3
        case ipv6 = 4
    }

    var encodedSize: Int {
        switch host {
        case .ipv4: 8
        case .ipv6: 20
        case .name(let name): 5 + min(name.utf8.count, 255)
        }
    }

    /// 00, type, address, port: 6 to 260 bytes.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(0)
        switch host {
        case .ipv4(let address):
            bytes.append(Kind.ipv4.rawValue)
            bytes.append(integer: address.value)
        case .ipv6(let address):
            bytes.append(Kind.ipv6.rawValue)
            bytes.append(integer: address.high)
            bytes.append(integer: address.low)
        case .name(let name):
            let utf8 = name.utf8.prefix(255)
            bytes.append(Kind.name.rawValue)
            bytes.append(UInt8(truncatingIfNeeded: utf8.count))
            bytes.append(contentsOf: utf8)
        }
        bytes.append(integer: port)
    }

    /// - Returns: nil when bytes are missing; the reader is then where it was.
    /// - Throws: `.malformed` when no further byte could make it an address.
    static func read(_ reader: inout ByteReader) throws(WireError) -> Address? {
        var ahead = reader
        guard let reserved = ahead.readByte() else { return nil }
        guard reserved == 0 else { throw .malformed }
        guard let type = ahead.readByte() else { return nil }
        guard let kind = Kind(rawValue: type) else { throw .malformed }
        let host: Host
        switch kind {
        case .ipv4:
            guard let value = ahead.readInteger(UInt32.self) else { return nil }
            host = .ipv4(IPv4Address(value))
        case .ipv6:
            guard let high = ahead.readInteger(UInt64.self), let low = ahead.readInteger(UInt64.self) else {
                return nil
            }
            host = .ipv6(IPv6Address(high: high, low: low))
        case .name:
            guard let count = ahead.readByte() else { return nil }
            guard count > 0 else { throw .malformed }
            guard let name = ahead.readBytes(Int(count)) else { return nil }
            // 0.4 clients send literals as names, IPv6 too; they must not be looked up.
            guard let parsed = Host(text: String(decoding: name, as: UTF8.self)) else { throw .malformed }
            host = parsed
        }
        guard let port = ahead.readInteger(UInt16.self) else { return nil }
        reader = ahead
        return Address(host: host, port: port)
    }
}
