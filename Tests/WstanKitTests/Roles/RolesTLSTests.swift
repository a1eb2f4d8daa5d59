import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// Version 2 over TLS: records are plain where both ends prove to sit on the same TLS connection (protocol-v2.md
/// section 4.7).
@Suite(.serialized, .timeLimit(.minutes(1))) struct RolesTLSTests {
    @Test func `both ends of a TLS connection have one binding, and no other connection has it`() async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let first = try await TLSEnds.pair(worker, authority)
            let second = try await TLSEnds.pair(worker, authority)
            let binding = try #require(first.client.tls?.channelBinding)
            #expect(binding.count == 32)
            #expect(first.server.tls?.channelBinding == binding)
            #expect(second.client.tls?.channelBinding != binding)
            first.close()
            second.close()
        }
    }

    @Test(arguments: [true, false], [true, false])
    func `bytes arrive with and without a cipher of their own`(clientTrusts: Bool, serverTrusts: Bool) async throws {
        try await WorkerThread.run { worker in
            let authority = try TestAuthority()
            let server = try TLSServerContext(.init(identity: authority.issue()))
            let client = try TLSClientContext(.init(caFile: authority.caFile))
            let stage = try RolesStage(on: worker) { plan in
                plan.server.tls = server
                plan.server.identity?.ciphers.allowsNone = serverTrusts
                plan.client.tls = client
                plan.identity.trustsTLS = clientTrusts
            }
            defer { stage.close() }
            let said = Loopback.pattern(1_000_000, seed: 12)
            let target = try stage.echo()
            #expect(try await stage.exchange(said, with: target).bytes == said)
            #expect(try await stage.exchange(said, with: target).bytes == said)
            await stage.untilServerIsIdle()
            #expect(stage.server.rejects == RefusalCounts())
        }
    }
}
