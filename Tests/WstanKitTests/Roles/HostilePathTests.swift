import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// What something between the two ends can do to them: end what it touches, and nothing else (protocol-v2.md sections
/// 12 and 13).
@Suite(.serialized, .timeLimit(.minutes(2))) struct HostilePathTests {
    @Test(arguments: Tampering.Fault.allCases, Tampering.Direction.allCases)
    func `what is changed on the way resets both ends, and nothing wrong is delivered`(
        fault: Tampering.Fault, direction: Tampering.Direction
    ) async throws {
        try await WorkerThread.run { worker in
            let said = Loopback.pattern(400_000, seed: 9)
            let stage = try RolesStage(on: worker) {
                $0.middle = { server, worker in
                    try Tampering(fault, direction, after: 5, on: worker, before: server).place
                }
            }
            defer { stage.close() }
            let atTarget = Wait<(bytes: [UInt8], ending: WstanCore.Stream.Ending)>(worker: worker)
            let target = try stage.target { stream in
                stream.write(said)
                atTarget.fulfill(await stream.readAll())
            }
            let (stream, _) = try await stage.connect(to: target)
            stream.write(said)
            let heard = await stream.readAll()
            #expect(heard.ending == .failed(104))
            #expect(said.starts(with: heard.bytes))
            #expect(direction == .up || heard.bytes.count < said.count)
            let other = await atTarget.value(onTimeout: ([], .other), onCancel: ([], .other))
            #expect(other.ending == .failed(104))
            #expect(said.starts(with: other.bytes))
            await stage.worker.until { stage.server.totals.active == 0 && stage.client.totals.active == 0 }
            stream.close()
        }
    }

    // MARK: Impostors

    /// A client whose server is the test's.
    private static func dial(
        _ serve: @escaping (HandMadeServer.Visit) async -> Void, _ check: @escaping (RolesStage, Int) -> Void
    ) async throws {
        let box = Box(serve: serve, check: check)
        try await WorkerThread.run { worker in
            let server = try HandMadeServer(on: worker) { await box.serve($0) }
            let stage = try RolesStage(on: worker) { plan in
                plan.middle = { _, _ in server.address }
                plan.client.earlyReply = false
                plan.client.handshakeTimeout = .milliseconds(200)
            }
            let (stream, reply) = try await stage.connect(to: Address(host: .name("target.test"), port: 80))
            #expect(reply == Socks5.Reply.generalFailure.rawValue)
            box.check(stage, server.visits.count)
            stream.close()
            server.close()
            stage.close()
        }
    }

    private struct Box: @unchecked Sendable {
        let serve: (HandMadeServer.Visit) async -> Void
        let check: (RolesStage, Int) -> Void
    }

    @Test(arguments: [62, 100, 4096, 4097, 3])
    func `a 101 that does not prove the server's key is an impostor's, and nothing else is tried`(size: Int)
        async throws
    {
        try await Self.dial { visit in
            visit.stream.write(
                visit.acceptance + RawFrame(opcode: 2, payload: [UInt8](repeating: 7, count: size), mask: nil).bytes)
        } _: { stage, visits in
            #expect(visits == 1)
            #expect(stage.client.poolReport.impostors == 1)
            #expect(stage.clientLines.all.contains { $0.level == .warning && $0.text.contains("code=impostor") })
        }
    }

    @Test(arguments: [true, false])
    func `a 101 without proof is a failure of its own`(closes: Bool) async throws {
        try await Self.dial { visit in
            visit.stream.write(visit.acceptance)
            if closes { visit.stream.closeOrderly(awaitingPeer: false) }
        } _: { stage, visits in
            #expect(stage.client.poolReport.impostors == 0)
            #expect(stage.client.poolReport.unproven == UInt64(visits))
            #expect(stage.clientLines.all.contains { $0.text.contains("pass those for the path of uri on to wstand") })
            #expect(stage.clientLines.all.contains { $0.text.contains("code=unproven") })
        }
    }
}
