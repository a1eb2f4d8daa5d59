import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// Both roles of version 2, whole, against each other (protocol-v2.md section 13).
@Suite(.serialized, .timeLimit(.minutes(2))) struct RolesTests {
    private static func stage<R: Sendable>(
        _ change: @escaping @Sendable (inout RolesStage.Plan) throws -> Void = { _ in },
        _ body: @escaping @Sendable (RolesStage) async throws -> R
    ) async throws -> R {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker, change)
            defer { stage.close() }
            return try await body(stage)
        }
    }

    // MARK: Carriers and ciphers

    @Test(arguments: Settings.Carrier.allCases, [true, false])
    func `each carrier opens tunnels, with a request and ahead of one`(carrier: Settings.Carrier, isAhead: Bool)
        async throws
    {
        let said = Loopback.pattern(5000, seed: 1)
        try await Self.stage {
            $0.client.carrier = carrier
            $0.client.poolMin = isAhead ? 1 : 0
        } _: { stage in
            if isAhead {
                stage.client.start()
                await stage.worker.until { stage.client.poolReport.idle == 1 }
            }
            let heard = try await stage.exchange(said, with: try stage.echo())
            #expect(heard.bytes == said)
            #expect(heard.ending == .end)
            #expect(stage.client.poolReport.hits == (isAhead ? 1 : 0))
            await stage.untilServerIsIdle()
            #expect(stage.server.rejects == RefusalCounts())
        }
    }

    @Test(arguments: AEADCipher.allCases)
    func `each cipher carries both ways, records of all sizes and the early data`(cipher: AEADCipher) async throws {
        try await Self.stage {
            $0.identity.ciphers = [cipher]
        } _: { stage in
            let target = try stage.echo()
            for count in [0, 1, 125, 4096, 4097, 1 << 20] {
                let said = Loopback.pattern(count, seed: UInt64(count))
                let heard = try await stage.exchange(said, with: target)
                #expect(heard.bytes == said, "\(count) bytes")
                #expect(heard.ending == .end)
            }
            await stage.untilServerIsIdle()
            #expect(stage.worker.budget.held == 0)
        }
    }

    // MARK: Ends

    @Test func `a user agent that has finished gets an answer that was made of all it has said`() async throws {
        let said = Loopback.pattern(300_000, seed: 3)
        let (heard, ending) = try await Self.stage { stage in
            let target = try stage.target { stream in
                let all = await stream.readAll()
                stream.write([UInt8](all.bytes.reversed()))
                stream.closeOrderly(awaitingPeer: true)
            }
            let heard = try await stage.exchange(said, with: target)
            return (heard.bytes, heard.ending)
        }
        #expect(heard == said.reversed())
        #expect(ending == .end)
    }

    @Test func `a target that has finished gets all that the user agent still says`() async throws {
        let said = Loopback.pattern(300_000, seed: 4)
        try await Self.stage { stage in
            let got = Wait<[UInt8]>(worker: stage.worker)
            let target = try stage.target { stream in
                stream.write([7])
                stream.finish()
                got.fulfill(await stream.readAll().bytes)
                stream.close()
            }
            let (stream, _) = try await stage.connect(to: target)
            let heard = await stream.readAll()
            #expect(heard.bytes == [7])
            #expect(heard.ending == .end)
            stream.write(said)
            stream.finish()
            #expect(await got.value(onTimeout: [], onCancel: []) == said)
            await stage.untilServerIsIdle()
            stream.close()
        }
    }

    @Test func `a tunnel serves one connection after the other`() async throws {
        try await Self.stage { stage in
            let target = try stage.echo()
            for number in 0..<5 {
                #expect(try await stage.exchange([UInt8(number)], with: target).bytes == [UInt8(number)])
                await stage.worker.until { stage.client.poolReport.idle == 1 }
            }
            #expect(stage.server.totals.opened == 1)
            #expect(stage.client.poolReport.hits == 4)
        }
    }

    @Test(arguments: [true, false])
    func `a reset of the target resets the user agent, behind what has come`(hasSpoken: Bool) async throws {
        let (bytes, ending) = try await Self.stage { stage in
            let target = try stage.target { stream in
                _ = await stream.take(1)
                if hasSpoken { stream.write([1, 2, 3]) }
                stream.resetAfterDelivery()
            }
            let (stream, _) = try await stage.connect(to: target)
            stream.write([9])
            let heard = await stream.readAll()
            return (heard.bytes, heard.ending)
        }
        #expect(bytes == (hasSpoken ? [1, 2, 3] : []))
        #expect(ending == .failed(104))
    }

    @Test func `a reset of the user agent resets the target`() async throws {
        let ending = try await Self.stage { stage in
            let ended = Wait<WstanCore.Stream.Ending>(worker: stage.worker)
            let begun = Wait<Void>(worker: stage.worker)
            let target = try stage.target { stream in
                _ = await stream.take(1)
                begun.fulfill(())
                ended.fulfill(await stream.readAll().ending)
            }
            let (stream, _) = try await stage.connect(to: target)
            stream.write([1])
            await begun.value(onTimeout: (), onCancel: ())
            stream.abort()
            return await ended.value(onTimeout: .other, onCancel: .other)
        }
        #expect(ending == .failed(104))
    }

    // MARK: What the server says of a request

    @Test func `the reply of SOCKS is the target's answer where the user agent waits for it`() async throws {
        try await Self.stage {
            $0.client.earlyReply = false
        } _: { stage in
            let target = try stage.echo()
            let (stream, reply) = try await stage.connect(to: target)
            #expect(reply == Socks5.Reply.succeeded.rawValue)
            stream.close()
            let closed = try RolesStage.listen(on: stage.worker) { _ in }
            let nowhere = RolesStage.place(of: closed)
            closed.close()
            #expect(try await stage.connect(to: nowhere).reply == Socks5.Reply.connectionRefused.rawValue)
            let noName = Address(host: .name("no.such.name.invalid"), port: 80)
            #expect(try await stage.connect(to: noName).reply == Socks5.Reply.hostUnreachable.rawValue)
        }
    }

    @Test func `a target that the rules forbid is said to be`() async throws {
        try await Self.stage {
            $0.client.earlyReply = false
            $0.server.allowPrivate = false
        } _: { stage in
            let reply = try await stage.connect(to: try stage.echo()).reply
            #expect(reply == Socks5.Reply.notAllowed.rawValue)
            #expect(stage.server.rejects[.forbiddenTarget] == 1)
            let stream = try await stage.userAgent()
            stream.write(Array("CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            let page = String(decoding: await stream.readAll().bytes, as: UTF8.self)
            #expect(page.contains("403") && page.contains("allow-private"))
        }
    }

    // MARK: Refusals

    @Test(arguments: ["user", "server", "realm"])
    func `what the server does not know gets the plain answer`(what: String) async throws {
        try await Self.stage {
            $0.client.earlyReply = false
            let other = UserKey(secret: .random(count: 32))
            let server = what == "server" ? ServerKey(privateKey: .random(count: 32)) : RolesStage.serverKey
            $0.identity.credentials = ClientKey(
                server: server.publicKey, user: what == "user" ? other : RolesStage.userKey,
                realm: what == "realm" ? try #require(Realm([1])) : .none)
        } _: { stage in
            let reply = try await stage.connect(to: try stage.echo()).reply
            #expect(reply == Socks5.Reply.generalFailure.rawValue)
            #expect(stage.server.totals.opened == 0)
            #expect(stage.server.rejects[.badAuthentication] == (what == "server" ? 0 : 1))
            #expect(stage.clientLines.all.contains { $0.text.contains("compare the key") })
        }
    }

    /// Three requests for one, once, and no more before the pause is over.
    @Test func `a wrong key does not make three requests of each`() async throws {
        try await Self.stage {
            $0.client.earlyReply = false
            $0.client.carrier = .auto
            $0.server.identity?.users = try UserRing([])
        } _: { stage in
            let target = try stage.echo()
            #expect(try await stage.connect(to: target).reply == Socks5.Reply.generalFailure.rawValue)
            #expect(stage.server.rejects[.badAuthentication] == 3)
            for count in [4, 5] as [UInt64] {
                #expect(try await stage.connect(to: target).reply == Socks5.Reply.generalFailure.rawValue)
                #expect(stage.server.rejects[.badAuthentication] == count)
            }
            #expect(stage.clientLines.all.count { $0.text.contains("compare the key") && $0.level == .warning } == 1)
            #expect(!stage.clientLines.all.contains { $0.text.contains("another carrier") })
        }
    }

    @Test(arguments: [(-61.0, false), (-58, true), (58, true), (61, false)])
    func `a request is taken within a minute of the server's clock`(ahead: Double, isTaken: Bool) async throws {
        try await Self.stage { stage in
            let stream = try await stage.atServer()
            stream.write(try RawRequest(ahead: ahead).bytes)
            let line = String(decoding: await stream.take(12), as: UTF8.self)
            #expect(line == (isTaken ? "HTTP/1.1 101" : "HTTP/1.1 404"))
            #expect(stage.server.rejects[.expired] == (isTaken ? 0 : 1))
            stream.close()
        }
    }

    @Test func `a request that was accepted is refused the second time, with the bytes that a stranger gets`()
        async throws
    {
        let (first, second, stranger) = try await Self.stage { stage in
            let request = try RawRequest().bytes
            func answer(_ bytes: [UInt8]) async throws -> String {
                let stream = try await stage.atServer()
                stream.write(bytes)
                let line = await stream.take(12)
                stream.close()
                return String(decoding: line, as: UTF8.self)
            }
            let first = try await answer(request)
            return (first, try await answer(request), try await answer(try RawRequest(server: .random).bytes))
        }
        #expect(first == "HTTP/1.1 101")
        #expect(second == "HTTP/1.1 404")
        #expect(stranger == "HTTP/1.1 404")
    }

    @Test func `both versions are served at one listener, unless version 1 is turned off`() async throws {
        for acceptsV1 in [true, false] {
            let heard = try await Self.stage {
                try $0.speakV1()
                $0.server.acceptV1 = acceptsV1
            } _: { stage in
                let target = try stage.echo()
                let (userAgent, _) = try await stage.connect(to: target)
                userAgent.write([1, 2, 3])
                let bytes = await userAgent.take(3)
                userAgent.close()
                let stream = try await stage.atServer()
                stream.write(try RawRequest().bytes)
                let line = String(decoding: await stream.take(12), as: UTF8.self)
                #expect(line == "HTTP/1.1 101")
                stream.close()
                return bytes
            }
            #expect(heard == (acceptsV1 ? [1, 2, 3] : []))
        }
    }

    /// It was served there, as if version 1 were on.
    @Test func `a server with neither version serves none`() async throws {
        try await Self.stage {
            try $0.speakV1()
            $0.server.identity = nil
            $0.server.acceptV1 = false
        } _: { stage in
            let (userAgent, _) = try await stage.connect(to: try stage.echo())
            userAgent.write([1])
            #expect(await userAgent.take(1) == [])
            userAgent.close()
            #expect(stage.server.totals.opened == 0)
        }
    }

    // MARK: BYE

    @Test func `a server that drains tells its clients, which close what is idle`() async throws {
        try await Self.stage { stage in
            let stream = try await stage.connectionInUse()
            stage.worker.spawn { await stage.server.drain(until: nil) }
            await stage.worker.settle()
            // What is open goes on.
            stream.write([3])
            #expect(await stream.take(1) == [3])
            stream.finish()
            #expect(await stream.readAll().ending == .end)
            await stage.worker.until { stage.server.totals.active + stage.server.totals.idle == 0 }
            stream.close()
        }
    }

    @Test func `a client that is over a limit, or whose key has expired, is told so`() async throws {
        try await Self.stage {
            $0.server.maxTunnelsPerAddress = 1
            $0.client.earlyReply = false
        } _: { stage in
            let target = try stage.echo()
            let (stream, _) = try await stage.connect(to: target)
            #expect(try await stage.connect(to: target).reply == Socks5.Reply.generalFailure.rawValue)
            #expect(stage.server.rejects[.overLimit] >= 1)
            stream.close()
        }
        try await Self.stage {
            var user = RolesStage.user
            user.expiry = WireTime(CalendarTime(seconds: WallClock.now() - 1))
            $0.server.identity?.users = try UserRing([user])
            $0.client.earlyReply = false
        } _: { stage in
            let reply = try await stage.connect(to: try stage.echo()).reply
            #expect(reply == Socks5.Reply.generalFailure.rawValue)
            #expect(stage.clientLines.all.contains { $0.text.contains("revoked or has expired") })
            #expect(stage.server.rejects[.badAuthentication] >= 1)
            #expect(stage.serverLines.all.contains { $0.text.contains("reason=key-expired") })
        }
    }

    /// The plain answer, which says nothing of the cause, followed the BYE.
    @Test func `a key that was revoked is still called so when it is refused`() async throws {
        try await Self.stage {
            $0.client.earlyReply = false
        } _: { stage in
            let target = try stage.echo()
            _ = try await stage.exchange([1], with: target)
            await stage.worker.until { stage.client.poolReport.idle == 1 }
            stage.server.install(
                ServerIdentity(keys: LiveServerKeys(current: RolesStage.serverKey), users: try UserRing([])))
            #expect(stage.server.closeTunnels(openedWith: RolesStage.userKey.ringID) == 1)
            await stage.worker.until { stage.client.poolReport.idle == 0 }
            let stream = try await stage.userAgent()
            stream.write(Array("CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            let page = String(decoding: await stream.readAll().bytes, as: UTF8.self)
            #expect(page.contains("The key is revoked or has expired"))
            #expect(stage.server.rejects[.badAuthentication] == 1)
            let causes = stage.clientLines.all.filter { $0.level == .warning }
            #expect(causes.count == 1 && causes[0].text.contains("code=key-revoked"))
            guard case .unreachable(_, .dismissed(.keyRevoked)) = stage.client.serverReports[0].standing else {
                Issue.record("\(stage.client.serverReports[0].standing)")
                return
            }
            // The same key is taken again.
            stage.server.install(
                ServerIdentity(
                    keys: LiveServerKeys(current: RolesStage.serverKey), users: try UserRing([RolesStage.user])))
            #expect(try await stage.connect(to: target).reply == Socks5.Reply.succeeded.rawValue)
            #expect(stage.client.serverReports[0].link.revokedKey == nil)
        }
    }

    /// The next try was up to 30 s away, in which the state stayed what it was.
    @Test func `a key that is taken again is noticed by the tunnels that are opened ahead`() async throws {
        try await Self.stage {
            $0.client.poolMin = 1
            $0.server.identity?.users = try UserRing([])
        } _: { stage in
            stage.client.start()
            await stage.worker.until { stage.server.rejects[.badAuthentication] >= 2 }
            guard case .unreachable = stage.client.serverReports[0].standing else {
                Issue.record("\(stage.client.serverReports[0].standing)")
                return
            }
            stage.server.install(
                ServerIdentity(
                    keys: LiveServerKeys(current: RolesStage.serverKey), users: try UserRing([RolesStage.user])))
            await stage.worker.until { stage.client.poolReport.idle == 1 }
            guard case .reachable = stage.client.serverReports[0].standing else {
                Issue.record("\(stage.client.serverReports[0].standing)")
                return
            }
        }
    }

    /// Version 1 waits for such a server, and version 2 failed at once.
    @Test(arguments: [true, false])
    func `a server that is full for a moment costs no user agent its connection`(isV1: Bool) async throws {
        try await Self.stage {
            if isV1 { try $0.speakV1() }
            $0.server.maxTunnelsPerAddress = 1
            $0.client.earlyReply = false
            $0.client.poolSize = 0
        } _: { stage in
            let target = try stage.echo()
            let (first, _) = try await stage.connect(to: target)
            let second = stage.worker.spawn {
                let reply = try? await stage.connect(to: target).reply
                #expect(reply == Socks5.Reply.succeeded.rawValue)
            }
            await stage.worker.until { stage.server.rejects[.overLimit] >= 1 }
            first.close()
            await second.value
        }
    }

    @Test func `when a key expires its clients are told, and what is open goes on`() async throws {
        try await Self.stage { stage in
            let stream = try await stage.connectionInUse()
            var user = RolesStage.user
            user.expiry = WireTime(CalendarTime(seconds: WallClock.now() - 1))
            stage.server.install(
                ServerIdentity(keys: LiveServerKeys(current: RolesStage.serverKey), users: try UserRing([user])))
            stage.server.apply(stage.server.options)
            await stage.worker.until { stage.clientLines.all.contains { $0.text.contains("revoked or has expired") } }
            stream.write([3])
            #expect(await stream.take(1) == [3])
            stream.finish()
            #expect(await stream.readAll().ending == .end)
            await stage.worker.until { stage.server.totals.active + stage.server.totals.idle == 0 }
            stream.close()
        }
    }

    @Test func `a user whose key was replaced keeps what runs, and one who is revoked loses it`() async throws {
        let ending = try await Self.stage { stage in
            let (stream, _) = try await stage.connect(to: try stage.echo())
            stream.write([1])
            #expect(await stream.take(1) == [1])
            // As another key in the configuration does it.
            stage.server.install(nil as ServerIdentity?)
            stage.server.apply(stage.server.options)
            stream.write([2])
            #expect(await stream.take(1) == [2])
            #expect(stage.server.closeTunnels(openedWith: RolesStage.userKey.ringID) == 1)
            return await stream.readAll().ending
        }
        #expect(ending == .failed(104))
    }
}
