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
}
