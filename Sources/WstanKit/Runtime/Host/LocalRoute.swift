import CLinux
import Glibc

/// Which of this host's addresses packets to a peer would bear now, by the kernel's routes.
package enum LocalRoute {
    /// Asked by connecting a datagram socket, which sends nothing.
    ///
    /// - Returns: nil when there is no route.
    package static func source(toward peer: SocketAddress) -> SocketAddress? {
        withDatagramSocket(peer.family) { descriptor in
            guard peer.withSockaddr({ connect(descriptor, $0, $1) }) == 0 else { return nil }
            return SocketAddress.read { getsockname(descriptor, $0, &$1) }.1
        }
    }

    /// Whether this host has the address still.
    static func isOurs(_ address: SocketAddress) -> Bool {
        withDatagramSocket(address.family) { descriptor in
            address.withPort(0).withSockaddr { bind(descriptor, $0, $1) } == 0 ? true : nil
        } ?? false
    }

    private static func withDatagramSocket<R>(_ family: Int32, _ body: (Int32) -> R?) -> R? {
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return body(descriptor)
    }
}
