import Testing

@testable import WstanCore

/// What one tunnel holds, however its peers behave.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelMemoryTests {
    /// The documents say it.
    @Test func `a tunnel holds at most 709 KiB`() {
        #expect(TunnelLimits.mostHeld == 709 * 1024)
    }

    /// A request that came in pieces, a whole read behind its end, and a whole read that the peer does not take.
    @Test func `a tunnel that is stuck on both sides holds no more than it may`() async throws {
        // With so much memory every read is as long as it can be.
        try await WorkerThread.run(memoryLimit: 1 << 30) { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            Loopback.tighten(peer.tunnel.stream)
            let request = peer.message(peer.request([UInt8](repeating: 1, count: 96 * 1024)))
            await peer.send(Array(request.dropLast()))
            await worker.until { worker.budget.held == request.count - FrameHead.maxSize - 1 }

            let data = [UInt8](repeating: 2, count: Scratch.bodySize - FrameHead.maxSize - 2)
            var read = request.suffix(1) + peer.message(peer.data(data))
            #expect(read.count == Scratch.bodySize)
            _ = read.withUnsafeMutableBytes { peer.tunnel.process($0) }
            let connection = try #require(peer.owner.served.first?.connection)
            #expect(connection.held.count == 96 * 1024 + data.count)
            // The memory, too, but for what the allocator adds.
            #expect(connection.held.capacity <= TunnelLimits.mostHeldForTarget + 4096)

            while peer.tunnel.stream.pendingCount == 0 { peer.tunnel.version.send(data: worker.scratch.body()) }
            let held = worker.budget.held
            #expect(held > 2 * Scratch.bodySize)
            #expect(held <= TunnelLimits.mostHeld)
            peer.tunnel.stream.close()
            _ = try await peer.everything()
            #expect(worker.budget.held == 0)
        }
    }

    /// Each reset of ours would wait for it.
    @Test(arguments: [false, true])
    func `one who asks again without having read our answers is closed`(byBareDatagram: Bool) async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker, allowsBareDatagrams: true)
            while peer.tunnel.stream.pendingCount <= TunnelLimits.pendingAtRequest {
                peer.tunnel.version.send(data: worker.scratch.body())
            }
            let datagram = Datagram(address: TunnelPair.target, data: [1])
            await peer.send(peer.message(byBareDatagram ? peer.sealer.seal(datagram: datagram) : peer.request()))
            await worker.settle()
            #expect(peer.owner.served.isEmpty && peer.owner.associations.isEmpty)
            #expect(try await peer.everything().all.last == .close(CloseCode.badState))
        }
    }

    /// Or one could hide replays behind answers that are not read.
    @Test func `a refused request is counted even behind answers that were not read`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            peer.owner.refusal = .replayed
            while peer.tunnel.stream.pendingCount <= TunnelLimits.pendingAtRequest {
                peer.tunnel.version.send(data: worker.scratch.body())
            }
            await peer.send(peer.message(peer.request()))
            await worker.settle()
            #expect(peer.owner.refused == [.replayed])
            #expect(try await peer.everything().all.last == .close(CloseCode.badMessage))
        }
    }

    @Test func `what a connection has left is sent before the next one is read`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            await peer.send(peer.message(peer.request()))
            let connection = try #require(peer.owner.served.first?.connection)
            while peer.tunnel.stream.pendingCount == 0 { peer.tunnel.version.send(data: worker.scratch.body()) }
            let before = peer.tunnel.stream.pendingCount
            let target = ScriptedEnd(on: worker, [UInt8](repeating: 1, count: 1000))
            #expect(peer.tunnel.connected(connection, to: target))
            let relay = worker.spawn { _ = await peer.tunnel.sendLoop(connection, from: target) }
            await worker.settle()
            #expect(peer.tunnel.stream.pendingCount == before)
            peer.tunnel.stream.close()
            await relay.value
            _ = try await peer.everything()
        }
    }

    @Test func `memory that grows within a limit is not more than that`() {
        var bytes: [UInt8] = []
        for _ in 0..<1000 { bytes.append([UInt8](repeating: 7, count: 100), within: 100_000) }
        #expect(bytes == [UInt8](repeating: 7, count: 100_000))
        #expect(bytes.capacity <= 100_000 + 4096)
        // What must be, is.
        bytes.append([1], within: 100_000)
        #expect(bytes.count == 100_001)
    }

    // MARK: Room around data

    @Test func `a message and its frame have room around what was read`() throws {
        #expect(FrameHead.maxSize + Sealer.headroom <= Scratch.headroom)
        #expect(Sealer.tailroom <= Scratch.tailroom)
        let scratch = Scratch()
        #expect(scratch.surrounds(scratch.body()))
        #expect(scratch.surrounds(scratch.body(0)))
        var elsewhere: [UInt8] = [1]
        elsewhere.withUnsafeMutableBytes { #expect(!scratch.surrounds($0)) }
        let start = try #require(scratch.body().baseAddress)
        #expect(!scratch.surrounds(UnsafeMutableRawBufferPointer(start: start - 1, count: 1)))
        #expect(!scratch.surrounds(UnsafeMutableRawBufferPointer(start: start, count: Scratch.bodySize + 1)))
    }

    // MARK: Pieces of one read

    @Test func `pieces of a read are moved together, and what an opener holds elsewhere is not`() {
        var read: [UInt8] = [0, 1, 2, 0, 3, 4, 0, 5]
        var held: [UInt8] = [8, 9]
        read.withUnsafeMutableBytes { read in
            held.withUnsafeMutableBytes { held in
                var coalesced = CoalescedData()
                coalesced.begin(in: read)
                func piece(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
                    UnsafeMutableRawBufferPointer(rebasing: read[range])
                }
                #expect(coalesced.add(held) == nil)
                #expect(coalesced.add(piece(1..<3)).map(Array.init) == [8, 9])
                #expect(coalesced.add(piece(4..<6)) == nil)
                #expect(coalesced.add(held).map(Array.init) == [1, 2, 3, 4])
                #expect(coalesced.add(piece(7..<8)).map(Array.init) == [8, 9])
                #expect(coalesced.flush().map(Array.init) == [5])
                #expect(coalesced.flush() == nil)
            }
        }
    }
}
