import Glibc
import WstanBase

/// The address of a socket.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case ipv4(IPv4Address, port: UInt16)
    /// `scope` is the index of an interface, for link-local addresses; else 0.
    case ipv6(IPv6Address, port: UInt16, scope: UInt32)

    package var port: UInt16 {
        switch self {
        case .ipv4(_, let port): port
        case .ipv6(_, let port, _): port
        }
    }

    package var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    package func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let address, _, let scope): .ipv6(address, port: port, scope: scope)
        }
    }

    /// 127.0.0.0/8 or ::1, also in their mapped form.
    package var isLoopback: Bool {
        switch self {
        case .ipv4(let address, _): address.value >> 24 == 127
        case .ipv6(let address, _, _):
            address.high == 0 && address.low == 1 || address.mappedIPv4.map { $0.value >> 24 == 127 } ?? false
        }
    }

    /// Whether both name the same host, whatever the ports.
    func hasSameHost(as other: SocketAddress) -> Bool {
        switch (self, other) {
        case (.ipv4(let a, _), .ipv4(let b, _)): a == b
        case (.ipv6(let a, _, _), .ipv6(let b, _, _)): a == b
        case (.ipv4, .ipv6), (.ipv6, .ipv4): false
        }
    }

    /// 0.0.0.0 or ::, which a socket is bound to that takes what comes to any address.
    var isWildcard: Bool {
        switch self {
        case .ipv4(let address, _): address.value == 0
        case .ipv6(let address, _, _): address.high == 0 && address.low == 0
        }
    }

    /// See `Host.unmapped`.
    var unmapped: SocketAddress {
        if case .ipv6(let address, let port, _) = self, let ipv4 = address.mappedIPv4 {
            .ipv4(ipv4, port: port)
        } else {
            self
        }
    }

    package var description: String {
        switch self {
        case .ipv4(let address, let port): "\(address):\(port)"
        case .ipv6(let address, let port, _): "[\(address)]:\(port)"
        }
    }

    /// Calls `body` with the form that the kernel takes.
    package func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch self {
        case .ipv4(let address, let port):
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = port.bigEndian
            raw.sin_addr.s_addr = address.value.bigEndian
            return Self.rebound(&raw, body)
        case .ipv6(let address, let port, let scope):
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &raw.sin6_addr) { bytes in
                bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return Self.rebound(&raw, body)
        }
    }

    private static func rebound<T, R>(_ raw: inout T, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<T>.size)) }
        }
    }

    /// - Returns: nil for another family.
    init?(_ raw: UnsafePointer<sockaddr>) {
        switch Int32(raw.pointee.sa_family) {
        case AF_INET:
            let raw = UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
            self = .ipv4(IPv4Address(UInt32(bigEndian: raw.sin_addr.s_addr)), port: UInt16(bigEndian: raw.sin_port))
        case AF_INET6:
            let raw = UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in6.self)
            let address = withUnsafeBytes(of: raw.sin6_addr) { bytes in
                IPv6Address(
                    high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            }
            self = .ipv6(address, port: UInt16(bigEndian: raw.sin6_port), scope: raw.sin6_scope_id)
        default:
            return nil
        }
    }

    /// Calls `fill` with room for any address and reads what it leaves there.
    static func read(_ fill: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32) -> (Int32, SocketAddress?) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                let result = fill(raw, &length)
                return (result, result >= 0 ? SocketAddress(raw) : nil)
            }
        }
    }
}

extension Address {
    package init(_ address: SocketAddress) {
        switch address {
        case .ipv4(let ipv4, let port): self.init(host: .ipv4(ipv4), port: port)
        case .ipv6(let ipv6, let port, _): self.init(host: .ipv6(ipv6), port: port)
        }
    }
}
