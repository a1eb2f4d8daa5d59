import Testing

@testable import WstanCore

/// Requests on which a store elsewhere has the word.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AdmissionTests {
    /// It answers when the test says so, and nothing makes it answer sooner. Confined to its worker.
    private final class Store: @unchecked Sendable {
        private let worker: Worker
        private var answer: WireError??

        init(on worker: Worker) {
            self.worker = worker
        }

        func decide(_ refusal: WireError?) { answer = .some(refusal) }

        func verdict() async -> WireError? {
            while true {
                if let answer { return answer }
                await worker.yield()
            }
        }
    }

    private static func stage(on worker: Worker) async throws -> (peer: RawPeer, store: Store) {
        let peer = try await RawPeer(to: .server, on: worker)
        let store = Store(on: worker)
        peer.owner.verdict = { await store.verdict() }
        return (peer, store)
    }

    private static func datagram(_ byte: UInt8) -> Datagram { Datagram(address: TunnelPair.target, data: [byte]) }

    @Test(arguments: [false, true])
    func `what follows a request waits while it is judged, and the tunnel goes on`(dripped: Bool) async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(
                peer.message(peer.request([1, 2])) + peer.message(peer.data([3, 4])) + peer.frame(.ping, [9]),
                dripped: dripped)
            #expect(try await peer.frames(1).all == [.pong([9])])
            #expect(peer.owner.served.isEmpty)
            store.decide(nil)
            await worker.until { peer.owner.served.count == 1 }
            #expect(peer.owner.served[0].connection.held == [1, 2, 3, 4])
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().all == [.close(CloseCode.normal)])
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a request that is refused late ends the tunnel as one that is refused at once`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(peer.message(peer.request([1])) + peer.message(peer.data([2])))
            #expect(peer.owner.refused.isEmpty)
            store.decide(.replayed)
            #expect(try await peer.everything().all == [.close(CloseCode.badMessage)])
            #expect(peer.owner.refused == [.replayed])
            #expect(peer.owner.served.isEmpty)
            #expect(worker.budget.held == 0)
        }
    }

    /// Else one could send requests again and hide each behind a reset.
    @Test func `a reset does not save from the verdict`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(
                peer.message(peer.request()) + peer.message(peer.sealer.seal(reset: .normal, padding: 41)))
            #expect(peer.tunnel.isIdle)
            store.decide(.replayed)
            #expect(try await peer.everything().all.last == .close(CloseCode.badMessage))
            #expect(peer.owner.refused == [.replayed])
        }
    }

    /// A store that is asked over a network stops when its task is cancelled.
    @Test func `a reset does not cancel what asks for the verdict`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            let verdict = Wait<WireError?>(worker: worker)
            peer.owner.verdict = { await verdict.value(onTimeout: nil, onCancel: nil) }
            await peer.send(
                peer.message(peer.request()) + peer.message(peer.sealer.seal(reset: .normal, padding: 41)))
            await worker.settle()
            #expect(verdict.fulfill(.replayed))
            await worker.settle()
            #expect(peer.owner.refused == [.replayed])
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
        }
    }

    @Test func `one who has reset is not served when the verdict is good`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(
                peer.message(peer.request()) + peer.message(peer.sealer.seal(reset: .normal, padding: 41)))
            store.decide(nil)
            await worker.settle()
            #expect(peer.owner.served.isEmpty)
            #expect(peer.tunnel.isIdle)
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            #expect(peer.owner.refused.isEmpty)
        }
    }

    @Test func `a few datagrams wait while the request for their association is judged`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            let request = AssociationRequest(time: 1, first: Self.datagram(0))
            await peer.send(peer.message(peer.sealer.seal(association: request)))
            for byte: UInt8 in 1...200 {
                await peer.send(peer.message(peer.sealer.seal(datagram: Self.datagram(byte))))
            }
            #expect(peer.owner.associations.isEmpty)
            #expect(worker.budget.held == TunnelLimits.heldDatagrams)
            store.decide(nil)
            await worker.until { !peer.owner.associations.isEmpty }
            let end = peer.owner.associations[0]
            #expect(end.delivered.map(\.data) == (0..<64).map { [UInt8($0)] })
            #expect(worker.budget.held == 0)
            await peer.send(peer.message(peer.sealer.seal(datagram: Self.datagram(201))))
            #expect(end.delivered.last?.data == [201])
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            #expect(end.endedCount == 1)
        }
    }

    @Test func `an association that is refused late ends the tunnel`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            let request = AssociationRequest(time: 1, first: Self.datagram(0))
            await peer.send(peer.message(peer.sealer.seal(association: request)))
            store.decide(.expired(seconds: 90))
            #expect(try await peer.everything().all == [.close(CloseCode.badMessage)])
            #expect(peer.owner.refused == [.expired(seconds: 90)])
            #expect(peer.owner.associations.isEmpty)
            #expect(worker.budget.held == 0)
        }
    }

    /// Verdicts would pile up behind one who asks, resets and reads.
    @Test func `one verdict at a time is waited for`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(
                peer.message(peer.request()) + peer.message(peer.sealer.seal(reset: .normal, padding: 41))
                    + peer.message(peer.request()))
            #expect(peer.owner.served.isEmpty)
            store.decide(.replayed)
            #expect(try await peer.everything().all.last == .close(CloseCode.badState))
            #expect(peer.owner.refused == [.replayed])
        }
    }

    @Test func `a tunnel that is being closed serves nothing that is admitted late`() async throws {
        try await WorkerThread.run { worker in
            let (peer, store) = try await Self.stage(on: worker)
            await peer.send(peer.message(peer.request([1])))
            peer.tunnel.close(CloseCode.goingAway)
            store.decide(nil)
            await worker.settle()
            #expect(peer.owner.served.isEmpty)
            _ = try await peer.everything()
        }
    }
}
