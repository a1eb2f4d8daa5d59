import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelAssociationTests {
    private static let dns = Address(host: .ipv4(IPv4Address(0x0808_0808)), port: 53)
    private static func datagram(_ data: [UInt8]) -> Datagram { Datagram(address: dns, data: data) }

    /// What both ends of a pair have got, and what is left of the association.
    struct Outcome: Sendable {
        var atServer: [Datagram] = []
        var atClient: [Datagram] = []
        var ended: [Int] = []
        var clientIsClosed = false
    }

    @Test(arguments: [true, false])
    func `datagrams go both ways, whole, and the client closes the tunnel`(usesCipher: Bool) async throws {
        let sizes = [0, 1, 512, 4096, 65_507, DatagramSocket.maxSize]
        let outcome = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: usesCipher)
            let client = RecordingDatagramEnd()
            pair.client.request(Self.datagram([9]), time: 1_763_683_200, for: client)
            await worker.until { pair.serverOwner.associations.first?.delivered.count == 1 }
            let server = pair.serverOwner.associations[0]
            for size in sizes {
                let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                let before = client.delivered.count
                #expect(pair.client.send(Self.datagram(data)))
                #expect(pair.server.send(Self.datagram(data)))
                await worker.until { client.delivered.count > before && server.delivered.count > before + 1 }
            }
            await pair.close()
            return Outcome(
                atServer: server.delivered, atClient: client.delivered, ended: [client.endedCount, server.endedCount])
        }
        #expect(outcome.atServer.map(\.data.count) == [1] + sizes)
        #expect(outcome.atClient.map(\.data.count) == sizes)
        #expect(outcome.atServer.allSatisfy { $0.address == Self.dns })
        #expect(outcome.ended == [1, 1])
    }

    @Test(arguments: [true, false])
    func `datagrams of one event go out together behind it, in their order`(usesCipher: Bool) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: usesCipher)
            let client = RecordingDatagramEnd()
            pair.client.request(Self.datagram([9]), time: 1_763_683_200, for: client)
            await worker.until { pair.serverOwner.associations.count == 1 }
            let before = pair.server.stream.traffic.sent
            let sent = (0..<40).map { Loopback.pattern($0 * 7, seed: UInt64($0)) }
            for data in sent { #expect(pair.server.send(Self.datagram(data))) }
            #expect(pair.server.stream.traffic.sent == before)
            await worker.until { client.delivered.count == sent.count }
            #expect(client.delivered.map(\.data) == sent)
            await pair.close()
        }
    }

    /// They have had their part of the key stream: a reset before them could not be read.
    @Test(arguments: [true, false])
    func `what ends an association does not overtake its datagrams`(byClose: Bool) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let client = RecordingDatagramEnd()
            pair.client.request(Self.datagram([9]), time: 1_763_683_200, for: client)
            await worker.until { pair.serverOwner.associations.count == 1 }
            for byte in UInt8(1)...3 { #expect(pair.server.send(Self.datagram([byte]))) }
            if byClose { pair.server.close(CloseCode.goingAway) } else { pair.server.endAssociation() }
            #expect(!pair.server.send(Self.datagram([4])))
            await worker.until { client.endedCount == 1 }
            #expect(client.delivered.map(\.data) == [[1], [2], [3]])
            #expect(pair.clientOwner.refused.isEmpty)
            await pair.close()
        }
    }

    @Test func `the server ends what nobody uses, and a client's tunnel is not used again`() async throws {
        let outcome = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            let client = RecordingDatagramEnd()
            pair.client.request(Self.datagram([9]), time: 1_763_683_200, for: client)
            await worker.until { pair.serverOwner.associations.count == 1 }
            pair.server.endAssociation()
            await worker.until { pair.clientOwner.endedCount == 1 && pair.serverOwner.endedCount == 1 }
            #expect(!pair.client.send(Self.datagram([1])))
            await pair.close()
            return Outcome(
                ended: [client.endedCount, pair.serverOwner.associations[0].endedCount, pair.clientOwner.idleCount])
        }
        // Whoever ends it by a call is not told.
        #expect(outcome.ended == [1, 0, 0])
    }

    @Test(arguments: [true, false])
    func `a Python client's bare datagram opens an association only where that is allowed`(
        isAllowed: Bool
    ) async throws {
        let outcome = try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker, allowsBareDatagrams: isAllowed)
            await peer.send(peer.message(peer.sealer.seal(datagram: Self.datagram([1, 2]))))
            await peer.send(peer.message(peer.sealer.seal(datagram: Self.datagram([3]))))
            let delivered = peer.owner.associations.first?.delivered ?? []
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            return (delivered, peer.owner.refused)
        }
        #expect(outcome.0.map(\.data) == (isAllowed ? [[1, 2], [3]] : []))
        #expect(outcome.1 == (isAllowed ? [] : [.badAuthentication]))
    }

    @Test func `an expired request for datagrams is refused`() async throws {
        let refused = try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            peer.owner.refusal = .expired(seconds: 90)
            let request = AssociationRequest(time: 1, first: Self.datagram([1]))
            await peer.send(peer.message(peer.sealer.seal(association: request)))
            _ = try await peer.everything()
            return peer.owner.refused
        }
        #expect(refused == [.expired(seconds: 90)])
    }

    @Test func `data on an association closes the tunnel`() async throws {
        let heard = try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            let request = AssociationRequest(time: 1, first: Self.datagram([1]))
            await peer.send(peer.message(peer.sealer.seal(association: request)))
            await peer.send(peer.message(peer.data([1, 2, 3])))
            return try await peer.everything()
        }
        #expect(heard.all == [.close(CloseCode.badState)])
    }

    @Test func `when the network does not take them, datagrams are dropped and not kept`() async throws {
        let counts = try await WorkerThread.run { worker in
            let pair = try await TunnelPair(on: worker, usesCipher: true)
            Loopback.tighten(pair.client.stream)
            Loopback.tighten(pair.server.stream)
            let client = RecordingDatagramEnd()
            pair.client.request(Self.datagram([9]), time: 1_763_683_200, for: client)
            var sent = 0
            var most = 0
            // In one turn, so that the other end reads nothing.
            for _ in 0..<1000 {
                if pair.client.send(Self.datagram([UInt8](repeating: 7, count: 1200))) { sent += 1 }
                most = max(most, pair.client.stream.pendingCount)
            }
            await worker.until { pair.serverOwner.associations.first?.delivered.count == sent + 1 }
            await pair.close()
            return (sent, most)
        }
        #expect(counts.0 > 10 && counts.0 < 1000)
        #expect(counts.1 <= TunnelLimits.pendingDatagrams + 2048)
    }
}
