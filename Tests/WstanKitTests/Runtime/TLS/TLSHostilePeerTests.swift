import COpenSSL
import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

/// A peer whose handshake was good and who is not, or somebody on the way.
@Suite(.timeLimit(.minutes(2))) struct TLSHostilePeerTests {
    private static let badRecord: [UInt8] = [23, 3, 3, 0xff, 0xff, 0x42]

    @Test func `what nobody has sealed is not read as data, whatever was read with the failure`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (client, server) = (ends.client, ends.server)
            server.write([1, 2, 3])
            server.transmit(Self.badRecord)
            var bytes: [UInt8] = []
            while client.tls?.failure == nil, await client.waitReadable() == .ready {
                let body = worker.scratch.body()
                if case .bytes(let count) = client.read(into: body) { bytes += body[..<count] }
            }
            #expect(bytes == [1, 2, 3])
            // The socket still works, and whoever sits on the way could go on.
            server.transmit(Array("GET / HTTP/1.1\r\n".utf8))
            var waiting: Int32 = 0
            while ioctl(client.descriptor, UInt(FIONREAD), &waiting) == 0, waiting == 0 { await worker.yield() }
            let (more, ending) = await client.readAll()
            #expect(more == [])
            #expect(ending == .failed(EPROTO))
            ends.close()
        }
    }

    /// Each costs a thousand times what sending it does, and a byte in between makes them bearable.
    @Test func `changes of keys do not keep others waiting`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (client, server) = (ends.client, ends.server)
            server.write([0])
            #expect(await Self.take(1, from: client) == [0])
            Self.changeKeys(of: server, times: 2200, SSL_KEY_UPDATE_NOT_REQUESTED)
            server.write([1])
            var waiting: Int32 = 0
            while ioctl(client.descriptor, UInt(FIONREAD), &waiting) == 0, waiting < 2200 * 27 { await worker.yield() }
            #expect(await client.waitReadable() == .ready)
            guard case .wouldBlock = client.read(into: worker.scratch.body()) else {
                Issue.record("all of it was opened at once")
                return ends.close()
            }
            #expect(!client.mayHaveInput)
            #expect(await Self.take(1, from: client) == [1])
            #expect(client.failure == nil)
            ends.close()
        }
    }

    @Test func `a peer that has us answer and takes no answers is left`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (client, server) = (ends.client, ends.server)
            for end in [client, server] { Loopback.tighten(end) }
            var most = 0
            for _ in 0..<60 where client.failure == nil {
                Self.changeKeys(of: server, times: 1000, SSL_KEY_UPDATE_REQUESTED)
                server.write([1])
                while client.failure == nil,
                    await client.waitReadable(deadline: worker.now + .milliseconds(20)) == .ready
                {
                    _ = client.read(into: worker.scratch.body())
                    most = max(most, client.pendingCount)
                }
            }
            #expect(client.tls?.failure == .tooLong)
            #expect(most < 128 * 1024, "\(most) bytes were waiting")
            ends.close()
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a change of keys after our end costs nothing of what is still coming`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (client, server) = (ends.client, ends.server)
            client.finish()
            #expect(client.hasFinished)
            Self.changeKeys(of: server, times: 3, SSL_KEY_UPDATE_REQUESTED)
            server.write([7, 8])
            #expect(await Self.take(2, from: client) == [7, 8])
            server.write([9])
            server.finish()
            let (bytes, ending) = await client.readAll()
            #expect(bytes == [9])
            #expect(ending == .end)
            ends.close()
        }
    }

    /// One who does not read on, for back-pressure, holds no more than a record.
    @Test func `a large read leaves little behind within TLS`() async throws {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds.pair(worker, TestAuthority())
            let (client, server) = (ends.client, ends.server)
            server.write([UInt8](repeating: 5, count: 2 << 20))
            server.finish()
            var count = 0
            reading: while await client.waitReadable() == .ready {
                switch client.read(into: worker.scratch.body()) {
                case .bytes(let more): count += more
                case .wouldBlock: break
                case .end, .failed: break reading
                }
                #expect(client.heldByTLS <= TLSLimits.record)
                // So that there is more than one read takes.
                await worker.sleep(for: .milliseconds(2))
            }
            #expect(count == 2 << 20)
            ends.close()
        }
    }

    /// Without a name OpenSSL checks none.
    @Test func `a name that cannot be checked is no name`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            for name in ["", "."] {
                let ends = try await TLSEnds(worker)
                let own = try TLSClientContext(.init(caFile: authority.caFile))
                let side = TLSSession.Side.client(own, name: .name(name), sessions: nil, server: "s")
                let failure = await TLSEnds.failure(of: ends.client, side, until: worker.now + .seconds(30))
                #expect(failure == .malformed("the server's name cannot be checked"))
                ends.close()
            }
        }
    }

    @Test func `what did not lead through a handshake is not resumed again`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let sessions = TLSSessions()
            let context = try TLSServerContext(.init(identity: authority.issue()))
            let good = try await TLSEnds(worker)
            _ = try await good.shakeHands(
                worker, client: .init(caFile: authority.caFile), server: context, sessions: sessions)
            good.server.write([1])
            #expect(await Self.take(1, from: good.client) == [1])
            #expect(sessions.count == 1)
            let bad = try await TLSEnds(worker)
            bad.server.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            let own = try TLSClientContext(.init(caFile: authority.caFile))
            let side = TLSSession.Side.client(own, name: .name("localhost"), sessions: sessions, server: "s")
            #expect(await TLSEnds.failure(of: bad.client, side, until: worker.now + .seconds(30)) == .notTLS(.http))
            #expect(sessions.count == 0)
            for ends in [good, bad] { ends.close() }
        }
    }

    /// They go out with what is written next.
    private static func changeKeys(of stream: WstanCore.Stream, times: Int, _ kind: Int32) {
        for _ in 0..<times {
            #expect(SSL_key_update(stream.tls?.ssl, kind) == 1)
            #expect(SSL_do_handshake(stream.tls?.ssl) == 1)
        }
    }

    private static func take(_ count: Int, from stream: WstanCore.Stream) async -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, await stream.waitReadable() == .ready {
            let body = stream.worker.scratch.body(count - bytes.count)
            switch stream.read(into: body) {
            case .bytes(let more): bytes += body[..<more]
            case .wouldBlock: continue
            case .end, .failed: return bytes
            }
        }
        return bytes
    }
}
