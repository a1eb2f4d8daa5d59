import Glibc
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// Several servers, servers that restart, and proxies, seen from the dialer.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DialerWayTests {
    private struct Dial: @unchecked Sendable {
        let worker: Worker
        let dialer: Dialer
        let changes = Changes()

        init(to servers: [ServerEndpoint], on worker: Worker) throws {
            let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
            self.worker = worker
            dialer = Dialer(
                worker: worker, options: ClientOptions(servers: servers, key: .v1(key)),
                connector: Connector(worker: worker, resolver: Resolver(pool: BlockingPool(maxThreads: 1))),
                pool: TunnelPool(worker: worker, size: 2, maxIdle: .seconds(300), log: .silent))
            dialer.servers.whenChanged = { [changes] change in changes.all.append(change) }
        }

        /// Opens a tunnel and closes it.
        ///
        /// - Returns: the number of the server that took it.
        func open(mayRepeat: Bool = true) async -> Result<Int, DialFailure> {
            let connection = Connection(worker: worker, end: nil)
            let target = Address(host: .name("target.test"), port: 443)
            let first = await dialer.connect()
            do {
                let tunnel = try await dialer.open(
                    connection, to: target, early: [1], first: first, mayRepeat: mayRepeat)
                tunnel.close(CloseCode.normal)
                return .success(tunnel.mark)
            } catch {
                return .failure(error)
            }
        }

        func failedStatus() async -> Int? {
            if case .failure(let failure) = await open() { failure.status } else { nil }
        }
    }

    private final class Changes: @unchecked Sendable {
        var all: [ServerListMachine.Change] = []
    }

    private static func endpoint(_ address: Address) -> ServerEndpoint {
        ServerEndpoint(address: address, name: address.host, hostHeader: "front.test", pathPrefix: "/t/")
    }

    private static func accepting(on worker: Worker) throws -> HandMadeServer {
        try HandMadeServer(on: worker) { $0.stream.write($0.acceptance) }
    }

    /// A server whose nth visitor gets the nth answer, and the last one of them all others; an empty one is an end.
    private static func answering(_ answers: [String], on worker: Worker) throws -> HandMadeServer {
        try HandMadeServer(on: worker) { visit in
            switch answers[min(visit.number, answers.count) - 1] {
            case "101": visit.stream.write(visit.acceptance)
            case "": visit.stream.closeOrderly(awaitingPeer: false)
            case let status:
                visit.stream.write(Array("HTTP/1.1 \(status) X\r\n\r\n".utf8))
                visit.stream.closeOrderly(awaitingPeer: true)
            }
        }
    }

    // MARK: Several servers

    @Test func `a server that refuses is passed over, by the next ones at once`() async throws {
        try await WorkerThread.run { worker in
            let gone = try Self.accepting(on: worker)
            let first = Self.endpoint(gone.address)
            gone.close()
            let second = try Self.accepting(on: worker)
            let dial = try Dial(to: [first, Self.endpoint(second.address)], on: worker)
            for _ in 0..<3 { #expect(await dial.open() == .success(1)) }
            #expect(dial.changes.all == [.fellBack(to: 1)])
            second.close()
        }
    }

    @Test(arguments: ["404", "502"])
    func `a server that refuses the handshake is passed over, even by what must not be repeated`(
        status: String
    ) async throws {
        try await WorkerThread.run { worker in
            let first = try Self.answering([status], on: worker)
            let second = try Self.accepting(on: worker)
            let dial = try Dial(to: [first, second].map { Self.endpoint($0.address) }, on: worker)
            #expect(await dial.open(mayRepeat: false) == .success(1))
            #expect(await dial.open(mayRepeat: false) == .success(1))
            #expect(first.visits.count == 1)
            first.close()
            second.close()
        }
    }

    @Test func `a handshake that was cut goes on elsewhere only where it may be repeated`() async throws {
        try await WorkerThread.run { worker in
            let first = try Self.answering([""], on: worker)
            let second = try Self.accepting(on: worker)
            func dial() throws -> Dial { try Dial(to: [first, second].map { Self.endpoint($0.address) }, on: worker) }
            #expect(try await dial().open(mayRepeat: false) == .failure(.at(first.address, .closed(usesTLS: false))))
            #expect(second.visits.isEmpty)
            #expect(try await dial().open() == .success(1))
            first.close()
            second.close()
        }
    }

    @Test func `when none works all are tried, and the one in use is told`() async throws {
        try await WorkerThread.run { worker in
            let first = try Self.answering(["404", "404", "101"], on: worker)
            let second = try Self.answering(["400"], on: worker)
            let dial = try Dial(to: [first, second].map { Self.endpoint($0.address) }, on: worker)
            for _ in 0..<2 {
                guard case .failure(.at(first.address, let failure)) = await dial.open() else {
                    Issue.record("the first server's failure")
                    continue
                }
                #expect(failure.status == 404)
            }
            #expect([first, second].map(\.visits.count) == [2, 2])
            // So one that is back is noticed at once.
            #expect(await dial.open() == .success(0))
            first.close()
            second.close()
        }
    }

    /// A proxy that does not answer stands for a server that swallows packets.
    @Test func `a silent server costs those who come together one second, and the next ones nothing`() async throws {
        try await WorkerThread.run { worker in
            let silent = try HandMadeServer(on: worker) { _ in }
            let second = try Self.accepting(on: worker)
            var first = Self.endpoint(Address(host: .name("server.test"), port: 80))
            first.proxy = ProxyAddress(host: "127.0.0.1", port: silent.address.port)
            let dial = try Dial(to: [first, Self.endpoint(second.address)], on: worker)
            let began = worker.now
            let together = (0..<3).map { _ in worker.spawn { #expect(await dial.open() == .success(1)) } }
            for one in together { await one.value }
            #expect((1..<2).contains((worker.now - began).inSeconds))
            await worker.until { silent.visits.count == 3 }
            let later = worker.now
            for _ in 0..<3 { #expect(await dial.open() == .success(1)) }
            #expect((worker.now - later).inSeconds < 0.9)
            #expect(silent.visits.count == 3)
            // The connections that lost are closed.
            for visit in silent.visits { #expect(await visit.stream.readAll().bytes.isEmpty) }
            silent.close()
            second.close()
        }
    }

    // MARK: Restarts

    @Test(arguments: ["502", "503", "504", ""])
    func `a server that has worked is waited for`(answer: String) async throws {
        try await WorkerThread.run { worker in
            let server = try Self.answering(["101", answer, answer, "101"], on: worker)
            let dial = try Dial(to: [Self.endpoint(server.address)], on: worker)
            #expect(await dial.open() == .success(0))
            let began = worker.now
            #expect(await dial.open() == .success(0))
            // Pauses of up to 0.1 and 0.2 s, any of them shorter.
            #expect((worker.now - began).inSeconds < 2)
            #expect(server.visits.count == 4)
            server.close()
        }
    }

    @Test func `what must not be repeated is not, where nobody knows whether it was served`() async throws {
        try await WorkerThread.run { worker in
            let server = try Self.answering(["101", "", "101"], on: worker)
            let dial = try Dial(to: [Self.endpoint(server.address)], on: worker)
            #expect(await dial.open() == .success(0))
            #expect(await dial.open(mayRepeat: false) == .failure(.closed(usesTLS: false)))
            server.close()
        }
    }

    @Test func `one that has never worked, or says no, is not waited for`() async throws {
        try await WorkerThread.run { worker in
            let server = try Self.answering(["502", "101", "404", "101"], on: worker)
            let dial = try Dial(to: [Self.endpoint(server.address)], on: worker)
            #expect(await dial.failedStatus() == 502)
            #expect(await dial.open() == .success(0))
            #expect(await dial.failedStatus() == 404)
            server.close()
        }
    }

    // MARK: Another network

    /// A connection from an address that the kernel would not choose, as those are that a change has left behind.
    private static func leftBehind(_ server: Address, on worker: Worker) throws -> WstanCore.Stream {
        let descriptor = try SystemError.check("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        let other = SocketAddress.ipv4(IPv4Address(0x7f00_0002), port: 0)
        _ = try SystemError.check("bind") { other.withSockaddr { bind(descriptor, $0, $1) } }
        let peer = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: server.port)
        _ = try SystemError.check("connect") { peer.withSockaddr { connect(descriptor, $0, $1) } }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return try WstanCore.Stream(descriptor: descriptor, worker: worker)
    }

    @Test(arguments: [true, false])
    func `a handshake from an address that is no more is tried again, if it may be`(mayRepeat: Bool) async throws {
        try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { if $0.number > 1 { $0.stream.write($0.acceptance) } }
            let endpoint = Self.endpoint(server.address)
            let dial = try Dial(to: [endpoint], on: worker)
            let uplink = Uplink(stream: try Self.leftBehind(server.address, on: worker), server: endpoint)
            let opened = Wait<Bool>(worker: worker)
            worker.spawn {
                let tunnel = try? await dial.dialer.open(
                    Connection(worker: worker, end: nil), to: Address(host: .name("a.test"), port: 1), early: [],
                    first: .success(uplink), mayRepeat: mayRepeat)
                tunnel?.close(CloseCode.normal)
                opened.fulfill(tunnel != nil)
            }
            await worker.until { server.visits.count == 1 }
            let began = worker.now
            dial.dialer.servers.networkChanged()
            #expect(await opened.value(onTimeout: false, onCancel: false) == mayRepeat)
            #expect((worker.now - began).inSeconds < 1)
            server.close()
        }
    }

    @Test func `a handshake from the address that the kernel would choose again goes on`() async throws {
        try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { _ in }
            let dial = try Dial(to: [Self.endpoint(server.address)], on: worker)
            let opened = Wait<Result<Int, DialFailure>>(worker: worker)
            worker.spawn { opened.fulfill(await dial.open()) }
            await worker.until { server.visits.count == 1 }
            dial.dialer.servers.networkChanged()
            await worker.settle()
            server.visits[0].stream.write(server.visits[0].acceptance)
            #expect(await opened.value(onTimeout: .failure(.timedOut), onCancel: .failure(.timedOut)) == .success(0))
            #expect(server.visits.count == 1)
            server.close()
        }
    }

    @Test func `a connection that is being made is begun once more beside itself, and the quicker one wins`()
        async throws
    {
        try await WorkerThread.run { worker in
            let proxy = try HandMadeServer(on: worker) { visit in
                guard visit.number > 1 else { return }
                visit.stream.write(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
                var intake = BufferedReader(visit.stream)
                let head = try? await intake.readHead(limit: 100_000, deadline: worker.now + .seconds(30)).get()
                visit.stream.write(HandMadeServer.Visit(number: 0, stream: visit.stream, head: head).acceptance)
            }
            let dial = try Dial(to: [try Self.through("http://", proxy)], on: worker)
            let opened = Wait<Result<Int, DialFailure>>(worker: worker)
            worker.spawn { opened.fulfill(await dial.open()) }
            await worker.until { proxy.visits.count == 1 }
            dial.dialer.servers.networkChanged()
            #expect(await opened.value(onTimeout: .failure(.timedOut), onCancel: .failure(.timedOut)) == .success(0))
            #expect(await proxy.visits[0].stream.readAll().bytes.isEmpty)
            proxy.close()
        }
    }

    @Test func `a network that changes all the time makes no crowd of connections`() async throws {
        try await WorkerThread.run { worker in
            let proxy = try HandMadeServer(on: worker) { _ in }
            let dial = try Dial(to: [try Self.through("http://", proxy)], on: worker)
            worker.spawn { _ = await dial.open() }
            for _ in 0..<20 {
                dial.dialer.servers.networkChanged()
                await worker.settle()
            }
            await worker.sleep(for: .milliseconds(50))
            #expect((1...4).contains(proxy.visits.count))
            proxy.close()
        }
    }

    // MARK: Proxies

    /// A server that speaks the bytes of a script in turn: it waits for as many as it expects, then says its own.
    private static func scripted(
        _ script: [(expects: [UInt8], says: [UInt8])], on worker: Worker, then: @escaping (HandMadeServer.Visit) -> Void
    ) throws -> HandMadeServer {
        let box = Box(script: script, then: then)
        return try HandMadeServer(on: worker) { stream in
            worker.spawn {
                for (expects, says) in box.script {
                    #expect(await stream.take(expects.count) == expects)
                    stream.write(says)
                }
                var intake = BufferedReader(stream)
                let head = try? await intake.readHead(limit: 100_000, deadline: worker.now + .seconds(30)).get()
                box.then(HandMadeServer.Visit(number: 1, stream: stream, head: head))
            }
            return true
        } serve: { _ in
        }
    }

    private struct Box: @unchecked Sendable {
        let script: [(expects: [UInt8], says: [UInt8])]
        let then: (HandMadeServer.Visit) -> Void
    }

    private static func through(_ proxy: String, _ server: HandMadeServer) throws -> ServerEndpoint {
        var endpoint = Self.endpoint(Address(host: .name("a.test"), port: 443))
        endpoint.proxy = try ProxyAddress.read("\(proxy)\(server.address)")
        return endpoint
    }

    private static let socksRequest: [UInt8] = [5, 1, 0, 3, 6] + Array("a.test".utf8) + [1, 187]

    @Test(arguments: [false, true])
    func `a SOCKS5 proxy is asked for the server by its name`(hasCredentials: Bool) async throws {
        try await WorkerThread.run { worker in
            let granted: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
            let script: [(expects: [UInt8], says: [UInt8])] =
                hasCredentials
                ? [([5, 2, 0, 2], [5, 2]), ([1, 1, 117, 1, 112], [1, 0]), (Self.socksRequest, granted)]
                : [([5, 1, 0], [5, 0]), (Self.socksRequest, granted)]
            let proxy = try Self.scripted(script, on: worker) { $0.stream.write($0.acceptance) }
            let endpoint = try Self.through(hasCredentials ? "socks5://u:p@" : "socks5://", proxy)
            #expect(try await Dial(to: [endpoint], on: worker).open() == .success(0))
            proxy.close()
        }
    }

    @Test(arguments: [
        ([UInt8]([5, 255]), ProxyRefusal.socksMethods(hasCredentials: false)), ([5, 2], .unreadable(.socks5)),
        (Array("HTTP/1.1 400 Bad\r\n\r\n".utf8), .unreadable(.socks5)), ([5, 0, 5, 2], .socks(2)),
        ([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 72], .unreadable(.socks5)),
    ])
    func `what a SOCKS5 proxy says against it is told`(says: [UInt8], refusal: ProxyRefusal) async throws {
        try await WorkerThread.run { worker in
            let proxy = try Self.scripted([([5, 1, 0], says)], on: worker) { _ in }
            let endpoint = try Self.through("socks5://", proxy)
            #expect(try await Dial(to: [endpoint], on: worker).open() == .failure(.proxyRefused(refusal)))
            proxy.close()
        }
    }

    @Test func `an HTTP proxy may say something first, but nothing behind its yes`() async throws {
        try await WorkerThread.run { worker in
            let yes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
            let request = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"
            for (says, result) in [
                ("HTTP/1.1 103 Hints\r\n\r\n" + yes, Result<Int, DialFailure>.success(0)),
                (yes + "hello", .failure(.proxyRefused(.unreadable(.http)))),
            ] {
                let proxy = try Self.scripted([(Array(request.utf8), Array(says.utf8))], on: worker) {
                    $0.stream.write($0.acceptance)
                }
                #expect(try await Dial(to: [try Self.through("http://", proxy)], on: worker).open() == result)
                proxy.close()
            }
        }
    }

    // MARK: The handshake

    @Test func `what the configuration adds stands in the handshake`() async throws {
        try await WorkerThread.run { worker in
            let server = try Self.accepting(on: worker)
            var endpoint = Self.endpoint(server.address)
            endpoint.headers = [ExtraHeader(name: "X-A", value: "b c"), ExtraHeader(name: "Cookie", value: "d=e")]
            #expect(try await Dial(to: [endpoint], on: worker).open() == .success(0))
            #expect(server.visits.first?.value("X-A") == "b c")
            #expect(server.visits.first?.value("Cookie") == "d=e")
            server.close()
        }
    }
}
