import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct ConnectorTests {
    /// Listens on both families, on one port, for as long as `body` runs.
    private static func withListener(
        _ worker: Worker, _ address: SocketAddress, _ body: (UInt16) async throws -> Void
    ) async throws {
        let listener = try Listener(address, on: worker, dealingTo: [worker]) { event in
            if case .accepted(let arrival) = event { close(arrival.descriptor) }
        }
        defer { listener.close() }
        try await body(listener.address.port)
    }

    private static func connector(_ worker: Worker) -> Connector {
        Connector(worker: worker, resolver: Resolver(pool: BlockingPool(maxThreads: 4)))
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `literals and names are connected to`(host: String) async throws {
        try await WorkerThread.run { worker in
            try await Self.withListener(worker, Loopback.ipv4) { port in
                let target = Address(host: try #require(Host(text: host)), port: port)
                let stream = try await Self.connector(worker).connect(
                    to: target, for: "test", deadline: worker.now + .seconds(30))
                #expect(stream.remoteAddress == .ipv4(IPv4Address(0x7f00_0001), port: port))
                #expect(worker.isCurrent)
                stream.close()
            }
        }
    }

    @Test func `an IPv6 literal is connected to`() async throws {
        guard Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            try await Self.withListener(worker, Loopback.ipv6) { port in
                let target = try #require(Address(authority: "[::1]:\(port)"))
                let stream = try await Self.connector(worker).connect(
                    to: target, for: "test", deadline: worker.now + .seconds(30))
                #expect(stream.remoteAddress?.port == port)
                stream.close()
            }
        }
    }

    /// RFC 6761 section 6.4: there is no such name. What the failure is called depends on the host's name servers.
    @Test func `a name that does not exist fails by its look-up`() async throws {
        try await WorkerThread.run { worker in
            let target = Address(host: .name("no-such-name.invalid"), port: 1)
            let error = await #expect(throws: Connector.Failure.self) {
                try await Self.connector(worker).connect(to: target, for: "test", deadline: worker.now + .seconds(3))
            }
            switch error {
            case .lookUp: break
            default: Issue.record("\(String(describing: error))")
            }
        }
    }

    @Test func `a refused literal says so, and so does a name of which all addresses refuse`() async throws {
        try await WorkerThread.run { worker in
            let descriptor = try SystemError.check("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
            defer { close(descriptor) }
            _ = try SystemError.check("bind") { Loopback.ipv4.withSockaddr { bind(descriptor, $0, $1) } }
            let port = try #require(SocketAddress.read { getsockname(descriptor, $0, &$1) }.1?.port)
            for host in ["127.0.0.1", "localhost"] {
                let target = Address(host: try #require(Host(text: host)), port: port)
                let error = await #expect(throws: Connector.Failure.self) {
                    try await Self.connector(worker).connect(to: target, for: "test", deadline: worker.now + .seconds(30))
                }
                #expect(error == .connect(SystemError(call: "connect", code: ECONNREFUSED)))
            }
        }
    }

    /// Nothing listens at the port: what was tried would be refused.
    @Test(arguments: ["127.0.0.1", "localhost", "127.1", "0x7f000001", "::ffff:127.0.0.1", "::1"])
    func `what the filter refuses is not tried`(host: String) async throws {
        try await WorkerThread.run { worker in
            let target = Address(host: try #require(Host(text: host)), port: 1)
            var asked: [SocketAddress] = []
            let error = await #expect(throws: Connector.Failure.self) {
                try await Self.connector(worker).connect(to: target, for: "test", deadline: worker.now + .seconds(30)) {
                    asked.append($0)
                    return "some-key"
                }
            }
            // What is written as no address is looked up, and which names there are is for nobody to find out here.
            let isLookedUp = if case .name = target.host { true } else { false }
            #expect(
                error
                    == (isLookedUp
                        ? .leadsToForbidden(key: "some-key", told: .notFound) : .forbidden(key: "some-key")))
            #expect(!asked.isEmpty)
            #expect(asked.allSatisfy { $0.isLoopback && $0.port == 1 })
        }
    }

    @Test func `of a name's addresses those that the filter lets through are tried`() async throws {
        guard Loopback.hasIPv6 else { return }
        try await WorkerThread.run { worker in
            try await Self.withListener(worker, Loopback.ipv4) { port in
                let connector = Self.connector(worker)
                let target = Address(host: .name("localhost"), port: port)
                let deadline = worker.now + .seconds(30)
                let stream = try await connector.connect(to: target, for: "test", deadline: deadline) {
                    if case .ipv6 = $0 { "no-ipv6" } else { nil }
                }
                #expect(stream.remoteAddress == .ipv4(IPv4Address(0x7f00_0001), port: port))
                stream.close()
            }
        }
    }

    @Test func `a look-up that fails is not said to be forbidden`() async throws {
        try await WorkerThread.run { worker in
            let target = Address(host: .name("no..name"), port: 1)
            let error = await #expect(throws: Connector.Failure.self) {
                try await Self.connector(worker).connect(to: target, for: "test", deadline: worker.now + .seconds(3)) { _ in
                    "some-key"
                }
            }
            #expect(error == .lookUp(.notFound))
        }
    }

    @Test func `a connecting task that is cancelled ends`() async throws {
        try await WorkerThread.run { worker in
            let connecting = Task(executorPreference: worker) {
                do throws(Connector.Failure) {
                    let target = Address(host: .name("no-such-name.invalid"), port: 1)
                    _ = try await Self.connector(worker).connect(
                        to: target, for: "test", deadline: worker.now + .seconds(1000))
                    return false
                } catch {
                    return true
                }
            }
            connecting.cancel()
            #expect(await connecting.value)
        }
    }
}
