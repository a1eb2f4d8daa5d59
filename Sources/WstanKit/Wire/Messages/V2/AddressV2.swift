import WstanBase

/// ADDRESS of version 2 (protocol-v2.md section 5): what a request asks for, where a socket is bound, whose a datagram is.
///
/// It is kept as it came, since not every name of the wire is one that is looked up: `target` says what it stands for.
enum AddressV2: Hashable, Sendable {
    /// Type 0: not told, or not needed.
    case none
    case ipv4(IPv4Address, port: UInt16)
    /// 1 to 255 visible ASCII characters but the backslash.
    case name(String, port: UInt16)
    case ipv6(IPv6Address, port: UInt16)
    /// The path of a Unix socket: 1 to 255 bytes, none of them 0.
    case unix([UInt8])

    private enum Kind {
        static let none: UInt8 = 0
        static let ipv4: UInt8 = 1
        static let name: UInt8 = 3
        static let ipv6: UInt8 = 4
        static let unix: UInt8 = 5
    }

    /// 1 to 259 bytes.
    static let mostEncoded = 259

    init(_ address: Address) {
        switch address.host {
        case .ipv4(let host): self = .ipv4(host, port: address.port)
        case .ipv6(let host): self = .ipv6(host, port: address.port)
        case .name(let name): self = .name(name, port: address.port)
        }
    }

    /// Host and port. A literal that came as a name is the address, which is not looked up; nil for a name that no host has, and
    /// where there is no host.
    var target: Address? {
        switch self {
        case .none, .unix: nil
        case .ipv4(let host, let port): Address(host: .ipv4(host), port: port)
        case .ipv6(let host, let port): Address(host: .ipv6(host), port: port)
        case .name(let name, let port): Host(text: name).map { Address(host: $0, port: port) }
        }
    }

    var encodedSize: Int {
        switch self {
        case .none: 1
        case .ipv4: 7
        case .ipv6: 19
        case .name(let name, _): 4 + name.utf8.count
        case .unix(let path): 2 + path.count
        }
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .none:
            bytes.append(Kind.none)
        case .ipv4(let host, let port):
            bytes.append(Kind.ipv4)
            bytes.append(integer: host.value)
            bytes.append(integer: port)
        case .ipv6(let host, let port):
            bytes.append(Kind.ipv6)
            bytes.append(integer: host.high)
            bytes.append(integer: host.low)
            bytes.append(integer: port)
        case .name(let name, let port):
            Self.encode(Kind.name, name.utf8, into: &bytes)
            bytes.append(integer: port)
        case .unix(let path):
            Self.encode(Kind.unix, path, into: &bytes)
        }
    }

    private static func encode(_ kind: UInt8, _ text: some Collection<UInt8>, into bytes: inout [UInt8]) {
        precondition((1...255).contains(text.count), "a name or path has 1 to 255 bytes")
        bytes.append(kind)
        bytes.append(UInt8(truncatingIfNeeded: text.count))
        bytes.append(contentsOf: text)
    }

    /// Reads from a whole message: missing bytes are a fault.
    static func read(_ reader: inout ByteReader) throws(Violation) -> AddressV2 {
        guard let kind = reader.readByte() else { throw .truncated }
        switch kind {
        case Kind.none:
            return .none
        case Kind.ipv4:
            guard let value = reader.readInteger(UInt32.self) else { throw .truncated }
            return .ipv4(IPv4Address(value), port: try readPort(&reader))
        case Kind.ipv6:
            guard let high = reader.readInteger(UInt64.self), let low = reader.readInteger(UInt64.self) else {
                throw .truncated
            }
            return .ipv6(IPv6Address(high: high, low: low), port: try readPort(&reader))
        case Kind.name:
            let name = try readText(&reader)
            guard name.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\\") }) else { throw .address }
            return .name(String(decoding: name, as: UTF8.self), port: try readPort(&reader))
        case Kind.unix:
            let path = try readText(&reader)
            guard !path.contains(0) else { throw .address }
            return .unix(Array(path))
        default:
            throw .addressType
        }
    }

    private static func readText(_ reader: inout ByteReader) throws(Violation) -> UnsafeRawBufferPointer {
        guard let count = reader.readByte() else { throw .truncated }
        guard count > 0 else { throw .address }
        guard let text = reader.readBytes(Int(count)) else { throw .truncated }
        return text
    }

    private static func readPort(_ reader: inout ByteReader) throws(Violation) -> UInt16 {
        guard let port = reader.readInteger(UInt16.self) else { throw .truncated }
        return port
    }
}
