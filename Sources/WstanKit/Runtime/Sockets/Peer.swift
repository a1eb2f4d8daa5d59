import Glibc
import WstanBase

/// Who is at the other end of a connection that has come.
package enum Peer: Hashable, Sendable {
    case network(SocketAddress)
    /// A process of this host, by a Unix socket, which has no address.
    case local(LocalProcess)

    var isLoopback: Bool {
        switch self {
        case .network(let address): address.isLoopback
        case .local: true
        }
    }

    /// What stands for it where something is shared out: its address or, with IPv6, the network of which it may have every
    /// address; of this host the user.
    var party: Party {
        switch self {
        case .network(let address):
            guard case .ipv6(let whole) = Address(address).host.unmapped else { return .host(Address(address).host.unmapped) }
            return .host(.ipv6(IPv6Address(high: whole.high, low: 0)))
        case .local(let process): return .user(process.uid)
        }
    }

    var isLocal: Bool {
        switch self {
        case .network: false
        case .local: true
        }
    }
}

/// A process as the kernel vouched for it when it connected, or began to listen (unix(7), SO_PEERCRED). Whoever holds the
/// socket now may be another.
package struct LocalProcess: Hashable, Sendable, CustomStringConvertible {
    /// 0 when it is in another PID namespace.
    package let pid: Int32
    /// Its effective user and group.
    package let uid: UInt32
    package let gid: UInt32

    init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// - Returns: nil when `descriptor` is no connected Unix socket.
    init?(atOtherEndOf descriptor: Int32) {
        // struct ucred, which Glibc shows only under _GNU_SOURCE.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
            length == MemoryLayout.size(ofValue: credentials), credentials.uid != .max
        else { return nil }
        (pid, uid, gid) = credentials
    }

    package var description: String { pid > 0 ? "process \(pid) of user \(uid)" : "a process of user \(uid)" }
}
