import CLinux
import Glibc

/// A bound, unconnected UDP socket. Nothing waits: what the kernel does not take at once is dropped.
package final class DatagramSocket: Pollable, @unchecked Sendable {
    /// The longest datagram there is.
    static let maxSize = 65_527
    /// The kernel gives less where its own limit is lower; a datagram of the greatest size fits into any.
    private static let bufferSize: Int32 = 1 << 20
    /// Datagrams taken before the other sockets of the worker have their turn.
    private static let turn = 64

    package let address: SocketAddress
    /// Called for each datagram, on the worker, which the bytes belong to.
    private let received: (UnsafeRawBufferPointer, SocketAddress) -> Void
    /// Whether another turn is due already. Each datagram of a flood is an event: if each of these began turns of its own,
    /// they would become more with every round of the worker, until nothing else is served.
    private var isTurnDue = false

    /// - Parameters:
    ///   - address: port 0 lets the kernel choose.
    ///   - sharing: with another socket of this process at the same port, which is about to be closed (`sharesPort`).
    init(
        _ address: SocketAddress, sharing: Bool = false, on worker: Worker,
        received: @escaping (UnsafeRawBufferPointer, SocketAddress) -> Void
    ) throws(SystemError) {
        let descriptor = try Self.open(address, sharing)
        self.address = SocketAddress.read { getsockname(descriptor, $0, &$1) }.1 ?? address
        self.received = received
        try super.init(descriptor: descriptor, worker: worker)
    }

    /// Takes one over that is bound already; its buffers stay as they are.
    ///
    /// - Parameter address: its own.
    init(
        passed socket: PassedSocket, at address: SocketAddress, on worker: Worker,
        received: @escaping (UnsafeRawBufferPointer, SocketAddress) -> Void
    ) throws(SystemError) {
        self.address = address
        self.received = received
        try socket.prepare()
        try super.init(descriptor: socket.descriptor, worker: worker)
        isShared = true
    }

    private static func open(_ address: SocketAddress, _ sharing: Bool) throws(SystemError) -> Int32 {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try SystemError.check("socket") { socket(address.family, type, 0) }
        if address.family == AF_INET6 { SocketOption.ipv6Only.set(1, on: descriptor) }
        if sharing { SocketOption.reusePort.set(1, on: descriptor) }
        SocketOption.sendBuffer.set(bufferSize, on: descriptor)
        SocketOption.receiveBuffer.set(bufferSize, on: descriptor)
        do throws(SystemError) {
            _ = try SystemError.check("bind") { address.withSockaddr { bind(descriptor, $0, $1) } }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// - Returns: false when the kernel did not take it: no room, no route, too long, not allowed.
    func send(_ bytes: UnsafeRawBufferPointer, to peer: SocketAddress) -> Bool {
        worker.assertIsCurrent()
        guard !isClosed else { return false }
        while true {
            let count = peer.withSockaddr {
                sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, $1)
            }
            if count >= 0 { return true }
            guard errno == EINTR else { return false }
        }
    }

    /// Whether the socket that a datagram came from is open on this host, and whose it is. Two system calls, and five more
    /// where this one is bound to a wildcard; ten more where `isRight` holds.
    ///
    /// - Parameter isRight: see `SocketOwner.find`.
    func owner(of sender: SocketAddress, _ isRight: (UInt32) -> Bool = { _ in true }) -> SocketOwner.Finding {
        // A connected socket hears only the address that it is connected to, which is the one that an answer comes from.
        let local = address.isWildcard ? LocalRoute.source(toward: sender)?.withPort(address.port) : address
        return local.map { worker.socketOwner.find(sender: sender, local: $0, isRight) } ?? .unknown
    }

    override func handle(_ readiness: Readiness) {
        if !isTurnDue { receiveSome() }
    }

    /// Up to the end, in slices that leave room for others.
    private func receiveSome() {
        let batch = worker.datagrams
        var left = Self.turn
        while left > 0 {
            guard !isClosed else { return }
            let count = batch.receive(from: descriptor)
            if count < 0 {
                if errno == EAGAIN { return }
                // An error that an earlier datagram has met; the next ones are not its fault.
                left -= 1
                continue
            }
            for index in 0..<count {
                guard !isClosed else { return }
                if let (bytes, sender) = batch[index] { received(bytes, sender) }
            }
            // The next one that comes is an event of its own.
            if count < DatagramBatch.capacity { return }
            left -= count
        }
        isTurnDue = true
        worker.execute { [self] in
            isTurnDue = false
            receiveSome()
        }
    }
}
