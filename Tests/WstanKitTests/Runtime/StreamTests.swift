import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    // MARK: A stranger who sends on

    /// How much of 64 MB is taken from a peer that goes on sending after it was answered.
    private static func taken(discarding most: Int) async throws -> (sent: Int, isBroken: Bool) {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(near)
            Loopback.tighten(far)
            far.write(Array("answer".utf8))
            far.closeOrderly(awaitingPeer: true, discarding: most)
            var sent = 0
            let piece = [UInt8](repeating: 0, count: 16 * 1024)
            while sent < 64 << 20, near.failure == nil {
                near.write(piece)
                await near.waitDrained(until: worker.now + .seconds(20))
                if near.failure == nil, near.pendingCount == 0 { sent += piece.count }
            }
            defer { near.close() }
            return (sent, near.failure != nil)
        }
    }

    @Test func `a peer that is refused and sends on is read for as much as it may, and then reset`() async throws {
        let (sent, isBroken) = try await Self.taken(discarding: 64 * 1024)
        #expect(isBroken)
        // And what the two kernels hold.
        #expect(sent < 1 << 20)
    }

    // MARK: Bytes

    @Test func `10 MB come back from an echo whole and in order, with a slow reader`() async throws {
        let isSame = try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(near)
            let sent = Loopback.pattern(10 << 20, seed: 40)
            let echo = Task(executorPreference: worker) {
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 * 1024, alignment: 16)
                defer { buffer.deallocate() }
                reading: while await far.waitReadable() == .ready {
                    switch far.read(into: buffer) {
                    case .bytes(let count):
                        far.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                        #expect(far.pendingCount <= count)
                        await far.waitDrained()
                    case .wouldBlock: continue
                    case .end, .failed: break reading
                    }
                }
                far.finish()
            }
            let sending = Task(executorPreference: worker) {
                for start in stride(from: 0, to: sent.count, by: 64 * 1024) {
                    sent.withUnsafeBytes {
                        near.write(UnsafeRawBufferPointer(rebasing: $0[start..<(start + 64 * 1024)]))
                    }
                    #expect(near.pendingCount <= 64 * 1024)
                    await near.waitDrained()
                }
                near.finish()
            }
            let (received, ending) = await near.readAll(piecesOf: 8 * 1024)
            await sending.value
            await echo.value
            #expect(ending == .end)
            #expect(worker.budget.held == 0)
            near.close()
            far.close()
            return received == sent
        }
        #expect(isSame)
    }

    /// The FIN comes with the data and makes no event of its own.
    @Test(arguments: [1, 1000, 64 * 1024, 300_000])
    func `the end is seen after the last bytes`(count: Int) async throws {
        for waitsFirst in [true, false] {
            try await WorkerThread.run { worker in
                let (near, far) = try await Loopback.pair(on: worker)
                let sent = Loopback.pattern(count, seed: 41)
                let reading = Task(executorPreference: worker) {
                    if !waitsFirst { await worker.settle() }
                    let (bytes, ending) = await near.readAll()
                    return bytes == sent && ending == .end
                }
                if waitsFirst { await worker.settle() }
                far.write(sent)
                far.finish()
                // Nothing more goes out.
                far.write([1])
                #expect(await reading.value)
                // And the end stays the end.
                #expect(await near.readAll().ending == .end)
            }
        }
    }

    @Test func `a stream that has seen the end can still send`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.finish()
            #expect(await near.readAll().ending == .end)
            near.write([1, 2, 3])
            near.finish()
            let (bytes, ending) = await far.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .end)
        }
    }

    @Test func `IPv6 works as IPv4 does`() async throws {
        guard Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker, Loopback.ipv6)
            near.write([6])
            near.finish()
            #expect(await far.readAll().bytes == [6])
            #expect(near.localAddress == far.remoteAddress)
            #expect(near.remoteAddress == far.localAddress)
        }
    }

    // MARK: Failures

    @Test func `a reset is a failure, and stays one`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.abort()
            #expect(await near.readAll().ending == .failed(ECONNRESET))
            #expect(near.failure?.code == ECONNRESET)
            #expect(await near.readAll().ending == .failed(ECONNRESET))
        }
    }

    /// The kernel tells an error once: here the write gets it, and the read finds an end that is none.
    @Test func `a reset that a write has met is a failure for the reader too`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.abort()
            await worker.settle()
            near.write([1])
            near.write([2])
            #expect(near.failure != nil)
            #expect(near.pendingCount == 0)
            #expect(await near.readAll().ending == .failed(ECONNRESET))
        }
    }

    @Test func `bytes that came before a reset met by a write are still read`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.write([1, 2, 3])
            await worker.settle()
            far.abort()
            await worker.settle()
            near.write([1])
            let (bytes, ending) = await near.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .failed(ECONNRESET))
        }
    }

    @Test func `a reset ends those who wait to have sent`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(near)
            near.write(Loopback.pattern(8 << 20, seed: 42))
            #expect(near.pendingCount > 0)
            let draining = Task(executorPreference: worker) { await near.waitDrained() }
            await worker.settle()
            far.abort()
            await draining.value
            #expect(near.failure != nil)
            #expect(worker.budget.held == 0)
        }
    }

    // MARK: Waits

    @Test func `closing ends a waiting reader, and those who wait to have sent`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(near)
            let waiting = Task(executorPreference: worker) { await near.waitReadable() }
            near.write(Loopback.pattern(8 << 20, seed: 43))
            let draining = Task(executorPreference: worker) { await near.waitDrained() }
            await worker.settle()
            near.close()
            near.close()
            #expect(await waiting.value == .closed)
            await draining.value
            #expect(near.isClosed)
            #expect(worker.budget.held == 0)
            #expect(await near.waitReadable() == .closed)
            #expect(await near.waitReadable(deadline: worker.now) == .closed)
            far.close()
        }
    }

    @Test func `a deadline ends a wait, and the next wait is its own`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            #expect(await near.waitReadable(deadline: worker.now) == .timedOut)
            #expect(await near.waitReadable(deadline: Instant(nanoseconds: 0)) == .timedOut)
            let waiting = Task(executorPreference: worker) {
                await near.waitReadable(deadline: worker.now + .seconds(1000))
            }
            await worker.settle()
            far.write([1])
            #expect(await waiting.value == .ready)
        }
    }

    @Test func `a reader can be interrupted, when there is one`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            near.interruptReader()
            for deadline in [nil, worker.now + .seconds(1000)] {
                let waiting = Task(executorPreference: worker) { await near.waitReadable(deadline: deadline) }
                await worker.settle()
                near.interruptReader()
                near.interruptReader()
                #expect(await waiting.value == .interrupted)
            }
            far.write([1])
            #expect(await near.waitReadable() == .ready)
        }
    }

    // MARK: Ends

    @Test func `an orderly close delivers everything to a slow peer that is still sending`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(near)
            Loopback.tighten(far)
            let sent = Loopback.pattern(3 << 20, seed: 44)
            near.write(sent)
            near.closeOrderly(awaitingPeer: true)
            #expect(!near.isClosed)
            #expect(await near.waitReadable() == .closed)
            let sending = Task(executorPreference: worker) {
                for _ in 0..<16 {
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
            await worker.settle()
            await worker.settle()
            #expect(near.isClosed)
            #expect(worker.budget.held == 0)
        }
    }

    /// More than is thrown away in one go must be no reason to break the connection off.
    @Test func `an orderly close takes no offence at much unread input`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            SocketOption(level: SOL_SOCKET, name: SO_RCVBUFFORCE).set(16 << 20, on: near.descriptor)
            SocketOption(level: SOL_SOCKET, name: SO_SNDBUFFORCE).set(16 << 20, on: far.descriptor)
            Loopback.tighten(near)
            SocketOption(level: SOL_SOCKET, name: SO_RCVBUFFORCE).set(16 << 20, on: near.descriptor)
            far.write([UInt8](repeating: 9, count: 8 << 20))
            await worker.settle()
            let sent = Loopback.pattern(1 << 20, seed: 45)
            near.write(sent)
            near.closeOrderly(awaitingPeer: true)
            let (bytes, ending) = await far.readAll(piecesOf: 16 * 1024)
            #expect(ending == .end)
            #expect(bytes.elementsEqual(sent), "\(bytes.count) of \(sent.count) bytes")
        }
    }

    /// Closing a socket with unread input answers the peer with a reset, which may overtake what it was sent.
    @Test(arguments: [true, false])
    func `an orderly close is in good order although the peer's last bytes are unread`(awaitsPeer: Bool) async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.write([UInt8](repeating: 9, count: 1000))
            far.finish()
            #expect(await near.waitReadable() == .ready)
            await worker.settle()
            near.write([1, 2, 3])
            near.closeOrderly(awaitingPeer: awaitsPeer)
            let (bytes, ending) = await far.readAll()
            #expect(bytes == [1, 2, 3])
            #expect(ending == .end)
        }
    }

    @Test func `an orderly close of an idle stream is a close`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            near.closeOrderly(awaitingPeer: false)
            #expect(near.isClosed)
            #expect(await far.readAll().ending == .end)
            far.closeOrderly(awaitingPeer: true)
            #expect(far.isClosed)
        }
    }

    @Test func `an orderly close of a broken stream is a close`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            far.abort()
            await worker.settle()
            near.closeOrderly(awaitingPeer: true)
            await worker.settle()
            #expect(near.isClosed)
        }
    }

    /// Its descriptor was held for five minutes: nobody acknowledges what a dead connection still owes.
    @Test func `a reset after delivery does not wait for a peer that was first`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(far)
            near.write([UInt8](repeating: 9, count: 4 << 20))
            near.resetAfterDelivery()
            far.abort()
            await worker.until { near.isClosed }
            #expect(worker.lingeringCloses == 0)
        }
    }

    /// The exit would have ended both in good order, and a download without a length would have looked whole.
    @Test(arguments: [true, false])
    func `what is still to be sent, or to be reset, is reset when the process ends`(isOrderly: Bool) async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            Loopback.tighten(far)
            near.write([UInt8](repeating: 9, count: isOrderly ? 4 << 20 : 1 << 17))
            if isOrderly { near.closeOrderly(awaitingPeer: false) } else { near.resetAfterDelivery() }
            // The far stream ends with the worker, too; what its peer has done is seen on another descriptor of its socket.
            let seen = dup(far.descriptor)
            defer { close(seen) }
            await worker.finish(until: worker.now)
            #expect(near.isClosed)
            var byte: UInt8 = 0
            while recv(seen, &byte, 1, 0) > 0 {}
            #expect(errno == ECONNRESET)
        }
    }

    // MARK: Connecting

    @Test func `a refused connection is refused`() async throws {
        try await WorkerThread.run { worker in
            let (address, descriptor) = try Loopback.refusingAddress()
            defer { close(descriptor) }
            let error = await #expect(throws: SystemError.self) {
                try await WstanCore.Stream.connect(to: address, worker: worker, deadline: worker.now + .seconds(30))
            }
            #expect(error?.code == ECONNREFUSED)
        }
    }

    @Test func `an answer that does not come is waited for until the deadline`() async throws {
        try await WorkerThread.run { worker in
            let (address, all) = try Loopback.silentAddress()
            defer { for descriptor in all { close(descriptor) } }
            let error = await #expect(throws: SystemError.self) {
                try await WstanCore.Stream.connect(to: address, worker: worker, deadline: worker.now)
            }
            #expect(error?.code == ETIMEDOUT)
        }
    }

    @Test(arguments: [true, false])
    func `a task that is cancelled connects no more`(waitsFirst: Bool) async throws {
        try await WorkerThread.run { worker in
            let (address, all) = try Loopback.silentAddress()
            defer { for descriptor in all { close(descriptor) } }
            let connecting = Task(executorPreference: worker) { () -> Int32? in
                do throws(SystemError) {
                    _ = try await WstanCore.Stream.connect(
                        to: address, worker: worker, deadline: worker.now + .seconds(1000))
                    return nil
                } catch {
                    return error.code
                }
            }
            if waitsFirst { await worker.settle() }
            connecting.cancel()
            #expect(await connecting.value == ECANCELED)
        }
    }

    /// Seen as a crash that a stranger could cause: the farewell of a stream that was throwing a flood away closed it in the
    /// middle of a turn, and with that went the last hold on it.
    @Test func `a reset while a farewell throws input away is harmless`() async throws {
        try await WorkerThread.run { worker in
            func flood() async throws -> WstanCore.Stream {
                let (near, far) = try await Loopback.pair(on: worker)
                // SO_RCVBUFFORCE, so that more waits than one turn throws away; without the privilege less does.
                SocketOption(level: SOL_SOCKET, name: 33).set(16 << 20, on: near.descriptor)
                far.write([UInt8](repeating: 7, count: 4 << 20))
                await worker.settle()
                near.closeOrderly(awaitingPeer: true)
                return far
            }
            let far = try await flood()
            #expect(worker.lingeringCloses == 1)
            far.abort()
            await worker.until { worker.lingeringCloses == 0 }
        }
    }
}
