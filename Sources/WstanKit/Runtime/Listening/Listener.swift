import CLinux
import Glibc

/// Listens on an address of the network.
package final class Listener: Acceptor, @unchecked Sendable {
    package let address: SocketAddress

    /// - Parameters:
    ///   - sharing: with another socket of this process at the same port, which is about to be closed (`sharesPort`).
    ///   - report: called on the listener's worker.
    package init(
        _ address: SocketAddress, sharing: Bool = false, on worker: Worker, dealingTo workers: [Worker],
        report: @escaping (Event) -> Void
    ) throws(SystemError) {
        let descriptor = try Self.open(address, sharing)
        self.address = SocketAddress.read { getsockname(descriptor, $0, &$1) }.1 ?? address
        try super.init(
            descriptor: descriptor, at: self.address.description, on: worker, dealingTo: workers, report: report)
    }

    /// Takes one over that listens already; its backlog stays as it is.
    ///
    /// - Parameter address: its own.
    package init(
        passed socket: PassedSocket, at address: SocketAddress, on worker: Worker, dealingTo workers: [Worker],
        report: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.address = address
        try socket.prepare()
        SocketOption.keepLatencyLow(socket.descriptor)
        try super.init(
            descriptor: socket.descriptor, at: address.description, on: worker, dealingTo: workers, report: report)
        isShared = true
    }

    private static func open(_ address: SocketAddress, _ sharing: Bool) throws(SystemError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try SystemError.check("socket") { socket(address.family, type, 0) }
        SocketOption.reuseAddress.set(1, on: descriptor)
        if sharing { SocketOption.reusePort.set(1, on: descriptor) }
        SocketOption.keepLatencyLow(descriptor)
        if address.family == AF_INET6 { SocketOption.ipv6Only.set(1, on: descriptor) }
        do throws(SystemError) {
            _ = try SystemError.check("bind") { address.withSockaddr { bind(descriptor, $0, $1) } }
            _ = try SystemError.check("listen") { listen(descriptor, Int32(longestBacklog)) }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }
}
