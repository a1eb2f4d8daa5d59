import Testing

@testable import WstanBase
@testable import WstanCore

/// What a peer that holds the keys may not say on a tunnel of version 2, and what it is answered.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelV2RefusalTests {
    struct Offence: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let role: WebSocketRole
        let violation: Violation
        let commit: @Sendable (RawPeerV2) async -> Void

        init(
            _ name: String, to role: WebSocketRole, _ violation: Violation,
            _ commit: @escaping @Sendable (RawPeerV2) async -> Void
        ) {
            testDescription = "\(name), to a \(role)"
            self.role = role
            self.violation = violation
            self.commit = commit
        }
    }

    private static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    private static let offences: [Offence] = [
        Offence("a record that was altered", to: .server, .notAuthentic) { peer in
            var record = peer.sealer.seal(.nop)
            record[0] ^= 1
            peer.stream.write(peer.frame(record))
        },
        Offence("a record twice", to: .server, .notAuthentic) { peer in
            let frame = peer.frame(peer.sealer.seal(.nop))
            peer.stream.write(frame + frame)
        },
        Offence("a record that was left out", to: .client, .notAuthentic) { peer in
            _ = peer.sealer.seal(.nop)
            await peer.say(.nop)
        },
        Offence("text", to: .server, .textMessage) { peer in
            peer.stream.write(peer.frame(peer.sealer.seal(.nop), .text))
        },
        Offence("a reserved bit", to: .server, .frame) { peer in
            var frame = peer.frame(peer.sealer.seal(.nop))
            frame[0] |= 0x40
            peer.stream.write(frame)
        },
        Offence("a record that is too short", to: .server, .recordLength) { $0.stream.write($0.frame([1, 2, 3])) },
        Offence("data of nothing", to: .server, .noConnection) { await $0.say(.data(empty)) },
        Offence("data before the server's OK", to: .client, .beforeOK) { peer in
            let connection = Connection(worker: peer.worker, end: nil)
            peer.tunnel.request(Request(time: 0, target: TunnelPair.target, data: []), for: connection)
            await peer.say(.data(empty))
        },
        Offence("OK of a client", to: .server, .okOutOfTurn) { await $0.say(RawPeerV2.connect(), .ok(RequestBody())) },
        Offence("a request within a connection", to: .server, .notIdle) { peer in
            await peer.say(RawPeerV2.connect(), RawPeerV2.connect())
        },
        Offence("a request to a client", to: .client, .wrongSide) { await $0.say(RawPeerV2.connect()) },
        Offence("NEED of a client", to: .server, .wrongSide) { await $0.say(.need(Need(listener: 1, count: 1))) },
        Offence("a flood of REKEYs", to: .server, .tooManyRekeys) { peer in
            let now = peer.worker.now
            peer.stream.write((0..<100).flatMap { _ in peer.frame(peer.sealer.rekey(now: now)) })
        },
        Offence("striped data", to: .server, .notOfThisConnection) { peer in
            await peer.say(RawPeerV2.connect(), .dataAt(offset: 0, empty))
        },
    ]

    @Test(arguments: offences)
    func `an offence drops the connection without a word, and all that it carried`(offence: Offence) async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: offence.role, on: worker)
            await offence.commit(peer)
            let heard = try await peer.everything()
            #expect(heard.closed == nil)
            #expect(peer.owner.refused == [.violation(offence.violation)])
            #expect(peer.owner.endedCount == 1)
            #expect(peer.tunnel.connection == nil)
            for served in peer.owner.served {
                #expect(served.connection.outcome == .lost(nothingReceived: true))
            }
        }
    }

    @Test func `what is not built is refused with its code, and the tunnel goes on`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            let requests: [RequestType] = [.listen, .network, .resume, .later(0x17)]
            for (number, type) in requests.enumerated() {
                await peer.say(.request(RequestV2(type)), .reset(ResetV2(connection: UInt8(number), code: .none)))
            }
            await peer.say(.ping(7))
            #expect(peer.owner.served.isEmpty && peer.owner.refused.isEmpty)
            peer.tunnel.close(CloseCode.normal)
            let heard = try await peer.everything()
            let codes = ["notSupported", "notSupported", "failed", "notSupported"]
            #expect(heard.messages == codes.enumerated().map { "reset \($0) \($1)" } + ["pong"])
        }
    }

    @Test func `a park is answered with BYE and a close`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            await peer.say(.request(RequestV2(.park)))
            let heard = try await peer.everything()
            #expect(heard.messages == ["bye noSuchListener"])
            #expect(heard.closed == .some(1000))
            #expect(peer.owner.refused.isEmpty)
        }
    }

    @Test func `resets of what is over, and what may be ignored, change nothing`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            await peer.say(.nop, .ignorable(0x40), .reset(ResetV2(connection: 0, code: .failed)))
            await peer.say(RawPeerV2.connect(), .reset(ResetV2(connection: 0, code: .reset)))
            #expect(peer.tunnel.isIdle)
            #expect(peer.owner.idleCount == 1)
            await peer.say(.reset(ResetV2(connection: 0, code: .none)), .reset(ResetV2(connection: 9, code: .none)))
            #expect(peer.owner.idleCount == 1)
            peer.tunnel.close(CloseCode.normal)
            let heard = try await peer.everything()
            #expect(heard.messages == ["reset 0 none"])
            #expect(peer.owner.refused.isEmpty)
        }
    }

    @Test func `a request that crosses BYE is certainly not served`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            peer.tunnel.version.retire(.draining, on: peer.tunnel)
            await peer.say(RawPeerV2.connect())
            #expect(peer.owner.served.isEmpty)
            peer.tunnel.close(CloseCode.normal)
            let heard = try await peer.everything()
            #expect(heard.messages == ["bye draining", "reset 0 draining"])
        }
    }

    @Test func `a key that is no longer accepted is said to be so at its next request`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            peer.owner.refusal = .badAuthentication
            await peer.say(RawPeerV2.connect())
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().messages == ["reset 0 keyRevoked"])
            #expect(peer.owner.served.isEmpty)
        }
    }

    // MARK: Requests on which a store elsewhere has the word

    /// A server whose store answers when the test says so.
    private static func judged(
        on worker: Worker
    ) async throws -> (peer: RawPeerV2, verdict: Wait<WireError?>) {
        let peer = try await RawPeerV2(to: .server, on: worker)
        let verdict = Wait<WireError?>(worker: worker)
        peer.owner.verdict = { await verdict.value(onTimeout: nil, onCancel: nil) }
        return (peer, verdict)
    }

    @Test func `what follows a request waits while it is judged, its end included`() async throws {
        try await WorkerThread.run { worker in
            let (peer, verdict) = try await Self.judged(on: worker)
            await peer.say(RawPeerV2.connect([1, 2]))
            peer.stream.write(peer.frame(peer.record([0x01, 3, 4])) + peer.frame(peer.record([0x02, 5])))
            await worker.settle()
            #expect(peer.owner.served.isEmpty && worker.budget.held == 5)
            verdict.fulfill(nil)
            await worker.until { peer.owner.served.count == 1 }
            let connection = peer.owner.served[0].connection
            #expect(connection.held == [1, 2, 3, 4, 5] && connection.peerHasFinished)
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a request that is refused late leaves nothing, and one that was reset is not served`() async throws {
        try await WorkerThread.run { worker in
            let (peer, verdict) = try await Self.judged(on: worker)
            await peer.say(RawPeerV2.connect([1, 2]))
            verdict.fulfill(.badAuthentication)
            await worker.settle()
            #expect(worker.budget.held == 0 && peer.tunnel.connection == nil)
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().messages == ["reset 0 keyRevoked"])

            let (other, otherVerdict) = try await Self.judged(on: worker)
            await other.say(RawPeerV2.connect([1, 2]), .reset(ResetV2(connection: 0, code: .reset)))
            otherVerdict.fulfill(nil)
            await worker.settle()
            #expect(other.tunnel.isIdle && other.owner.served.isEmpty && worker.budget.held == 0)
            other.tunnel.close(CloseCode.normal)
            #expect(try await other.everything().messages == ["reset 0 none"])
        }
    }

    @Test func `datagrams wait while the request for their association is judged`() async throws {
        try await WorkerThread.run { worker in
            func piece(_ byte: UInt8) -> [UInt8] {
                var gatherer = PieceGatherer(limit: LimitsV2.plaintext)
                _ = gatherer.append(AddressV2(TunnelPair.target), [byte])
                return gatherer.body
            }
            let (peer, verdict) = try await Self.judged(on: worker)
            await peer.say(.request(RequestV2(.associate, RequestBody(data: piece(1)))))
            for byte: UInt8 in 2...3 { peer.stream.write(peer.frame(peer.record([0x0b] + piece(byte)))) }
            await worker.settle()
            #expect(peer.owner.associations.isEmpty)
            verdict.fulfill(nil)
            await worker.until { !peer.owner.associations.isEmpty }
            let end = peer.owner.associations[0]
            #expect(end.delivered.map(\.data) == [[1], [2], [3]])
            peer.tunnel.close(CloseCode.normal)
            #expect(try await peer.everything().messages == ["ok"])
            #expect(end.endedCount == 1 && worker.budget.held == 0)
        }
    }

    /// Lengths that are longer or shorter than what is there, none at all, and more pieces than may be.
    @Test(arguments: [[0, 99, 1], [0, 5, 1, 127, 0, 0, 1], [0], [], [0, 0]])
    func `of a record with a piece that is malformed no datagram is delivered`(piece: [UInt8]) async throws {
        try await WorkerThread.run { worker in
            var good = PieceGatherer()
            for byte in UInt8(1)...3 { _ = good.append(AddressV2(TunnelPair.target), [byte]) }
            let pieces = piece.isEmpty ? (0..<30).flatMap { _ in good.body } : good.body + piece
            let peer = try await RawPeerV2(to: .server, on: worker)
            await peer.say(.request(RequestV2(.associate, RequestBody())))
            await worker.until { !peer.owner.associations.isEmpty }
            peer.stream.write(peer.frame(peer.record([0x0b] + pieces)))
            #expect(try await peer.everything().closed == nil)
            #expect(peer.owner.associations[0].delivered.isEmpty && peer.owner.associations[0].endedCount == 1)
            #expect(peer.owner.refused.count == 1)
        }
    }

    @Test func `records are put together from frames, and pings answered once for each read`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .server, on: worker)
            let record = peer.sealer.seal(RawPeerV2.connect([1, 2, 3]))
            let cut = record.count / 2
            peer.stream.write(peer.frame(Array(record[..<cut]), isFinal: false))
            await worker.settle()
            #expect(worker.budget.held == cut)
            peer.stream.write(peer.frame([9], .ping) + peer.frame(Array(record[cut...]), .continuation))
            await worker.until { !peer.owner.served.isEmpty }
            #expect(peer.owner.served.first?.connection.held == [1, 2, 3])
            let pings = (0..<100).flatMap { peer.frame(peer.sealer.seal(.ping($0))) }
            peer.stream.write(pings)
            await worker.settle()
            peer.tunnel.close(CloseCode.normal)
            let heard = try await peer.everything()
            #expect(heard.messages.count { $0 == "pong" } <= 2)
            #expect(heard.messages.contains("pong"))
        }
    }
}
