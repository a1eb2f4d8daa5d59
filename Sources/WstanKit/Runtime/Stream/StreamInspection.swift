import CLinux
import Glibc
import WstanBase

/// What the kernel knows of a connection.
extension Stream {
    package convenience init(_ arrival: Acceptor.Arrival) throws(SystemError) {
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

    /// A peer on a Unix socket is on this host, and cannot vanish without a sign.
    func watchForVanishedPeer() {
        guard !isUnix else { return }
        SocketOption.watchForVanishedPeer(descriptor)
    }

    /// Nil for a Unix socket, and once it is of no use.
    package var localAddress: SocketAddress? { SocketAddress.read { getsockname(descriptor, $0, &$1) }.1 }
    var remoteAddress: SocketAddress? { SocketAddress.read { getpeername(descriptor, $0, &$1) }.1 }

    private var tcpInfo: tcp_info? {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        return getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 ? info : nil
    }

    /// How long a segment and its acknowledgement take, by what TCP has measured.
    package var roundTrip: Duration {
        tcpInfo.map { .microseconds(Int64($0.tcpi_rtt)) } ?? .zero
    }

    /// At most how long it is until TCP sends again what was not acknowledged; zero when everything was. The time doubles with
    /// each try in vain, up to two minutes.
    var retransmissionDelay: Duration {
        guard let info = tcpInfo, info.tcpi_unacked > 0 else { return .zero }
        let interval = Duration.microseconds(Int64(info.tcpi_rto))
        let passed = Duration.milliseconds(Int64(info.tcpi_last_data_sent))
        // A try without a route is not counted as sending.
        return passed < interval ? interval - passed : interval
    }

    /// Whether a sign of the peer's kernel has come since `time`. Without a route nothing is sent, and what was not sent does
    /// not count as unacknowledged for `peerIsAlive`; here it does.
    func hasHeardPeer(since time: Instant) -> Bool {
        guard let info = tcpInfo, Int(info.tcpi_state) != TCP_CLOSE else { return false }
        return Duration.milliseconds(Int64(info.tcpi_last_ack_recv)) < worker.now - time
    }

    /// Whether the peer's kernel has answered since `time`, by what TCP knows. Something must have been sent at that
    /// time.
    func peerIsAlive(since time: Instant) -> Bool {
        // Within a host there is no silence: the socket of a dead process is closed.
        if isUnix { return !isGone && !peerHasClosed }
        guard let info = tcpInfo, Int(info.tcpi_state) != TCP_CLOSE else { return false }
        if Duration.milliseconds(Int64(info.tcpi_last_ack_recv)) < worker.now - time { return true }
        // A peer that has stopped reading is probed at growing intervals; the count is of probes without an answer.
        return info.tcpi_unacked == 0 && info.tcpi_probes <= 2
    }
}
