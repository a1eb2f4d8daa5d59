import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelV2Tests {
    private static let ciphers: [RecordCipher] = AEADCipher.allCases.map { .sealed($0) } + [.none]

    // MARK: Streams

    @Test(arguments: ciphers)
    func `bytes arrive as they were sent, both ways at once, and both ends finish`(cipher: RecordCipher) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker, AgreementV2(cipher: cipher))
            let (up, down) = (Loopback.pattern(2_000_000, seed: 1), Loopback.pattern(2_100_000, seed: 2))
            let carried = try await pair.connect([1, 2, 3])
            for (stream, bytes) in [(carried.userAgent, up), (carried.target, down)] {
                stream.write(bytes)
                stream.finish()
            }
            async let atUserAgent = carried.userAgent.readAll()
            let atTarget = await carried.target.readAll()
            #expect(atTarget.bytes == [1, 2, 3] + up)
            #expect(atTarget.ending == .end)
            #expect(await atUserAgent.bytes == down)
            #expect(await atUserAgent.ending == .end)
            await carried.ended()
            await pair.untilIdle()
            #expect(carried.client.outcome == .reset(.normal))
            await pair.close()
            #expect(worker.budget.held == 0)
            #expect(pair.clientOwner.refused.isEmpty && pair.serverOwner.refused.isEmpty)
        }
    }

    /// Section 4.6: record 2^20 - 1 ends an epoch at the latest.
    @Test(arguments: ciphers)
    func `the keys change before an epoch is used up, in the middle of a transfer`(cipher: RecordCipher) async throws {
        try await WorkerThread.run { worker in
            for left in [2, 3, 5, 9, 20] as [UInt64] {
                let first = LimitsV2.recordsInEpoch - left
                let pair = try await TunnelPairV2(on: worker, AgreementV2(cipher: cipher, firstRecord: first))
                let said = Loopback.pattern(500_000, seed: left)
                let carried = try await pair.connect()
                for stream in [carried.userAgent, carried.target] {
                    stream.write(said)
                    stream.finish()
                }
                async let atUserAgent = carried.userAgent.readAll().bytes
                #expect(await carried.target.readAll().bytes == said)
                #expect(await atUserAgent == said)
                await carried.ended()
                await pair.close()
                #expect(pair.clientOwner.refused.isEmpty && pair.serverOwner.refused.isEmpty)
            }
        }
    }

    @Test func `a tunnel that has carried much changes its keys when it falls idle`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            for _ in 0..<2 {
                let carried = try await pair.connect()
                let said = Loopback.pattern(1_200_000, seed: 5)
                carried.userAgent.write(said)
                carried.userAgent.finish()
                carried.target.finish()
                #expect(await carried.target.readAll().bytes == said)
                await carried.ended()
                await pair.untilIdle()
            }
            await pair.close()
            #expect(pair.clientOwner.refused.isEmpty && pair.serverOwner.refused.isEmpty)
        }
    }

    /// SHAPE and RECORD (section 5).
    @Test func `a shape pads the first records, and a peer's limit holds`() async throws {
        try await WorkerThread.run { worker in
            let shape = TrafficShape([(1000, 1000), (2000, 4000), (500, 900)])
            let pair = try await TunnelPairV2(on: worker, AgreementV2(limit: LimitsV2.leastPlaintext, shape: shape))
            let said = Loopback.pattern(200_000, seed: 6)
            let carried = try await pair.connect()
            for byte in UInt8(1)...2 {
                carried.userAgent.write([byte])
                #expect(await carried.target.take(1) == [byte])
            }
            #expect((3500...6100).contains(pair.client.stream.traffic.sent))
            carried.userAgent.write(said)
            carried.userAgent.finish()
            carried.target.finish()
            #expect(await carried.target.readAll().bytes == said)
            await carried.ended()
            await pair.close()
        }
    }

    @Test func `what is said before the target answers is held, an end included`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request([1, 2])
            pair.client.send([3, 4], for: near)
            #expect(pair.client.finish(near))
            await worker.until { far.peerHasFinished }
            #expect(far.held == [1, 2, 3, 4])
            let target = try await Loopback.pair(on: worker)
            #expect(pair.server.connected(far, to: target.near))
            #expect(await target.far.readAll().bytes == [1, 2, 3, 4])
            #expect(pair.server.finish(far))
            await pair.untilIdle()
            await pair.close()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a client that leaves before the target answers is heard all the same`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request([1, 2])
            far.connecting = worker.spawn {}
            far.mayPart = { true }
            pair.client.end(near, .normal)
            await pair.untilIdle()
            #expect(far.outcome == .reset(.normal))
            let target = try await Loopback.pair(on: worker)
            #expect(!pair.server.connected(far, to: target.near))
            far.leave(to: target.near)
            let heard = await target.far.readAll()
            #expect(heard.bytes == [1, 2])
            #expect(heard.ending == .end)
            await pair.close()
            #expect(worker.budget.held == 0)
        }
    }

    @Test(arguments: [
        (Reset.normal, Reset.normal), (.userAgentBroken, Reset(reason: Reset.targetBroken.reason, code: .reset)),
        (.idle, Reset(reason: Reset.targetBroken.reason, code: .idle)),
    ])
    func `an end of the near end is told as what it is`(end: Reset, told: Reset) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request()
            let target = try await Loopback.pair(on: worker)
            #expect(pair.server.connected(far, to: target.near))
            await worker.until { near.hasReceived }
            pair.client.end(near, end)
            await worker.until { far.outcome != nil }
            #expect(far.outcome == .reset(told))
            await pair.untilIdle()
            #expect(pair.clientOwner.idleCount == 1 && pair.serverOwner.idleCount == 1)
            await pair.close()
        }
    }

    /// By a socket that keeps writes apart.
    @Test func `that a near end has sent everything and is gone takes one write`() async throws {
        try await WorkerThread.run { worker in
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
            defer { Glibc.close(ends[1]) }
            let owner = RecordingOwner()
            let tunnel = AgreementV2().tunnel(
                .client, try WstanCore.Stream(descriptor: ends[0], worker: worker), owner: owner)
            let run = worker.spawn { await tunnel.receiveLoop() }
            let connection = Connection(worker: worker, end: nil, to: TunnelPair.target)
            tunnel.request(Request(time: 0, target: TunnelPair.target, data: []), for: connection)
            tunnel.end(connection, .normal)
            var records: [Int] = []
            for _ in 0..<2 {
                var write = [UInt8](repeating: 0, count: 4096)
                let count = recv(ends[1], &write, write.count, 0)
                try #require(count > 0)
                records.append(try HeardFrames.reading(Array(write.prefix(count)), as: .server).all.count)
            }
            // The request; then FIN, and the signal behind it.
            #expect(records == [1, 2])
            tunnel.stream.close()
            await run.value
        }
    }

    @Test(arguments: [
        (Reset.unreachable(TunnelPair.target, ConnectCause.refused.text ?? ""), ResetCode.refused),
        (.unreachable(TunnelPair.target, ConnectCause.nameNotFound.text ?? ""), .noSuchName),
        (.forbidden(key: "deny"), .notAllowed), (.unreachable(TunnelPair.target, "?"), .failed),
    ])
    func `why a target was not reached arrives with its code`(reset: Reset, code: ResetCode) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request()
            pair.server.end(far, reset)
            await worker.until { near.outcome != nil }
            guard case .reset(let told) = near.outcome else { return await pair.close() }
            #expect(ExchangeFailure.reset(told).socksReply == code.socksReply)
            #expect(told.detail == reset.detail && told.reason == reset.reason)
            await pair.untilIdle()
            await pair.close()
        }
    }

    @Test func `where no more connections may be made, one whose client has left is given up`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request([1, 2])
            let connecting = worker.spawn { while !Task.isCancelled { await worker.yield() } }
            far.connecting = connecting
            far.mayPart = { false }
            pair.client.end(near, .normal)
            await pair.untilIdle()
            await connecting.value
            #expect(!far.isParting && worker.budget.held == 0)
            let target = try await Loopback.pair(on: worker)
            far.leave(to: target.near)
            #expect(await target.far.readAll().bytes == [])
            await pair.close()
        }
    }

    /// As when the process ends: a half of an upload is never taken for the whole.
    @Test(arguments: [WebSocketRole.client, .server])
    func `what is cut off is reset at the other end`(role: WebSocketRole) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let carried = try await pair.connect([1])
            let other = role == .client ? carried.server : carried.client
            (role == .client ? pair.client : pair.server).cutOff()
            await worker.until { other.outcome != nil }
            var reset: Reset?
            if case .reset(let said)? = other.outcome { reset = said }
            #expect(reset?.isBrokenConnection == true && reset?.code == .reset)
            await pair.close()
        }
    }

    @Test func `a request whose target has not answered is cut off as one that was not served`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, _) = await pair.request([1])
            pair.server.cutOff()
            await worker.until { near.outcome != nil }
            var reset: Reset?
            if case .reset(let said)? = near.outcome { reset = said }
            #expect(reset?.code == .draining && !near.hasReceived)
            await pair.close()
        }
    }

    @Test func `a tunnel that is lost resets its connection`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let (near, far) = await pair.request()
            pair.client.stream.abort()
            await worker.until { near.outcome != nil && far.outcome != nil }
            #expect(near.outcome == .lost(nothingReceived: true))
            #expect(far.outcome == .lost(nothingReceived: false) || far.outcome == .lost(nothingReceived: true))
            await pair.close()
        }
    }

    // MARK: Liveness

    @Test func `a ping is answered within the seal`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            for tunnel in [pair.client, pair.server] {
                let answer = Wait<Void>(worker: worker)
                tunnel.probe(patience: .seconds(30), isSparing: false) { answer.fulfill(()) }
                await answer.value(onTimeout: (), onCancel: ())
            }
            #expect(pair.client.isIdle && pair.server.isIdle)
            await pair.close()
        }
    }

    // MARK: Datagrams

    @Test func `datagrams of all sizes go both ways, several in one record`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let near = RecordingDatagramEnd()
            let sizes = [0, 1, 1400, 65_000]
            let datagrams = sizes.map {
                Datagram(address: TunnelPair.target, data: Loopback.pattern($0, seed: UInt64($0)))
            }
            pair.client.request(datagrams[3], time: 0, for: near)
            for datagram in datagrams { #expect(pair.client.send(datagram)) }
            await worker.until { pair.serverOwner.associations.first?.delivered.count == 5 }
            #expect(pair.serverOwner.associations.first?.delivered == [datagrams[3]] + datagrams)
            let before = pair.server.stream.traffic.sent
            for _ in 0..<50 { #expect(pair.server.send(datagrams[1])) }
            await worker.until { near.delivered.count == 50 }
            // A record of each would take more: a head, a type and a tag for 17 bytes.
            #expect(pair.server.stream.traffic.sent - before < 50 * 25)
            pair.server.endAssociation()
            await pair.untilIdle()
            #expect(near.endedCount == 1)
            await pair.close()
        }
    }

    @Test func `one that the peer does not take is dropped, and those around it arrive`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker, AgreementV2(limit: LimitsV2.leastPlaintext))
            let near = RecordingDatagramEnd()
            pair.client.request(Datagram(address: TunnelPair.target, data: [0]), time: 0, for: near)
            let sizes = [10, LimitsV2.leastPlaintext, 0, 12_000, 12_000, 70_000, 20]
            let sent = sizes.map { pair.client.send(Datagram(address: TunnelPair.target, data: [UInt8](repeating: 1, count: $0))) }
            #expect(sent == [true, false, true, true, true, false, true])
            await worker.until { pair.serverOwner.associations.first?.delivered.count == 6 }
            #expect(pair.serverOwner.associations.first?.delivered.map(\.data.count) == [1, 10, 0, 12_000, 12_000, 20])
            await pair.close()
            #expect(pair.serverOwner.refused.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `what ends an association does not overtake its datagrams`(byClose: Bool) async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            let near = RecordingDatagramEnd()
            pair.client.request(Datagram(address: TunnelPair.target, data: [0]), time: 0, for: near)
            await worker.until { pair.serverOwner.associations.count == 1 }
            let before = pair.server.stream.traffic.sent
            for byte in UInt8(1)...3 { #expect(pair.server.send(Datagram(address: TunnelPair.target, data: [byte]))) }
            #expect(pair.server.stream.traffic.sent == before)
            if byClose { pair.server.close(CloseCode.goingAway) } else { pair.server.endAssociation() }
            #expect(!pair.server.send(Datagram(address: TunnelPair.target, data: [4])))
            await worker.until { near.endedCount == 1 }
            #expect(near.delivered.map(\.data) == [[1], [2], [3]])
            #expect(pair.clientOwner.refused.isEmpty)
            await pair.close()
        }
    }

    /// As when its key has expired.
    @Test func `an end that closes the tunnel at a datagram gets none of those behind it`() async throws {
        final class Closing: DatagramEnd {
            let tunnel: Tunnel
            var count = 0
            let lastUsed = Instant(nanoseconds: 0)

            init(_ tunnel: Tunnel) { self.tunnel = tunnel }

            func deliver(_ datagram: Datagram) {
                count += 1
                if count == 2 { tunnel.close(CloseCode.goingAway) }
            }
            func associationEnded() {}
        }
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker)
            var end: Closing?
            pair.serverOwner.makeAssociation = {
                let made = Closing($0)
                end = made
                return made
            }
            let near = RecordingDatagramEnd()
            let datagram = Datagram(address: TunnelPair.target, data: [1])
            pair.client.request(datagram, time: 0, for: near)
            for _ in 0..<5 { #expect(pair.client.send(datagram)) }
            await worker.until { near.endedCount == 1 }
            #expect(end?.count == 2)
            await pair.close()
        }
    }

    @Test func `the first records of a shape carry gathered datagrams, too`() async throws {
        try await WorkerThread.run { worker in
            let pair = try await TunnelPairV2(on: worker, AgreementV2(shape: TrafficShape([(900, 900), (900, 900), (900, 900)])))
            let near = RecordingDatagramEnd()
            pair.client.request(Datagram(address: TunnelPair.target, data: [0]), time: 0, for: near)
            for byte in UInt8(1)...3 { #expect(pair.client.send(Datagram(address: TunnelPair.target, data: [byte]))) }
            await worker.until { pair.serverOwner.associations.first?.delivered.count == 4 }
            #expect(pair.serverOwner.associations.first?.delivered.map(\.data) == [[0], [1], [2], [3]])
            #expect(pair.client.stream.traffic.sent > 1800)
            await pair.close()
        }
    }

    @Test func `datagrams that the network does not take are dropped`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeerV2(to: .client, on: worker)
            Loopback.tighten(peer.tunnel.stream)
            let end = RecordingDatagramEnd()
            let datagram = Datagram(address: TunnelPair.target, data: [UInt8](repeating: 1, count: 60_000))
            peer.tunnel.request(datagram, time: 0, for: end)
            var sent = 0
            while sent < 1000, peer.tunnel.send(datagram) {
                sent += 1
                await worker.settle()
            }
            #expect(sent < 1000)
            peer.tunnel.close(CloseCode.normal)
            peer.stream.abort()
            await worker.until { end.endedCount == 1 }
        }
    }
}
