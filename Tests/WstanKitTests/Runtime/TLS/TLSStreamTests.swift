import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

/// What a stream promises without TLS it promises with TLS on it.
@Suite(.timeLimit(.minutes(2))) struct TLSStreamTests {
    @Test func `megabytes come back from an echo whole and in order, with a slow reader`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let ends = try await TLSEnds.pair(worker, authority)
            let (near, far) = (ends.client, ends.server)
            Loopback.tighten(near)
            let sent = Loopback.pattern(6 << 20, seed: 40)
            let echo = Task(executorPreference: worker) {
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 * 1024, alignment: 16)
                defer { buffer.deallocate() }
                reading: while await far.waitReadable() == .ready {
                    switch far.read(into: buffer) {
                    case .bytes(let count):
                        far.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                        #expect(far.pendingCount <= count + 200)
                        await far.waitDrained()
                    case .wouldBlock: continue
                    case .end, .failed: break reading
                    }
                }
                far.finish()
            }
            let sending = Task(executorPreference: worker) {
                for start in stride(from: 0, to: sent.count, by: 128 * 1024) {
                    sent.withUnsafeBytes {
                        near.write(UnsafeRawBufferPointer(rebasing: $0[start..<(start + 128 * 1024)]))
                    }
                    await near.waitDrained()
                }
                near.finish()
            }
            let (received, ending) = await near.readAll(piecesOf: 8 * 1024)
            await sending.value
            await echo.value
            #expect(ending == .end)
            #expect(received.elementsEqual(sent), "\(received.count) of \(sent.count) bytes")
            #expect(near.peerHasFinished)
            #expect(worker.budget.held == 0)
            ends.close()
            #expect(worker.budget.held == 0)
        }
    }

    /// What OpenSSL has opened already makes no event.
    @Test(arguments: [1, 7, 1000, 16_384, 100_000])
    func `bytes come whole, whatever the size of a read`(size: Int) async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let sent = Loopback.pattern(min(size * 500, 300_000), seed: 41)
            ends.server.write(sent)
            ends.server.finish()
            let (received, ending) = await ends.client.readAll(piecesOf: size)
            #expect(received.elementsEqual(sent), "\(received.count) of \(sent.count) bytes")
            #expect(ending == .end)
            // And the end stays the end.
            #expect(await ends.client.readAll().ending == .end)
            ends.close()
        }
    }

    @Test func `what is said byte by byte arrives`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            for byte in UInt8(0)...99 { ends.client.write([byte]) }
            ends.client.closeOrderly(awaitingPeer: true)
            let (received, ending) = await ends.server.readAll()
            #expect(received == Array(0...99))
            #expect(ending == .end)
            ends.server.closeOrderly(awaitingPeer: false)
            await worker.until { ends.client.isClosed && ends.server.isClosed }
        }
    }

    /// Whatever pieces the records come in, also those of the handshake.
    @Test func `records may come in single bytes`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let (client, toServer) = try await Loopback.pair(on: worker)
            let (server, toClient) = try await Loopback.pair(on: worker)
            for (source, sink) in [(toServer, toClient), (toClient, toServer)] {
                let ends = Both(source: source, sink: sink)
                worker.spawn { await ends.drip() }
            }
            let context = try TLSServerContext(.init(identity: authority.issue()))
            let far = Task(executorPreference: worker) {
                await TLSEnds.failure(of: server, .server(context), until: worker.now + .seconds(60))
            }
            let own = try TLSClientContext(.init(caFile: authority.caFile))
            let side = TLSSession.Side.client(own, name: .name("localhost"), sessions: nil, server: "s")
            #expect(await TLSEnds.failure(of: client, side, until: worker.now + .seconds(60)) == nil)
            #expect(await far.value == nil)
            let sent = Loopback.pattern(3000, seed: 43)
            server.write(sent)
            server.finish()
            #expect(await client.readAll().bytes == sent)
            for stream in [client, server, toServer, toClient] { stream.close() }
        }
    }

    private struct Both: @unchecked Sendable {
        let source: WstanCore.Stream
        let sink: WstanCore.Stream

        func drip() async {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
            defer { buffer.deallocate() }
            while await source.waitReadable() == .ready {
                switch source.read(into: buffer) {
                case .bytes: sink.write(UnsafeRawBufferPointer(buffer))
                case .wouldBlock: continue
                case .end, .failed: return sink.finish()
                }
                await source.worker.yield()
            }
        }
    }

    @Test func `a message of the largest size arrives`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let sent = Loopback.pattern(Scratch.bodySize + 15, seed: 44)
            ends.client.write(sent)
            ends.client.finish()
            #expect(await ends.server.readAll(piecesOf: 128 * 1024).bytes == sent)
            ends.close()
        }
    }

    // MARK: Ends

    /// TLS may end a direction and TCP go on.
    @Test func `a farewell is an end, and the other direction goes on`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            ends.server.finish()
            #expect(await ends.client.readAll().ending == .end)
            #expect(ends.client.peerHasFinished)
            ends.client.write([1, 2, 3])
            ends.client.finish()
            // Nothing more goes out.
            ends.client.write([4])
            let (bytes, ending) = await ends.server.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .end)
            ends.close()
        }
    }

    /// Many do so; what travels here says itself where it ends.
    @Test func `an end without a farewell is an end`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            ends.server.write([1, 2, 3])
            shutdown(ends.server.descriptor, Int32(SHUT_WR))
            let (bytes, ending) = await ends.client.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .end)
            ends.close()
        }
    }

    @Test func `a reset is a failure, and stays one`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            _ = ends.client.read(into: worker.scratch.body())
            ends.server.abort()
            #expect(await ends.client.readAll().ending == .failed(ECONNRESET))
            #expect(await ends.client.readAll().ending == .failed(ECONNRESET))
            ends.close()
        }
    }

    @Test func `an orderly close delivers everything to a slow peer that is still sending`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (near, far) = (ends.client, ends.server)
            Loopback.tighten(near)
            Loopback.tighten(far)
            let sent = Loopback.pattern(2 << 20, seed: 45)
            near.write(sent)
            near.closeOrderly(awaitingPeer: true)
            #expect(!near.isClosed)
            let sending = Task(executorPreference: worker) {
                for _ in 0..<32 {
                    far.write([UInt8](repeating: 9, count: 64 * 1024))
                    await far.waitDrained()
                }
            }
            let (bytes, ending) = await far.readAll(piecesOf: 16 * 1024)
            #expect(ending == .end)
            #expect(bytes.elementsEqual(sent), "\(bytes.count) of \(sent.count) bytes")
            await sending.value
            #expect(far.failure == nil)
            far.finish()
            await worker.until { near.isClosed }
            #expect(worker.budget.held == 0)
            far.close()
        }
    }

    @Test func `a reset after delivery delivers first`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            Loopback.tighten(ends.server)
            let sent = Loopback.pattern(1 << 20, seed: 46)
            ends.client.write(sent)
            ends.client.resetAfterDelivery()
            let (bytes, ending) = await ends.server.readAll()
            #expect(bytes.elementsEqual(sent))
            #expect(ending == .failed(ECONNRESET))
            ends.server.close()
        }
    }

    // MARK: A peer that breaks the rules

    @Test func `what is no record ends the connection, after what came before it`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            ends.server.write([1, 2, 3])
            // A record longer than any.
            ends.server.transmit([23, 3, 3, 0xff, 0xff] + [UInt8](repeating: 0x42, count: 300))
            let (bytes, ending) = await ends.client.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .failed(EPROTO))
            #expect(ends.client.tls?.failure != nil)
            #expect(ends.client.isGone)
            // Nothing goes out any more.
            ends.client.write([1])
            #expect(ends.client.pendingCount == 0)
            // The other side was told why.
            #expect(await ends.server.readAll().ending == .failed(EPROTO))
            guard case .alert = ends.server.tls?.failure else {
                Issue.record("\(String(describing: ends.server.tls?.failure))")
                return ends.close()
            }
            ends.close()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a record that was changed on the way ends the connection`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            // An application record of 30 bytes that nobody has sealed.
            ends.server.transmit([23, 3, 3, 0, 30] + [UInt8](repeating: 7, count: 30))
            #expect(await ends.client.readAll().ending == .failed(EPROTO))
            ends.close()
        }
    }

    /// A part of a record counts for the budget, and goes with the connection.
    @Test func `a record that never ends is held, counted and given back`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            _ = ends.client.read(into: worker.scratch.body())
            ends.server.transmit([23, 3, 3, 0x40, 0] + [UInt8](repeating: 7, count: 5000))
            await worker.until { ends.client.mayHaveInput }
            guard case .wouldBlock = ends.client.read(into: worker.scratch.body()) else {
                Issue.record("something was read")
                return
            }
            #expect(worker.budget.held > 0)
            #expect(await ends.client.waitReadable(deadline: worker.now) == .timedOut)
            ends.client.close()
            #expect(worker.budget.held == 0)
            ends.close()
        }
    }
}

extension WstanCore.Stream {
    func transmit(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { transmit($0) }
    }
}
