import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct KeyRingServiceTests {
    @Test func `a rotated key that another program writes into the configuration is no change`() async throws {
        try await WorkerThread.run { worker in
            let former = Key.random()
            let configured = ConfiguredKey(key: former, text: Secret(former.base64), source: .environment("K"))
            let keys = try KeyRingService(
                configured, stateDirectory: nil, isClient: false, worker: worker, blocking: BlockingPool())
            #expect(keys.isConfigured(former))
            let next = Key.random()
            _ = try await keys.rotate(key: next.base64)
            #expect(keys.isConfigured(next) && keys.isConfigured(former))
            #expect(!keys.isConfigured(Key.random()))
        }
    }
}
