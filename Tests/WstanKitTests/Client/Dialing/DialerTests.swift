import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct DialerTests {
    private static let target = Address(host: .name("target.test"), port: 443)

    /// A dialer with its pool, and what came of one call.
    private struct Dial: @unchecked Sendable {
        let worker: Worker
        let dialer: Dialer
        let pool: TunnelPool

        init(to server: Address, on worker: Worker, _ change: (inout ClientOptions) -> Void = { _ in }) throws {
            let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
            var options = ClientOptions(
                servers: [
                    ServerEndpoint(address: server, name: server.host, hostHeader: "front.test", pathPrefix: "/t/")
                ], key: .v1(key))
            change(&options)
            self.worker = worker
            pool = TunnelPool(worker: worker, size: 2, maxIdle: .seconds(300), log: .silent)
            dialer = Dialer(
                worker: worker, options: options,
                connector: Connector(worker: worker, resolver: Resolver(pool: BlockingPool(maxThreads: 1))),
                pool: pool)
        }

        func open(_ early: [UInt8] = [1, 2]) async -> Result<Tunnel, DialFailure> {
            let connection = Connection(worker: worker, end: nil)
            let first = await dialer.connect()
            do {
                return .success(try await dialer.open(connection, to: DialerTests.target, early: early, first: first))
            } catch {
                return .failure(error)
            }
        }

        func failure() async -> DialFailure? {
            if case .failure(let failure) = await open() { failure } else { nil }
        }
    }

    // MARK: Accepted

    @Test(arguments: [false, true])
    func `a request that our server lets in opens a tunnel that carries both ways`(compatible: Bool) async throws {
        try await WorkerThread.run { worker in
            let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
            var serverOptions = ServerOptions(keys: [key])
            serverOptions.compatible = compatible
            let authentication = Authentication(options: serverOptions, replayGuard: ReplayGuard(capacity: 10))
            let owner = RecordingOwner()
            let server = try HandMadeServer(on: worker) { visit in
                guard let head = visit.head, let verified = try? authentication.verify(head, now: WallClock.now()),
                    case .request(let request) = verified.opening
                else { return visit.stream.close() }
                visit.stream.write(WebSocketHandshake.response(accept: verified.accept, server: "s", date: "d"))
                let tunnel = Tunnel(
                    id: worker.nextID(), role: .server, stream: visit.stream, sealer: verified.sealer,
                    opener: verified.opener, pings: Tunnel.Pings(), owner: owner, acceptor: owner)
                guard let connection = tunnel.accept(request) else { return }
                owner.tunnel(tunnel, serve: request, as: connection)
                tunnel.end(connection, .targetBroken)
                await tunnel.receiveLoop()
            }
            let dial = try Dial(to: server.address, on: worker) { $0.compatible = compatible }
            let tunnel = try await dial.open().get()
            await worker.until { tunnel.isIdle && owner.idleCount == 1 }
            #expect(owner.served.first?.request.target == Self.target)
            #expect(owner.served.first?.request.data == [1, 2])
            #expect(dial.pool.popIdle() === tunnel)
            let visit = try #require(server.visits.first)
            #expect(visit.value("Host") == "front.test")
            #expect((visit.value("Cookie") != nil) == compatible)
            tunnel.close(CloseCode.normal)
            await worker.until { owner.endedCount == 1 }
            server.close()
            #expect(worker.budget.held == 0)
        }
    }

    /// Python's servers strip the cookie's name in a way that eats leading characters of the nonce equal to its letter.
    @Test func `a nonce in a cookie never begins with the letter of its name`() async throws {
        let cookies = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(Array("HTTP/1.1 404 Not Found\r\n\r\n".utf8))
                visit.stream.closeOrderly(awaitingPeer: true)
            }
            let dial = try Dial(to: server.address, on: worker) { $0.compatible = true }
            for _ in 0..<300 { _ = await dial.open() }
            await worker.until { server.visits.count == 300 }
            server.close()
            return server.visits.compactMap { $0.value("Cookie") }
        }
        #expect(cookies.count == 300)
        #expect(cookies.allSatisfy { $0.hasPrefix("_K=") && !$0.hasPrefix("_K=K") })
        #expect(Set(cookies).count == 300)
    }

    // MARK: Refused

    @Test(arguments: [
        (
            "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=||",
            "websocket-proxy"
        ),
        ("HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade||", "websocket-proxy"),
        ("HTTP/1.1 101 X||", "upgrade-removed"), ("|HTTP/1.1 101 X| folded||", "upgrade-removed"),
        ("SSH-2.0-OpenSSH_9.2||", "not-http"), ("SSH-2.0-x|", "not-http"),
        ("HTTP/1.1 20 OK||", "malformed-answer"), ("HTTP/1.1|| ", "malformed-answer"), ("|| ", "not-http"),
        ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{46}", "tls-expected"),
    ])
    func `what does not accept the key is told by what it is`(lines: String, code: String) async throws {
        let failure = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(Array(lines.replacing("|", with: "\r\n").utf8))
            }
            let failure = try await Dial(to: server.address, on: worker).failure()
            server.close()
            return failure
        }
        #expect(failure?.code == code)
    }

    @Test func `an answer whose head does not end is given up`() async throws {
        let failure = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(Array("HTTP/1.1 200 OK\r\nA: ".utf8) + [UInt8](repeating: 65, count: 40_000))
            }
            let failure = try await Dial(to: server.address, on: worker).failure()
            server.close()
            return failure
        }
        #expect(failure == .tooLargeAnswer(.tooLong(ClientLimits.answerHead)))
    }

    @Test(arguments: [
        (180.0, "3 minutes behind"), (-180, "3 minutes ahead of"),
        (0, "compare the key, the path of uri and compatible"),
    ])
    func `a plain answer tells whether the clock is to blame`(offset: Double, words: String) async throws {
        let failure = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(PlainAnswer(.notFound).bytes(now: WallClock.now() + offset))
                visit.stream.closeOrderly(awaitingPeer: true)
            }
            let failure = try await Dial(to: server.address, on: worker).failure()
            server.close()
            return failure
        }
        #expect(failure?.text.contains(words) == true, "\(failure?.text ?? "")")
        #expect(failure?.text.contains("404") == true)
    }

    @Test(arguments: [
        "", "Date: yesterday|", "Date: Sun, 06 Nov 1994 08:49:37 GMT|Date: Sun, 06 Nov 1994 08:49:37 GMT|",
    ])
    func `an answer without a good date blames no clock`(fields: String) async throws {
        let failure = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(Array("HTTP/1.1 400 Bad Request|\(fields)|".replacing("|", with: "\r\n").utf8))
            }
            let failure = try await Dial(to: server.address, on: worker).failure()
            server.close()
            return failure
        }
        #expect(failure?.status == 400)
    }

    // MARK: Broken

    @Test(arguments: [false, true])
    func `a reset is tried again five times, each time as a new request`(beforeRequest: Bool) async throws {
        let (failure, visits) = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { stream in
                if beforeRequest { stream.abort() }
                return beforeRequest
            } serve: { visit in
                visit.stream.abort()
            }
            let failure = try await Dial(to: server.address, on: worker).failure()
            await worker.until { server.visits.count >= 6 }
            await worker.settle()
            server.close()
            return (failure, server.visits)
        }
        #expect(failure == .reset)
        #expect(visits.count == 6)
        if !beforeRequest {
            #expect(Set(visits.compactMap { $0.value("Sec-WebSocket-Key") }).count == 6)
            #expect(Set(visits.compactMap { $0.head?.requestLine.map { Array($0.target) } }).count == 6)
        }
    }

    /// A middlebox may reset a connection that was made while the user agent's first bytes were awaited.
    @Test func `a reset that has come before the request is written is tried again too`() async throws {
        let count = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                visit.stream.write(visit.acceptance)
            }
            let dial = try Dial(to: server.address, on: worker)
            let (broken, peer) = try await Loopback.pair(on: worker)
            peer.abort()
            await worker.settle()
            let connection = Connection(worker: worker, end: nil)
            let uplink = Uplink(stream: broken, server: dial.dialer.options.servers[0])
            let tunnel = try await dial.dialer.open(connection, to: Self.target, early: [], first: .success(uplink))
            tunnel.close(CloseCode.normal)
            let count = server.visits.count
            server.close()
            return count
        }
        #expect(count == 1)
    }

    @Test func `a retry that is accepted is good`() async throws {
        try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                if visit.number < 4 { visit.stream.abort() } else { visit.stream.write(visit.acceptance) }
            }
            let tunnel = try await Dial(to: server.address, on: worker).open().get()
            #expect(server.visits.count == 4)
            tunnel.close(CloseCode.normal)
            server.close()
        }
    }

    @Test func `a server that closes, or says nothing, is not tried again`() async throws {
        let (closed, silent, count) = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { visit in
                if visit.number == 1 { visit.stream.closeOrderly(awaitingPeer: false) }
            }
            let closed = try await Dial(to: server.address, on: worker).failure()
            let impatient = try Dial(to: server.address, on: worker) { $0.handshakeTimeout = .milliseconds(50) }
            let silent = await impatient.failure()
            let count = server.visits.count
            server.close()
            return (closed, silent, count)
        }
        #expect(closed == .closed(usesTLS: false))
        #expect(silent == .timedOut)
        #expect(count == 2)
    }

    @Test func `a server that nobody runs cannot be reached`() async throws {
        let failure = try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { _ in }
            let address = server.address
            server.close()
            return try await Dial(to: address, on: worker).failure()
        }
        #expect(failure == .unreachable(.connect(SystemError(call: "connect", code: 111)), onLoopback: true))
    }

    // MARK: Through a proxy

    @Test func `a proxy is asked for the way, and then the server for the tunnel`() async throws {
        let visits = try await WorkerThread.run { worker in
            let proxy = try HandMadeServer(on: worker) { visit in
                visit.stream.write(Array("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n".utf8))
                // From here on it is the server.
                var intake = BufferedReader(visit.stream)
                let head = try? await intake.readHead(limit: 100_000, deadline: worker.now + .seconds(30)).get()
                visit.stream.write(HandMadeServer.Visit(number: 0, stream: visit.stream, head: head).acceptance)
            }
            let server = Address(host: .name("server.test"), port: 8080)
            let dial = try Dial(to: server, on: worker) { $0.servers[0].proxy = Self.proxy(at: proxy) }
            let tunnel = try await dial.open().get()
            tunnel.close(CloseCode.normal)
            proxy.close()
            return proxy.visits
        }
        let line = try #require(visits.first?.head?.requestLine)
        #expect(String(decoding: line.method, as: UTF8.self) == "CONNECT")
        #expect(String(decoding: line.target, as: UTF8.self) == "server.test:8080")
        #expect(visits.first?.value("Host") == "server.test:8080")
    }

    private static func proxy(
        at server: HandMadeServer, _ scheme: ProxyAddress.Scheme = .http, user: String? = nil, password: String = ""
    ) -> ProxyAddress {
        let address = server.address
        return ProxyAddress(
            scheme: scheme, host: "\(address.host)", port: address.port, user: user,
            password: user.map { _ in Secret(password) })
    }

    @Test func `a proxy that says no is quoted`() async throws {
        let failure = try await WorkerThread.run { worker in
            let proxy = try HandMadeServer(on: worker) { visit in
                let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                visit.stream.write(Array(answer.utf8))
            }
            let server = Address(host: .name("server.test"), port: 8080)
            let failure = try await Dial(to: server, on: worker) { $0.servers[0].proxy = Self.proxy(at: proxy) }
                .failure()
            proxy.close()
            return failure
        }
        #expect(failure == .proxyRefused(.wantsCredentials(reason: "Proxy Authentication Required")))
    }

    @Test func `a proxy that says nothing, or no HTTP, is given up`() async throws {
        let failures = try await WorkerThread.run { worker in
            let proxy = try HandMadeServer(on: worker) { visit in
                if visit.number == 1 { visit.stream.write(Array("\r\nno".utf8)) }
            }
            let server = Address(host: .name("server.test"), port: 8080)
            var failures: [DialFailure?] = []
            for _ in 0..<2 {
                let dial = try Dial(to: server, on: worker) {
                    $0.servers[0].proxy = Self.proxy(at: proxy)
                    $0.handshakeTimeout = .milliseconds(50)
                }
                failures.append(await dial.failure())
            }
            proxy.close()
            return failures
        }
        #expect(failures == [.proxyRefused(.unreadable(.http)), .proxyRefused(.silent)])
    }
}
