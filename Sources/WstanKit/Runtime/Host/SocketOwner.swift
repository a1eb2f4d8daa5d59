import CLinux
import Glibc

/// Tells whether the local process at the other end of a connection still has its socket open, and whose it is.
///
/// `close` and `shutdown` look the same on the wire, both are a FIN. For a connection within this host one exact
/// look-up by sock_diag(7) tells them apart: a socket that nobody has open has no inode, or is gone. Confined to its
/// worker.
final class SocketOwner {
    enum Finding: Equatable {
        /// Open, and made by this user.
        case open(user: UInt32)
        case closed
        /// It cannot be known: the peer is on another host, or the kernel does not say.
        case unknown
    }

    private let descriptor: Int32
    private var sequence: UInt32 = 0

    init() {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_NETLINK, type, NETLINK_SOCK_DIAG)
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    private struct Query {
        var header = nlmsghdr()
        var request = inet_diag_req_v2()
    }

    /// - Returns: nil when it cannot be known.
    func isOpen(peer: SocketAddress, local: SocketAddress) -> Bool? {
        switch find(peer: peer, local: local) {
        case .open: true
        case .closed: false
        case .unknown: nil
        }
    }

    /// - Parameters:
    ///   - peer: the peer's address, as `getpeername` gives it here: its socket's own address.
    ///   - local: ours, which is the other end of its socket.
    func find(peer: SocketAddress, local: SocketAddress) -> Finding {
        guard descriptor >= 0, peer.isLoopback || peer.hasSameHost(as: local) else { return .unknown }
        var query = Query()
        let size = MemoryLayout<Query>.size
        query.header.nlmsg_len = UInt32(size)
        query.header.nlmsg_type = UInt16(SOCK_DIAG_BY_FAMILY)
        query.header.nlmsg_flags = UInt16(NLM_F_REQUEST)
        sequence &+= 1
        query.header.nlmsg_seq = sequence
        query.request.sdiag_family = UInt8(peer.family)
        query.request.sdiag_protocol = UInt8(IPPROTO_TCP)
        query.request.idiag_states = .max
        query.request.id.idiag_sport = peer.port.bigEndian
        query.request.id.idiag_dport = local.port.bigEndian
        query.request.id.idiag_cookie = (.max, .max)
        Self.store(peer, in: &query.request.id.idiag_src)
        Self.store(local, in: &query.request.id.idiag_dst)
        guard withUnsafeBytes(of: &query, { send(descriptor, $0.baseAddress, size, 0) }) == size else {
            return .unknown
        }
        return readAnswer()
    }

    private func readAnswer() -> Finding {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        let head = MemoryLayout<nlmsghdr>.size
        guard count >= head else { return .unknown }
        return buffer.withUnsafeBytes { bytes in
            let header = bytes.loadUnaligned(as: nlmsghdr.self)
            guard header.nlmsg_seq == sequence else { return .unknown }
            if header.nlmsg_type == UInt16(NLMSG_ERROR) {
                guard count >= head + 4 else { return .unknown }
                return bytes.loadUnaligned(fromByteOffset: head, as: Int32.self) == -ENOENT ? .closed : .unknown
            }
            guard count >= head + MemoryLayout<inet_diag_msg>.size else { return .unknown }
            let found = bytes.loadUnaligned(fromByteOffset: head, as: inet_diag_msg.self)
            // Of a socket without an inode the user means nothing: the kernel may say 0, which is root.
            return found.idiag_inode == 0 ? .closed : .open(user: found.idiag_uid)
        }
    }

    private static func store(_ address: SocketAddress, in words: inout (UInt32, UInt32, UInt32, UInt32)) {
        switch address {
        case .ipv4(let address, _):
            words.0 = address.value.bigEndian
        case .ipv6(let address, _, _):
            words.0 = UInt32(truncatingIfNeeded: address.high >> 32).bigEndian
            words.1 = UInt32(truncatingIfNeeded: address.high).bigEndian
            words.2 = UInt32(truncatingIfNeeded: address.low >> 32).bigEndian
            words.3 = UInt32(truncatingIfNeeded: address.low).bigEndian
        }
    }
}
