import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

/// A client that ends while it waits on behalf of user agents that have left. A wait that does not end with the tunnel would
/// keep the worker for ever.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RolesEndTests {
    @Test(arguments: [false, true])
    func `the answer of a target is waited for no longer`(isV1: Bool) async throws {
        try await Self.endsInWait(isV1: isV1) { stage in
            let target = try stage.target { stream in
                _ = await stream.readAll()
                stream.close()
            }
            let (stream, _) = try await stage.connect(to: target)
            stream.write([1])
            await stage.untilConnected()
            stream.finish()
        }
    }

    @Test(arguments: [false, true])
    func `a target that does not answer is waited for no longer`(isV1: Bool) async throws {
        let (silent, descriptors) = try Loopback.silentAddress()
        defer { for descriptor in descriptors { close(descriptor) } }
        try await Self.endsInWait(isV1: isV1) { stage in
            let (stream, _) = try await stage.connect(to: Address(silent))
            stream.write([1])
            await stage.untilConnected()
            stream.close()
        }
    }

    /// - Parameter leave: a user agent has left, and its connection is waited for.
    private static func endsInWait(
        isV1: Bool, _ leave: @escaping @Sendable (RolesStage) async throws -> Void
    ) async throws {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker) { if isV1 { try $0.speakV1() } }
            defer { stage.close() }
            try await leave(stage)
            await worker.settle()
            #expect(stage.client.totals.active == 1)
            await stage.client.close(until: worker.now)
            await stage.client.drain(until: nil)
        }
    }
}

extension RolesStage {
    /// Until both ends of a tunnel carry a connection, and what they have to do at once is done.
    fileprivate func untilConnected() async {
        await worker.until { client.totals.active == 1 && server.totals.active == 1 }
        await worker.settle()
    }
}
