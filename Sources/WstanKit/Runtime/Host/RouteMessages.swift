import CLinux
import WstanBase

/// Reads what the kernel tells of addresses, routes and rules: rtnetlink(7). Its messages come from the kernel alone,
/// and nothing in them is believed to fit all the same.
enum RouteMessages {
    /// Adds what the messages of one datagram say.
    static func read(_ bytes: UnsafeRawBufferPointer, into change: inout NetworkChange) {
        var rest = bytes
        while rest.count >= MemoryLayout<nlmsghdr>.size {
            let header = rest.loadUnaligned(as: nlmsghdr.self)
            guard let length = Int(exactly: header.nlmsg_len), length >= MemoryLayout<nlmsghdr>.size,
                length <= rest.count
            else {
                change.mayBeAnything = true
                return
            }
            let body = UnsafeRawBufferPointer(rebasing: rest[MemoryLayout<nlmsghdr>.size..<length])
            read(Int(header.nlmsg_type), body, into: &change)
            rest = UnsafeRawBufferPointer(rebasing: rest[min(aligned(length), rest.count)...])
        }
    }

    private static func read(_ type: Int, _ body: UnsafeRawBufferPointer, into change: inout NetworkChange) {
        switch type {
        case Int(RTM_NEWADDR), Int(RTM_DELADDR): readAddress(body, into: &change)
        case Int(RTM_NEWROUTE), Int(RTM_DELROUTE): readRoute(body, into: &change)
        case Int(RTM_NEWRULE), Int(RTM_DELRULE): change.hasMore = true
        case Int(NLMSG_OVERRUN): change.mayBeAnything = true
        default: break
        }
    }

    private static func readAddress(_ body: UnsafeRawBufferPointer, into change: inout NetworkChange) {
        guard body.count >= MemoryLayout<ifaddrmsg>.size else {
            change.mayBeAnything = true
            return
        }
        let family = Int32(body.loadUnaligned(as: ifaddrmsg.self).ifa_family)
        // Where both are there, IFA_ADDRESS is the other end of the link.
        var address: SocketAddress?
        readAttributes(body, behind: MemoryLayout<ifaddrmsg>.size) { type, value in
            switch type {
            case Int(IFA_LOCAL): address = Self.address(value, family) ?? address
            case Int(IFA_ADDRESS): address = address ?? Self.address(value, family)
            default: break
            }
        }
        if let address { change.insert(address) } else { change.mayBeAnything = true }
    }

    private static func readRoute(_ body: UnsafeRawBufferPointer, into change: inout NetworkChange) {
        guard body.count >= MemoryLayout<rtmsg>.size else {
            change.mayBeAnything = true
            return
        }
        let route = body.loadUnaligned(as: rtmsg.self)
        // What is no route of anybody's making: a host's own cache, and the table of its own addresses.
        guard route.rtm_flags & UInt32(RTM_F_CLONED) == 0, route.rtm_table != UInt8(RT_TABLE_LOCAL.rawValue) else {
            return
        }
        // Some cover the world with two halves, so as not to touch the default route.
        let isMain = route.rtm_table == UInt8(RT_TABLE_MAIN.rawValue)
        if isMain, route.rtm_dst_len <= 1 { change.touchesDefaultRoute = true } else { change.hasMore = true }
    }

    /// A message's attributes, each with its length, which are told one by one until one does not fit.
    private static func readAttributes(
        _ body: UnsafeRawBufferPointer, behind head: Int, _ tell: (Int, UnsafeRawBufferPointer) -> Void
    ) {
        var offset = aligned(head)
        let size = MemoryLayout<rtattr>.size
        while offset <= body.count - size {
            let attribute = body.loadUnaligned(fromByteOffset: offset, as: rtattr.self)
            let length = Int(attribute.rta_len)
            guard length >= size, length <= body.count - offset else { return }
            tell(Int(attribute.rta_type), UnsafeRawBufferPointer(rebasing: body[(offset + size)..<(offset + length)]))
            offset += aligned(length)
        }
    }

    private static func address(_ bytes: UnsafeRawBufferPointer, _ family: Int32) -> SocketAddress? {
        switch (family, bytes.count) {
        case (Int32(AF_INET), 4):
            return .ipv4(IPv4Address(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))), port: 0)
        case (Int32(AF_INET6), 16):
            let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            return .ipv6(IPv6Address(high: high, low: low), port: 0, scope: 0)
        default:
            return nil
        }
    }

    /// Everything begins at a multiple of four.
    private static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}
