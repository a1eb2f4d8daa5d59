import CLinux
import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

/// A FIN says that nothing more comes; whether anybody still listens, only the kernel of the same host knows.
@Suite(.timeLimit(.minutes(1))) struct SocketOwnerTests {
    private static func isOpen(_ owner: SocketOwner, peerOf far: WstanCore.Stream, _ peer: SocketAddress) throws
        -> Bool?
    {
        owner.isOpen(peer: peer, local: try #require(far.localAddress))
    }

    @Test(arguments: [Loopback.ipv4, Loopback.ipv6])
    func `a peer that is open, half-closed and closed`(address: SocketAddress) async throws {
        guard address == Loopback.ipv4 || Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let owner = SocketOwner()
            let (near, far) = try await Loopback.pair(on: worker, address)
            let peer = try #require(far.remoteAddress)
            #expect(try Self.isOpen(owner, peerOf: far, peer) == true)
            near.finish()
            #expect(await far.readAll().ending == .end)
            #expect(try Self.isOpen(owner, peerOf: far, peer) == true)
            near.close()
            #expect(try Self.isOpen(owner, peerOf: far, peer) == false)
        }
    }

    @Test(arguments: [Loopback.ipv4, Loopback.ipv6])
    func `a peer that closed at once, and one that is long gone`(address: SocketAddress) async throws {
        guard address == Loopback.ipv4 || Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let owner = SocketOwner()
            let (near, far) = try await Loopback.pair(on: worker, address)
            let peer = try #require(far.remoteAddress)
            near.close()
            #expect(await far.readAll().ending == .end)
            #expect(try Self.isOpen(owner, peerOf: far, peer) == false)
            far.abort()
            let other = try await Loopback.pair(on: worker, address)
            // No such connection: the other end has another port.
            #expect(owner.isOpen(peer: peer, local: try #require(other.far.localAddress)) == false)
        }
    }

    @Test(arguments: [Loopback.ipv4, Loopback.ipv6])
    func `an open socket's user is told, a closed one's is not`(address: SocketAddress) async throws {
        guard address == Loopback.ipv4 || Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let owner = SocketOwner()
            let (near, far) = try await Loopback.pair(on: worker, address)
            let (peer, local) = (try #require(far.remoteAddress), try #require(far.localAddress))
            #expect(owner.find(peer: peer, local: local) == .open(user: geteuid()))
            near.finish()
            #expect(owner.find(peer: peer, local: local) == .open(user: geteuid()))
            near.close()
            #expect(owner.find(peer: peer, local: local) == .closed)
        }
    }

    @Test func `of a peer on another host nothing is known`() {
        let peer = SocketAddress.ipv4(IPv4Address(0xc000_0201), port: 1)
        #expect(SocketOwner().isOpen(peer: peer, local: Loopback.ipv4) == nil)
    }

    @Test(arguments: [Loopback.ipv4, Loopback.ipv6])
    func `a datagram's sender is told as long as its socket is open`(address: SocketAddress) async throws {
        guard address == Loopback.ipv4 || Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let owner = SocketOwner()
            try #require(owner.seesDatagramSockets)
            let receiver = try DatagramSocket(address, on: worker) { _, _ in }
            let sender = try DatagramSocket(address, on: worker) { _, _ in }
            #expect(owner.find(sender: sender.address, local: receiver.address) == .open(user: geteuid()))
            #expect(receiver.owner(of: sender.address) == .open(user: geteuid()))
            // Connected elsewhere it would not hear an answer from here.
            let elsewhere = receiver.address.withPort(9)
            #expect(elsewhere.withSockaddr { connect(sender.descriptor, $0, $1) } == 0)
            #expect(receiver.owner(of: sender.address) == .closed)
            #expect(receiver.address.withSockaddr { connect(sender.descriptor, $0, $1) } == 0)
            #expect(receiver.owner(of: sender.address) == .open(user: geteuid()))
            sender.close()
            #expect(receiver.owner(of: sender.address) == .closed)
            receiver.close()
        }
    }

    @Test func `where any address is listened on, the sender is told too, but not of another host`() async throws {
        try await WorkerThread.run { worker in
            let receiver = try DatagramSocket(.ipv4(IPv4Address(0), port: 0), on: worker) { _, _ in }
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            #expect(receiver.owner(of: sender.address) == .open(user: geteuid()))
            let remote = SocketAddress.ipv4(IPv4Address(0xc000_0201), port: 1)
            #expect(receiver.owner(of: remote) == .unknown)
            receiver.close()
            sender.close()
        }
    }

    // MARK: Ports that several sockets have

    /// Another user's socket is stood in for by one of this process: it is the one at another address.
    @Test(arguments: [false, true])
    func `every socket of the sender's port is asked about, whatever its address and family`(isIPv6: Bool) async throws {
        guard !isIPv6 || Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let receiver = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            let port = sender.address.port
            var asked = 0
            func count(_: UInt32) -> Bool {
                asked += 1
                return true
            }
            #expect(receiver.owner(of: sender.address, count) == .open(user: geteuid()))
            let alone = asked
            let elsewhere: SocketAddress =
                isIPv6
                ? .ipv6(IPv6Address(high: 0, low: 1), port: port, scope: 0) : .ipv4(IPv4Address(0x7f00_0002), port: port)
            let other = try DatagramSocket(elsewhere, on: worker) { _, _ in }
            asked = 0
            #expect(receiver.owner(of: sender.address, count) == .open(user: geteuid()))
            #expect(asked == alone + 1)
            other.close()
            receiver.close()
            sender.close()
        }
    }

    @Test func `one user at a port who is not right is enough`() {
        let strange = Self.message(user: 7, port: 53)
        let dump = Self.message(user: 5, port: 53) + strange + Self.end
        func read(_ bytes: [UInt8], _ isMeant: (UInt32) -> Bool = { $0 == 7 }) -> SocketDump.Outcome? {
            bytes.withUnsafeBytes { SocketDump.read($0, 53, isMeant) }
        }
        #expect(read(dump) == .found(user: 7))
        #expect(read(dump, { $0 == 8 }) == .absent)
        #expect(read(strange, { $0 == 8 }) == nil && read([]) == nil)
        #expect(read(Self.message(user: 7, port: 54) + Self.end) == .absent)
        #expect(read(Self.message(user: 7, port: 53, inode: 0) + Self.end) == .absent)
        for length in MemoryLayout<nlmsghdr>.size..<strange.count { #expect(read(Array(strange[..<length])) == .unknown) }
        #expect(read(Self.message(type: UInt16(NLMSG_ERROR), user: 0, port: 0)) == .unknown)
    }

    private static func message(
        type: UInt16 = UInt16(SOCK_DIAG_BY_FAMILY), user: UInt32, port: UInt16, inode: UInt32 = 9
    ) -> [UInt8] {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + MemoryLayout<inet_diag_msg>.size)
        header.nlmsg_type = type
        var socket = inet_diag_msg()
        (socket.idiag_uid, socket.idiag_inode) = (user, inode)
        socket.id.idiag_sport = port.bigEndian
        return withUnsafeBytes(of: header, Array.init) + withUnsafeBytes(of: socket, Array.init)
    }

    private static var end: [UInt8] {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size)
        header.nlmsg_type = UInt16(NLMSG_DONE)
        return withUnsafeBytes(of: header, Array.init)
    }
}
