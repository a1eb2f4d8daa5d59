import Testing

@testable import WstanKit

/// What silent name servers do is for the black-box tests, which have some.
@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
    private static func resolveOne(_ name: String) async throws -> SocketAddress? {
        try await WorkerThread.run { worker in
            let resolver = Resolver(pool: BlockingPool(maxThreads: 4))
            let answer = await resolver.resolveOne(name, for: 0, on: worker, deadline: worker.now + .seconds(30))
            #expect(worker.isCurrent)
            return answer
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `one address of a name`(name: String) async throws {
        let answer = try await Self.resolveOne(name)
        #expect(answer?.isLoopback == true)
    }

    /// It has a label without letters.
    @Test func `a name that cannot exist has none`() async throws {
        let answer = try await Self.resolveOne("no..name")
        #expect(answer == nil)
    }
}
