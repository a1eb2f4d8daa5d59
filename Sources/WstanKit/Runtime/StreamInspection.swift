import CLinux
import Glibc

/// What the kernel knows of a connection.
extension Stream {
    convenience init(_ arrival: Acceptor.Arrival) throws(SystemError) {
        try self.init(descriptor: arrival.descriptor, worker: arrival.worker, isUnix: arrival.peer.isLocal)
    }

    /// Whether the process at the other end still has its socket open; nil when that cannot be known: it is on another
    /// host.
    var hasOwner: Bool? {
        if isUnix { return !isClosed && !peerHasClosed }
        guard let peer = remoteAddress, let local = localAddress else { return false }
        return worker.socketOwner.isOpen(peer: peer, local: local)
    }

    /// Whether a peer on this host has closed its socket. Its FIN may be stuck behind bytes that nobody reads.
    var ownerHasLeft: Bool { hasOwner == false }

    /// Whether a peer on this host has its socket open, and whose it is.
    var peerOwner: SocketOwner.Finding {
        if isUnix { return LocalProcess(atOtherEndOf: descriptor).map { .open(user: $0.uid) } ?? .unknown }
        guard let peer = remoteAddress, let local = localAddress else { return .unknown }
        return worker.socketOwner.find(peer: peer, local: local)
    }

    /// Bytes that were sent, or are about to be, and that the peer's kernel has not acknowledged (tcp(7), SIOCOUTQ).
    var unacknowledgedCount: Int {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
    }

    /// Within this host nobody vanishes.
    func watchForVanishedPeer() {
        guard !isUnix else { return }
        SocketOption.watchForVanishedPeer(descriptor)
    }

    /// Nil for a Unix socket, and once it is of no use.
    var localAddress: SocketAddress? { SocketAddress.read { getsockname(descriptor, $0, &$1) }.1 }
    var remoteAddress: SocketAddress? { SocketAddress.read { getpeername(descriptor, $0, &$1) }.1 }

    /// How long a segment and its acknowledgement take, by what TCP has measured; nothing for a Unix socket.
    var roundTrip: Duration {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return .zero }
        return .microseconds(Int64(info.tcpi_rtt))
    }

    /// Whether the peer's kernel has answered since `time`, by what TCP knows. Something must have been sent at that
    /// time.
    func peerIsAlive(since time: Instant) -> Bool {
        // Within a host there is no silence: who is dead is closed.
        if isUnix { return !isGone && !peerHasClosed }
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return false }
        guard Int(info.tcpi_state) != TCP_CLOSE else { return false }
        if Duration.milliseconds(Int64(info.tcpi_last_ack_recv)) < worker.now - time { return true }
        // A peer that has stopped reading is probed at growing intervals; the count is of probes without an answer.
        return info.tcpi_unacked == 0 && info.tcpi_probes <= 2
    }
}
