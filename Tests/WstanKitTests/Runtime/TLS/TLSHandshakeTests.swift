import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(2))) struct TLSHandshakeTests {
    private static func outcome(
        _ client: TLSClientContext.Configuration, _ server: TLSServerContext.Configuration,
        name: Host = .name("localhost")
    ) async throws -> (client: TLSFailure?, server: TLSFailure?) {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds(worker)
            let failures = try await ends.shakeHands(
                worker, client: client, server: TLSServerContext(server), name: name)
            await worker.settle()
            ends.close()
            #expect(worker.budget.heads == 0)
            #expect(worker.budget.held == 0)
            return failures
        }
    }

    @Test(arguments: [
        Host.name("localhost"), .name("localhost."), .ipv4(IPv4Address(0x7f00_0001)),
        .ipv6(IPv6Address(high: 0, low: 1)), .name("a.wild.test"),
    ])
    func `a certificate is for its names and addresses`(name: Host) async throws {
        let authority = try TestAuthority()
        let identity = try authority.issue(names: "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:*.wild.test")
        let failures = try await Self.outcome(
            .init(caFile: authority.caFile), .init(identity: identity), name: name)
        #expect(failures.client == nil)
        #expect(failures.server == nil)
    }

    @Test func `a certificate is not for others, and its names are told`() async throws {
        let authority = try TestAuthority()
        let identity = try authority.issue(names: "DNS:one.test,DNS:*.two.test,IP:192.0.2.1,IP:2001:db8::1")
        for name in [Host.name("localhost"), .name("a.b.two.test"), .ipv4(IPv4Address(0x7f00_0001))] {
            let failures = try await Self.outcome(
                .init(caFile: authority.caFile), .init(identity: identity), name: name)
            let names = ["one.test", "*.two.test", "192.0.2.1", "2001:db8::1"]
            #expect(failures.client == .wrongName("\(name)", names: names))
            #expect(failures.server != nil)
        }
    }

    @Test func `a certificate has its time`() async throws {
        let authority = try TestAuthority()
        let ca = TLSClientContext.Configuration(caFile: authority.caFile)
        let old = try await Self.outcome(ca, .init(identity: authority.issue(days: -30 ... -1)))
        guard case .expired(let day) = old.client else { return #expect(old.client == nil, "expired") }
        #expect(day.count == 10 && day.hasPrefix("20"))
        let early = try await Self.outcome(ca, .init(identity: authority.issue(days: 1...30)))
        guard case .notYetValid = early.client else { return #expect(early.client == nil, "not yet") }
        let warned = try TLSServerContext(.init(identity: authority.issue(days: -30 ... -1)))
        #expect(warned.warning?.contains("expired") == true)
        #expect(try TLSServerContext(.init(identity: authority.issue())).warning == nil)
    }

    @Test func `nobody who is not believed vouches for it`() async throws {
        let (authority, other) = (try TestAuthority(name: "Someone"), try TestAuthority())
        let strange = try await Self.outcome(.init(caFile: other.caFile), .init(identity: authority.issue()))
        #expect(strange.client == .unknownIssuer("Someone"))
        guard case .alert = strange.server else { return #expect(strange.server == nil, "alert") }
        let own = try authority.issue(selfSigned: true)
        #expect(try await Self.outcome(.init(caFile: other.caFile), .init(identity: own)).client == .selfSigned)
        // The system's store knows neither.
        #expect(try await Self.outcome(.init(), .init(identity: own)).client == .selfSigned)
        // Whoever names it as one to believe believes it.
        let named = try await Self.outcome(.init(caFile: own.certificate), .init(identity: own))
        #expect(named.client == nil)
    }

    @Test func `pins bind the server to a key, its own or one it stands on`() async throws {
        let authority = try TestAuthority()
        let identity = try authority.issue()
        let server = TLSServerContext.Configuration(identity: identity)
        let own = try TestAuthority.pin(of: identity.certificate)
        let root = try TestAuthority.pin(of: authority.caFile)
        let wrong = [UInt8](repeating: 1, count: 32)
        for pins in [[own], [wrong, root]] {
            #expect(try await Self.outcome(.init(caFile: authority.caFile, pins: pins), server).client == nil)
        }
        let refused = try await Self.outcome(.init(caFile: authority.caFile, pins: [wrong]), server).client
        #expect(refused == .pinMismatch(key: TLSCertificate.text(ofPin: own)))
        // Without a check the chain proves nothing: its own key alone counts.
        var blind = TLSClientContext.Configuration(pins: [own], verifies: false)
        #expect(try await Self.outcome(blind, server, name: .name("else.test")).client == nil)
        blind.pins = [root]
        #expect(try await Self.outcome(blind, server).client != nil)
        blind.pins = []
        #expect(try await Self.outcome(blind, server).client == nil)
    }

    @Test func `a server may want a certificate of clients`() async throws {
        let (authority, clients) = (try TestAuthority(), try TestAuthority(name: "Clients"))
        let server = TLSServerContext.Configuration(identity: try authority.issue(), clientCA: clients.caFile)
        var client = TLSClientContext.Configuration(caFile: authority.caFile)
        #expect(try await Self.outcome(client, server).server != nil)
        client.identity = try authority.issue("other")
        #expect(try await Self.outcome(client, server).server != nil)
        client.identity = try clients.issue("client")
        let good = try await Self.outcome(client, server)
        #expect(good.client == nil && good.server == nil)
    }

    /// In TLS 1.3 the client is done before the server has looked.
    @Test func `a client that is turned away later reads why`() async throws {
        let failure = try await WorkerThread.run { worker in
            let (authority, clients) = (try TestAuthority(), try TestAuthority(name: "Clients"))
            let ends = try await TLSEnds(worker)
            let server = try TLSServerContext(.init(identity: authority.issue(), clientCA: clients.caFile))
            _ = try await ends.shakeHands(worker, client: .init(caFile: authority.caFile), server: server)
            #expect(await ends.client.readAll().ending == .failed(EPROTO))
            defer { ends.close() }
            return ends.client.tls?.failure
        }
        #expect(failure == .alert(.certificateRequired))
    }

    @Test func `sessions are resumed, also after the certificate was replaced`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let sessions = TLSSessions()
            var context = try TLSServerContext(.init(identity: authority.issue()))
            for number in 0..<4 {
                if number == 3 {
                    context = try TLSServerContext(.init(identity: authority.issue()), succeeding: context)
                }
                let ends = try await TLSEnds(worker)
                let failures = try await ends.shakeHands(
                    worker, client: .init(caFile: authority.caFile), server: context, sessions: sessions)
                #expect(failures.client == nil)
                #expect(ends.client.tls?.isResumed == (number > 0))
                #expect(ends.server.tls?.isResumed == (number > 0))
                ends.server.write([1])
                ends.server.closeOrderly(awaitingPeer: false)
                // The tickets come before the byte.
                #expect(await ends.client.readAll().bytes == [1])
                ends.close()
            }
            #expect(sessions.count == 1)
        }
    }

    /// The end of the handshake and what follows it came in one read, and what follows was not seen any more.
    @Test func `what comes together with the end of the handshake is read`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let (client, toServer) = try await Loopback.pair(on: worker)
            let (server, toClient) = try await Loopback.pair(on: worker)
            let context = try TLSServerContext(.init(identity: authority.issue()))
            let own = try TLSClientContext(.init(caFile: authority.caFile))
            let side = TLSSession.Side.client(own, name: .name("localhost"), sessions: nil, server: "s")
            let near = Task(executorPreference: worker) {
                await TLSEnds.failure(of: client, side, until: worker.now + .seconds(30))
            }
            let far = Task(executorPreference: worker) {
                await TLSEnds.failure(of: server, .server(context), until: worker.now + .seconds(30))
            }
            func pass(_ source: WstanCore.Stream, _ sink: WstanCore.Stream) async {
                guard await source.waitReadable() == .ready else { return }
                let body = worker.scratch.body()
                if case .bytes(let count) = source.read(into: body) {
                    sink.write(UnsafeRawBufferPointer(rebasing: body[..<count]))
                }
            }
            await pass(toServer, toClient)
            while !(client.tls?.isEstablished ?? false) {
                await pass(toClient, toServer)
                await worker.settle()
            }
            #expect(await near.value == nil)
            client.write([1, 2, 3])
            await worker.settle()
            await pass(toServer, toClient)
            #expect(await far.value == nil)
            #expect(await server.waitReadable(deadline: worker.now + .seconds(5)) == .ready)
            let body = worker.scratch.body()
            guard case .bytes(3) = server.read(into: body) else {
                Issue.record("nothing was read")
                return
            }
            for stream in [client, server, toServer, toClient] { stream.close() }
        }
    }

    // MARK: Not TLS

    private static func server() throws -> TLSServerContext {
        try TLSServerContext(.init(identity: TestAuthority().issue()))
    }

    private static func meet(_ bytes: [UInt8], thenEnd: Bool = true) async throws -> TLSFailure? {
        try await WorkerThread.run { worker in
            let ends = try await TLSEnds(worker)
            ends.client.write(bytes)
            if thenEnd { ends.client.finish() }
            defer { ends.close() }
            return await TLSEnds.failure(of: ends.server, .server(try server()), until: worker.now + .milliseconds(300))
        }
    }

    @Test func `plain HTTP, silence and halves of handshakes are told apart`() async throws {
        #expect(try await Self.meet(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) == .notTLS(.http))
        #expect(try await Self.meet([]) == .cut)
        #expect(try await Self.meet([22, 3, 1, 0]) == .cut)
        #expect(try await Self.meet([22, 3, 1, 0], thenEnd: false) == .timedOut)
        #expect(try await Self.meet([], thenEnd: false) == .timedOut)
    }

    @Test func `a server that speaks no TLS is told`() async throws {
        let failure = try await WorkerThread.run { worker in
            let ends = try await TLSEnds(worker)
            ends.server.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            let side = TLSSession.Side.client(
                try TLSClientContext(.init()), name: .name("a"), sessions: nil, server: "s")
            defer { ends.close() }
            return await TLSEnds.failure(of: ends.client, side, until: worker.now + .seconds(30))
        }
        #expect(failure == .notTLS(.http))
    }

    @Test func `a handshake is reset, given up or cancelled`() async throws {
        try await WorkerThread.run { worker in
            for number in 0..<3 {
                let ends = try await TLSEnds(worker)
                let context = try Self.server()
                let shaking = Task(executorPreference: worker) {
                    await TLSEnds.failure(of: ends.server, .server(context), until: worker.now + .seconds(60))
                }
                if number < 2 { await worker.settle() }
                switch number {
                case 0: ends.client.abort()
                case 1: ends.server.close()
                default: shaking.cancel()
                }
                #expect(await shaking.value == (number == 0 ? .reset : .closed))
                ends.close()
            }
        }
    }

    /// Records of a handshake whose message says that it has 128 KiB.
    @Test func `a handshake is bounded in bytes`() async throws {
        let head: [UInt8] = [1, 1, 0xff, 0]
        var bytes: [UInt8] = []
        for number in 0..<10 {
            let body = (number == 0 ? head : []) + [UInt8](repeating: 0, count: 16_000)
            bytes += [22, 3, 1, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
        }
        let failure = try await Self.meet(bytes, thenEnd: false)
        #expect(failure != nil && failure != .timedOut)
    }

    /// Nothing that a peer can say traps, on either side.
    @Test func `whatever comes instead of a handshake is survived`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let context = try TLSServerContext(.init(identity: authority.issue()))
            let own = try TLSClientContext(.init(caFile: authority.caFile))
            // A true beginning of either side, to be changed.
            let hello = try await Self.flight(worker, .client(own, name: .name("localhost"), sessions: nil, server: ""))
            let answer = try await Self.flight(worker, .server(context), after: hello)
            var random = SeededRandomness(seed: 99)
            for number in 0..<600 {
                let isServer = number % 2 == 0
                var bytes = isServer ? hello : answer
                switch number % 3 {
                case 0: bytes = random.bytes(1 + Int(random.next() % 600))
                case 1:
                    for _ in 0..<(1 + number % 7) {
                        bytes[Int(random.next() % UInt64(bytes.count))] = random.bytes(1)[0]
                    }
                default: bytes = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count)))) + random.bytes(40)
                }
                let ends = try await TLSEnds(worker)
                ends.client.write(bytes)
                ends.client.finish()
                let side =
                    isServer
                    ? TLSSession.Side.server(context)
                    : .client(own, name: .name("localhost"), sessions: nil, server: "")
                let failure = await TLSEnds.failure(of: ends.server, side, until: worker.now + .seconds(30))
                #expect(failure != nil)
                ends.server.closeOrderly(awaitingPeer: true)
                ends.client.close()
            }
            await worker.until { worker.lingeringCloses == 0 }
            #expect(worker.budget.held == 0)
            #expect(worker.budget.heads == 0)
        }
    }

    /// What a side says first, when the other has said `bytes`.
    private static func flight(
        _ worker: Worker, _ side: TLSSession.Side, after bytes: [UInt8] = []
    ) async throws -> [UInt8] {
        let ends = try await TLSEnds(worker)
        if !bytes.isEmpty { ends.client.write(bytes) }
        let it = Held(side: side)
        let shaking = Task(executorPreference: worker) {
            await TLSEnds.failure(of: ends.server, it.side, until: worker.now + .milliseconds(100))
        }
        #expect(await shaking.value == .timedOut)
        ends.server.close()
        return await ends.client.readAll().bytes
    }

    private struct Held: @unchecked Sendable {
        let side: TLSSession.Side
    }

    @Test func `a protocol is found in a list of them, however it is cut`() {
        let list: [UInt8] = [2] + Array("h2".utf8) + [8] + Array("http/1.1".utf8) + [0, 1, 65]
        #expect(TLSServerContext.place(of: "http/1.1", in: list) == 4..<12)
        #expect(TLSServerContext.place(of: "h2", in: list) == 1..<3)
        #expect(TLSServerContext.place(of: "h", in: list) == nil)
        for count in 0..<12 { #expect(TLSServerContext.place(of: "http/1.1", in: Array(list.prefix(count))) == nil) }
        var random = SeededRandomness(seed: 7)
        for count in 0..<300 {
            let bytes = random.bytes(count) + list
            guard let place = TLSServerContext.place(of: "http/1.1", in: bytes) else { continue }
            #expect(bytes[place].elementsEqual("http/1.1".utf8))
        }
    }

    // MARK: Files

    @Test func `a context names what is wrong with its files`() throws {
        let authority = try TestAuthority()
        let (one, two) = (try authority.issue("one"), try authority.issue("two"))
        // A chain in the wrong order: the authority's first.
        let reversed = authority.path("reversed.pem")
        let bytes = try [authority.caFile, one.certificate].flatMap { try FileReader.read($0, limit: 1 << 16) }
        let file = try #require(fopen(reversed, "w"))
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        func problem(_ certificate: String, _ key: String, _ clientCA: String? = nil) -> String? {
            do throws(TLSContext.Problem) {
                let identity = TLSContext.Identity(certificate: certificate, key: key)
                _ = try TLSServerContext(.init(identity: identity, clientCA: clientCA))
                return nil
            } catch {
                return error.description
            }
        }
        #expect(problem(one.certificate, one.key) == nil)
        #expect(problem("/nowhere/a.pem", one.key)?.contains("/nowhere/a.pem: No such file") == true)
        #expect(problem(one.certificate, "/nowhere/b.pem")?.contains("/nowhere/b.pem: No such file") == true)
        #expect(problem(one.key, one.key)?.contains("holds no certificate") == true)
        #expect(problem(one.certificate, one.certificate)?.contains("holds no private key") == true)
        #expect(
            problem(one.certificate, two.key) == "private key \(two.key) does not match certificate \(one.certificate)")
        let order = problem(reversed, one.key)
        #expect(order?.contains("wrong order") == true && order?.contains("is number 2") == true, "\(order ?? "")")
        #expect(problem(reversed, two.key)?.contains("does not match") == true)
        #expect(problem(one.certificate, one.key, one.key)?.contains("holds no certificate") == true)
        #expect(throws: TLSContext.Problem.self) { try TLSClientContext(.init(caFile: one.key)) }
        #expect(problem("/dev", one.key)?.contains("/dev: it is a directory, not a file; name a regular file") == true)
        #expect(problem(one.certificate, "/dev/zero")?.contains("it is a device") == true)
        #expect(problem(one.certificate, one.key, "/dev")?.contains("it is a directory") == true)

        // What comes through a pipe comes once, and is read by its name more than once.
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        func pipe(_ file: String) throws -> String {
            var ends: [Int32] = [0, 0]
            try #require(Glibc.pipe(&ends) == 0)
            open.append(ends[0])
            let bytes = try FileReader.read(file, limit: 1 << 15)
            #expect(write(ends[1], bytes, bytes.count) == bytes.count)
            close(ends[1])
            return "/dev/fd/\(ends[0])"
        }
        #expect(problem(try pipe(one.certificate), try pipe(one.key), try pipe(authority.caFile)) == nil)
        #expect(problem(try pipe(reversed), try pipe(one.key))?.contains("is number 2") == true)
    }
}
