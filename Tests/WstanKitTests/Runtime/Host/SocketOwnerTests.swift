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
}
