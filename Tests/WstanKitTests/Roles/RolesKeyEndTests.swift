import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// What a server tells a client of the end of its key, and what a client tells of a server that it does not reach.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RolesKeyEndTests {
    private static let now = CalendarTime(seconds: WallClock.now())

    /// The ends of the user's key and of the server's, where they are former ones, and the one that is told.
    @Test(
        arguments: [
            (nil, nil, nil), (3600, nil, 3600), (nil, 7200, 7200), (7200, 3600, 3600), (3600, 7200, 3600),
        ] as [(Int?, Int?, Int?)])
    func `a client is told when the first of its two keys ends, until it has another`(
        user: Int?, server: Int?, told: Int?
    ) async throws {
        func end(_ seconds: Int?) -> CalendarTime? { seconds.map { Self.now + .seconds($0) } }
        let (userEnd, serverEnd, toldEnd) = (end(user), end(server), end(told))
        let other = ServerKey.random()
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker) {
                var user = RolesStage.user
                user.expiry = userEnd.map { WireTime($0) }
                let keys =
                    serverEnd == nil
                    ? LiveServerKeys(current: RolesStage.serverKey)
                    : LiveServerKeys(current: other, former: RolesStage.serverKey)
                $0.server.identity = ServerIdentity(keys: keys, formerExpiry: serverEnd, users: try UserRing([user]))
            }
            defer { stage.close() }
            _ = try await stage.exchange([1], with: try stage.echo())
            let term = stage.client.serverReports[0].link.keyTerm
            #expect(term?.end.map { WireTime($0) } == toldEnd.map { WireTime($0) })
            #expect(term?.isReplaced == (toldEnd == nil ? nil : true))
            let lines = stage.clientLines.all.filter { $0.text.contains("the key was replaced at the server") }
            #expect(lines.count == (toldEnd == nil ? 0 : 1))
            #expect(lines.allSatisfy { $0.level == .warning && $0.text.contains(" ends=2") })
            // The same user, by the server's other key.
            let next = ClientKey(server: other.publicKey, user: RolesStage.userKey)
            stage.client.install(.v2(ClientIdentity(credentials: next)))
            #expect(stage.client.serverReports[0].link.keyTerm == nil)
        }
    }

    /// The first user agent was told of success, while the status said that the server is not there.
    @Test func `no user agent is told of success when it is known that no server is reached`() async throws {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker) {
                $0.client.poolMin = 1
                $0.client.earlyReply = nil
                $0.middle = { _, worker in
                    let closed = try RolesStage.listen(on: worker) { _ in }
                    defer { closed.close() }
                    return RolesStage.place(of: closed)
                }
            }
            defer { stage.close() }
            stage.client.start()
            await worker.until {
                if case .unreachable = stage.client.serverReports[0].standing { true } else { false }
            }
            let reply = try await stage.connect(to: Address(host: .name("a.test"), port: 80)).reply
            #expect(reply == Socks5.Reply.generalFailure.rawValue)
        }
    }
}
