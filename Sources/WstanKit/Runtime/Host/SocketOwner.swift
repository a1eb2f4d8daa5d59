import CLinux
import Glibc
import WstanBase

/// Tells whether the local process at the other end of a connection still has its socket open, and whose it is; and whose
/// a local socket is that a datagram came from.
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

    private let descriptor = SocketQuery.open()
    private var sequence: UInt32 = 0
    private lazy var own = HostAddresses()

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
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
        guard isHere(peer, beside: local) else { return .unknown }
        return ask(IPPROTO_TCP, source: peer, destination: local)
    }

    /// Whether the kernel tells of UDP sockets: without its module udp_diag it knows none, not even ours.
    private(set) lazy var seesDatagramSockets: Bool = {
        let own = try? SystemError.check("socket") {
            socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        guard let own else { return false }
        defer { Glibc.close(own) }
        let loopback = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 0)
        guard loopback.withSockaddr({ bind(own, $0, $1) }) == 0,
            let address = SocketAddress.read({ getsockname(own, $0, &$1) }).1
        else { return false }
        if case .open = find(sender: address, local: address) { return true }
        return false
    }()

    /// The socket that an answer to a datagram would reach.
    ///
    /// - Parameters:
    ///   - sender: where the datagram came from.
    ///   - local: where the answer would come from; never a wildcard.
    func find(sender: SocketAddress, local: SocketAddress) -> Finding {
        guard isHere(sender, beside: local) else { return .unknown }
        // Of UDP the kernel takes both ends the other way round, "for historical reasons" (udp_dump_one).
        return ask(IPPROTO_UDP, source: local.unmapped, destination: sender.unmapped)
    }

    /// Whether an address is one of this host's: this one, loopback or that of any interface.
    private func isHere(_ address: SocketAddress, beside local: SocketAddress) -> Bool {
        address.isLoopback || address.hasSameHost(as: local)
            || own.contains(Address(address).host.unmapped, now: .now())
    }

    /// The same of a datagram that any socket of its port may have sent. Several users can have the same port: with
    /// SO_REUSEADDR, or at several addresses; and each of them can have sent it, whatever address it came from (ip(7),
    /// IP_PKTINFO).
    ///
    /// - Parameter isRight: asked about the users of all these sockets.
    /// - Returns: `open` with a user of whom it does not hold, where there is one.
    func find(sender: SocketAddress, local: SocketAddress, _ isRight: (UInt32) -> Bool) -> Finding {
        // The look-up of one socket is cheap, and enough for most of those who are refused.
        let heard = find(sender: sender, local: local)
        guard case .open(let user) = heard, isRight(user) else { return heard }
        for family in sender.unmapped.family == AF_INET ? [AF_INET, AF_INET6] : [AF_INET6] {
            switch SocketDump.user(ofPort: sender.port, family, where: { !isRight($0) }) {
            case .found(let user): return .open(user: user)
            case .unknown: return .unknown
            case .absent: continue
            }
        }
        return heard
    }

    private func ask(_ transport: Int, source: SocketAddress, destination: SocketAddress) -> Finding {
        guard descriptor >= 0 else { return .unknown }
        sequence &+= 1
        var query = SocketQuery(source.family, transport, sequence: sequence)
        query.request.id.idiag_sport = source.port.bigEndian
        query.request.id.idiag_dport = destination.port.bigEndian
        Self.store(source, in: &query.request.id.idiag_src)
        Self.store(destination, in: &query.request.id.idiag_dst)
        return query.send(by: descriptor) ? readAnswer() : .unknown
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
