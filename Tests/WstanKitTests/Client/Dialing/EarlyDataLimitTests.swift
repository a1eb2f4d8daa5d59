import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// A front that bounds the heads of requests (protocol-v2.md section 4.2).
@Suite(.serialized, .timeLimit(.minutes(1))) struct EarlyDataLimitTests {
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    // MARK: The value

    @Test func `behind such a front requests carry 512 bytes for a day, and then it is tried again`() {
        var limit = EarlyDataLimit()
        #expect(limit.most(Self.at(0)) == 4096)
        #expect(limit.lower(Self.at(0)) == true)
        let day = 24 * 3600
        #expect(limit.most(Self.at(day - 1)) == 512)
        #expect(limit.most(Self.at(day)) == 4096)
        // It was told.
        #expect(limit.lower(Self.at(day)) == false)
        #expect(limit.most(Self.at(2 * day - 1)) == 512)
    }

    @Test func `another network may be without it`() {
        var link = ServerLink()
        _ = link.earlyData.lower(Self.at(0))
        link.beginWays()
        #expect(link.earlyData.most(Self.at(0)) == 4096)
    }

    @Test func `an answer that may be to the length is 413, 414, 431, 494 and a 400 that gives no other cause`() {
        for status in [400, 413, 414, 431, 494] { #expect(DialFailure.refused(status: status).mayBeLength) }
        #expect(DialFailure.at(Address(host: .name("a.test"), port: 1), .refused(status: 431)).mayBeLength)
        for status in [101, 200, 401, 403, 404, 405, 426, 429, 500, 502, 503] {
            #expect(!DialFailure.refused(status: status).mayBeLength)
        }
        for (complaint, mayBe) in [(UpgradeAnswer.Complaint.tooLarge, true), (.plainHTTP, false)] {
            var answer = UpgradeAnswer(status: 400)
            answer.complaint = complaint
            #expect(DialFailure.refused(answer).mayBeLength == mayBe)
        }
        for failure in [DialFailure.reset, .closed(usesTLS: false), .timedOut, .unproven(.closed)] {
            #expect(!failure.mayBeLength)
        }
    }

    @Test(arguments: ["Request Header Or Cookie Too Large", "Size of a request header field exceeds server limit."])
    func `nginx and Apache tell the cause of a 400 in its body`(words: String) throws {
        let answer = UpgradeAnswer(
            try HTTPHead(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), as: .answer),
            body: Array("<p>\(words)</p>".utf8), .status(400),
            to: ClientHandshake.Server(pathPrefix: "/", host: "a.test"), usesTLS: false, now: 0)
        #expect(DialFailure.refused(answer).code == "too-large")
    }

    // MARK: The dialer

    /// A client whose server is behind a front that answers with a status where a target is longer than it may be.
    private struct Behind: @unchecked Sendable {
        let worker: Worker
        let owner: RecordingOwner
        let server: HandMadeServer
        let dialer: Dialer

        init(_ status: Int, above longest: Int, on worker: Worker) throws {
            let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
            let guards = ReplayGuard(capacity: 10)
            let authentication = Authentication(options: ServerOptions(keys: [key]), replayGuard: guards)
            let owner = RecordingOwner()
            self.worker = worker
            self.owner = owner
            server = try HandMadeServer(on: worker) { visit in
                guard let head = visit.head, let line = head.requestLine, line.target.count <= longest else {
                    visit.stream.write(Array("HTTP/1.1 \(status) X\r\n\r\n".utf8))
                    return visit.stream.closeOrderly(awaitingPeer: true)
                }
                guard let verified = try? authentication.verify(head, now: WallClock.now()) else {
                    return visit.stream.close()
                }
                visit.stream.write(WebSocketHandshake.response(accept: verified.accept, server: "s", date: "d"))
                let tunnel = Tunnel(
                    id: worker.nextID(), role: .server, stream: visit.stream, sealer: verified.sealer,
                    opener: verified.opener, pings: Tunnel.Pings(), owner: owner, acceptor: owner)
                switch verified.opening {
                case .request(let request):
                    if let connection = tunnel.accept(request) {
                        owner.tunnel(tunnel, serve: request, as: connection)
                    }
                case .association(let request): tunnel.acceptAssociation(first: request.first)
                case .idle: tunnel.rest()
                }
                await tunnel.receiveLoop()
            }
            let address = server.address
            let endpoint = ServerEndpoint(
                address: address, name: address.host, hostHeader: "front.test", pathPrefix: "/t/")
            dialer = Dialer(
                worker: worker, options: ClientOptions(servers: [endpoint], key: .v1(key)),
                connector: Connector(worker: worker, resolver: Resolver(pool: BlockingPool(maxThreads: 1))),
                pool: TunnelPool(worker: worker, size: 2, maxIdle: .seconds(300), log: .silent))
        }

        /// Opens a tunnel whose connection is closed again.
        ///
        /// - Returns: what the connection would send again.
        func open(_ early: [UInt8], mayRepeat: Bool = true) async throws(DialFailure) -> [UInt8]? {
            let connection = Connection(worker: worker, end: nil, replay: early)
            let first = await dialer.connect()
            let tunnel = try await dialer.open(
                connection, to: EarlyDataLimitTests.target, early: early, first: first, mayRepeat: mayRepeat)
            let replay = connection.replay
            await worker.until { owner.served.last?.connection.held.count == early.count }
            tunnel.close(CloseCode.normal)
            return replay
        }

        func send(_ datagram: Datagram) async throws(DialFailure) {
            let count = owner.associations.count
            let end = RecordingDatagramEnd()
            let tunnel = try await dialer.open(end, first: datagram)
            await worker.until { owner.associations.count > count && owner.associations.last?.delivered == [datagram] }
            tunnel.close(CloseCode.normal)
        }
    }

    private static let target = Address(host: .name("target.test"), port: 443)

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) } }

    @Test(arguments: [400, 413, 414, 431, 494])
    func `a request that is too long is sent again with 512 bytes, and the rest follows once`(
        status: Int
    ) async throws {
        try await WorkerThread.run { worker in
            let front = try Behind(status, above: 1000, on: worker)
            let early = Self.bytes(4096)
            // All of it may be sent again, and nothing twice.
            #expect(try await front.open(early, mayRepeat: false) == early)
            #expect(front.owner.served.map { $0.request.data } == [Array(early.prefix(512))])
            #expect(front.server.visits.count == 2)
            // From now on at once.
            #expect(try await front.open(early) == early)
            #expect(front.owner.served.count == 2)
            #expect(front.owner.served.last?.request.data.count == 512)
            #expect(front.server.visits.count == 3)
            front.dialer.servers.networkChanged()
            _ = try await front.open(early)
            #expect(front.server.visits.count == 5)
            front.server.close()
        }
    }

    @Test func `what arrived before the connection was over was delivered in order`() async throws {
        try await WorkerThread.run { worker in
            let front = try Behind(431, above: 1000, on: worker)
            let early = Self.bytes(4000)
            let connection = Connection(worker: worker, end: nil)
            let tunnel = try await front.dialer.open(
                connection, to: Self.target, early: early, first: await front.dialer.connect())
            tunnel.send([1, 2, 3], for: connection)
            await worker.until { front.owner.served.first?.connection.held.count == 4003 }
            #expect(front.owner.served.first?.connection.held == early + [1, 2, 3])
            tunnel.close(CloseCode.normal)
            front.server.close()
        }
    }

    @Test func `what is short is sent as it is, and a refusal of it stands`() async throws {
        try await WorkerThread.run { worker in
            let front = try Behind(431, above: 100, on: worker)
            for (count, visits) in [(512, 1), (513, 3), (4096, 5)] {
                do throws(DialFailure) {
                    _ = try await front.open(Self.bytes(count))
                    Issue.record("a tunnel")
                } catch {
                    #expect(error.code == "too-large")
                }
                #expect(front.server.visits.count == visits)
            }
            front.server.close()
        }
    }

    @Test func `a front that takes long requests gets them`() async throws {
        try await WorkerThread.run { worker in
            let front = try Behind(431, above: 8000, on: worker)
            _ = try await front.open(Self.bytes(4096))
            #expect(front.owner.served.first?.request.data.count == 4096)
            #expect(front.server.visits.count == 1)
            front.server.close()
        }
    }

    /// In version 1 each is tried whole: Python's servers take it in the request only.
    @Test func `a first datagram that is too long follows on a tunnel that was opened empty`() async throws {
        try await WorkerThread.run { worker in
            let front = try Behind(414, above: 1000, on: worker)
            for (size, visits) in [(512, 1), (1200, 3), (1200, 5)] {
                try await front.send(Datagram(address: Self.target, data: Self.bytes(size)))
                #expect(front.server.visits.count == visits)
            }
            front.server.close()
        }
    }
}
