import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct KeyRingServiceTests {
    @Test func `a rotated key that another program writes into the configuration is no change`() async throws {
        try await WorkerThread.run { worker in
            let former = Key.random()
            let configured = ConfiguredKey(key: .v1(former), text: Secret(former.base64), source: .environment("K"))
            let keys = try KeyRingService(
                configured, stateDirectory: nil, isClient: false, worker: worker, blocking: BlockingPool())
            #expect(keys.isConfigured(.v1(former)))
            let next = Key.random()
            _ = try await keys.rotate(key: next.base64)
            #expect(keys.isConfigured(.v1(next)) && keys.isConfigured(.v1(former)))
            #expect(!keys.isConfigured(.v1(Key.random())))
        }
    }

    /// A client whose key file was replaced while it was stopped, or whose reload finds another key: the log says it once. A status that
    /// shows it until a reload would keep a monitor at WARNING for something that is done.
    @Test func `a configured key that wins over the ring's is news, and no lasting warning`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        try await WorkerThread.run { worker in
            func start(_ key: Key) throws -> KeyRingService {
                try KeyRingService(
                    ConfiguredKey(key: .v1(key), text: Secret(key.base64), source: .environment("K")), stateDirectory: path,
                    isClient: true, worker: worker, blocking: BlockingPool())
            }
            let first = Key.random()
            let keys = try start(first)
            #expect(keys.told.news.isEmpty && keys.told.warnings.isEmpty)
            _ = try await keys.rotate(key: Key.random().base64)
            let restarted = try start(Key.random())
            #expect(restarted.told.news.count == 1 && restarted.told.warnings.isEmpty, "\(restarted.told)")
            let next = Key.random()
            let told = try await restarted.adopt(
                ConfiguredKey(key: .v1(next), text: Secret(next.base64), source: .environment("K")))
            #expect(told.news.count == 1 && told.warnings.isEmpty, "\(told)")
        }
        #expect(folder.names.contains("keyring"))
    }
}
