import CLinux
import Glibc

/// Asks the kernel for this host's UDP sockets at one port: sock_diag(7).
enum SocketDump {
    /// Enough for some ten thousand sockets at one port; more than that counts as not known.
    private static let mostReads = 128

    enum Outcome: Equatable {
        case found(user: UInt32)
        case absent
        /// The kernel does not say, or has too much to say.
        case unknown
    }

    /// A user with a socket at this port for whom `isMeant` holds. The kernel goes through all of its UDP sockets: some tens
    /// of microseconds.
    static func user(ofPort port: UInt16, _ family: Int32, where isMeant: (UInt32) -> Bool) -> Outcome {
        // What is not read of an answer goes with its socket.
        let descriptor = SocketQuery.open()
        guard descriptor >= 0 else { return .unknown }
        defer { Glibc.close(descriptor) }
        var query = SocketQuery(family, IPPROTO_UDP, flags: NLM_F_ROOT | NLM_F_MATCH, sequence: 1)
        query.request.id.idiag_sport = port.bigEndian
        guard query.send(by: descriptor) else { return .unknown }
        return withUnsafeTemporaryAllocation(byteCount: 1 << 15, alignment: 8) { buffer in
            for _ in 0..<mostReads {
                let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                guard count > 0 else { return .unknown }
                if let outcome = read(UnsafeRawBufferPointer(rebasing: buffer[..<count]), port, isMeant) { return outcome }
            }
            return .unknown
        }
    }

    /// - Returns: nil when more is to come.
    static func read(_ bytes: UnsafeRawBufferPointer, _ port: UInt16, _ isMeant: (UInt32) -> Bool) -> Outcome? {
        let head = MemoryLayout<nlmsghdr>.size
        var rest = bytes
        while rest.count >= head {
            let header = rest.loadUnaligned(as: nlmsghdr.self)
            guard let length = Int(exactly: header.nlmsg_len), length >= head, length <= rest.count else {
                return .unknown
            }
            switch Int(header.nlmsg_type) {
            case Int(NLMSG_DONE): return .absent
            case Int(SOCK_DIAG_BY_FAMILY):
                guard length >= head + MemoryLayout<inet_diag_msg>.size else { return .unknown }
                let socket = rest.loadUnaligned(fromByteOffset: head, as: inet_diag_msg.self)
                // One without an inode is closed, and its user means nothing.
                let isOpen = socket.idiag_inode != 0 && socket.id.idiag_sport == port.bigEndian
                if isOpen, isMeant(socket.idiag_uid) { return .found(user: socket.idiag_uid) }
            default: return .unknown
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[min((length + 3) & ~3, rest.count)...])
        }
        return nil
    }
}

/// A question about sockets, as sock_diag(7) takes it.
struct SocketQuery {
    private var header = nlmsghdr()
    var request = inet_diag_req_v2()

    /// Of sockets in any state.
    init(_ family: Int32, _ transport: Int, flags: Int32 = 0, sequence: UInt32) {
        header.nlmsg_len = UInt32(MemoryLayout<Self>.size)
        header.nlmsg_type = UInt16(SOCK_DIAG_BY_FAMILY)
        header.nlmsg_flags = UInt16(NLM_F_REQUEST | flags)
        header.nlmsg_seq = sequence
        request.sdiag_family = UInt8(family)
        request.sdiag_protocol = UInt8(transport)
        request.idiag_states = .max
        request.id.idiag_cookie = (.max, .max)
    }

    /// Opens the socket that such questions are sent by.
    ///
    /// - Returns: its descriptor; negative on a failure, with `errno`.
    static func open() -> Int32 {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        return socket(AF_NETLINK, type, NETLINK_SOCK_DIAG)
    }

    /// - Returns: whether the kernel took it.
    func send(by descriptor: Int32) -> Bool {
        withUnsafeBytes(of: self) { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) == $0.count }
    }
}
