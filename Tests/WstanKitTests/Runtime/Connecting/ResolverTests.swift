import Testing

@testable import WstanBase
@testable import WstanCore

/// What silent name servers do is for the black-box tests, which have some.
@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
    private static func resolve(_ name: String) async throws -> [SocketAddress] {
        try await WorkerThread.run { worker in
            let resolver = Resolver(pool: BlockingPool(maxThreads: 4))
            let answer = await resolver.resolveSorted(name, for: "test", on: worker, deadline: worker.now + .seconds(30))
            #expect(worker.isCurrent)
            return answer
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `the best address of a name comes first`(name: String) async throws {
        let answer = try await Self.resolve(name)
        #expect(answer.first?.isLoopback == true)
    }

    /// It has a label without letters.
    @Test func `a name that cannot exist has none`() async throws {
        let answer = try await Self.resolve("no..name")
        #expect(answer.isEmpty)
    }

    /// For a resolver, not for whoever compares names: `localhost` in another spelling.
    @Test(arguments: [#"loc\097lhost"#, #"localhos\t"#, #"127.0.0\.1"#])
    func `a name with an escape in it is none`(name: String) async throws {
        let answer = try await Self.resolve(name)
        #expect(answer.isEmpty)
    }
}
