import Synchronization
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct TargetPolicyTests {
    /// What the kernel would say, and how often it was asked.
    private final class Interfaces: Sendable {
        let state = Mutex((answer: Result<Set<Host>, SystemError>.success([]), count: 0))

        func list() -> Result<Set<Host>, SystemError> {
            state.withLock {
                $0.count += 1
                return $0.answer
            }
        }

        func answer(_ answer: Result<Set<Host>, SystemError>) { state.withLock { $0.answer = answer } }
        var count: Int { state.withLock { $0.count } }
    }

    private static let public1 = Host.ipv4(IPv4Address(0x0909_0901))
    private static let public2 = Host.ipv4(IPv4Address(0x0909_0902))

    private static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 5_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `the kernel is asked once a second, and a failure changes nothing`() {
        let interfaces = Interfaces()
        interfaces.answer(.success([Self.public1]))
        let addresses = HostAddresses(now: Self.at(0)) { interfaces.list() }
        #expect(addresses.failure == nil)
        interfaces.answer(.success([Self.public2]))
        for time in [0, 1, 999] { #expect(addresses.current(now: Self.at(time)) == [Self.public1]) }
        #expect(interfaces.count == 1)
        for time in [1000, 1500] { #expect(addresses.current(now: Self.at(time)) == [Self.public2]) }
        #expect(interfaces.count == 2)
        interfaces.answer(.failure(SystemError(call: "getifaddrs", code: 24)))
        #expect(addresses.current(now: Self.at(5000)) == [Self.public2])
        #expect(interfaces.count == 3)
        addresses.setListening([.ipv4(IPv4Address(0x0909_0901), port: 80)])
        #expect(addresses.current(now: Self.at(5001)) == [Self.public1, Self.public2])
    }

    @Test func `a first failure is told`() {
        let error = SystemError(call: "getifaddrs", code: 24)
        let addresses = HostAddresses(now: Self.at(0)) { .failure(error) }
        #expect(addresses.failure == error)
        #expect(addresses.current(now: Self.at(0)).isEmpty)
    }

    @Test func `this host has its loopback`() throws {
        #expect(try HostAddresses.interfaces().get().contains(.ipv4(IPv4Address(0x7f00_0001))))
    }

    @Test func `an address that this host gets is private from then on`() async throws {
        let refusals = try await WorkerThread.run { worker in
            let interfaces = Interfaces()
            let gate = TargetPolicy(
                worker: worker, rules: TargetRules(),
                hostAddresses: HostAddresses(now: worker.now) { interfaces.list() })
            let target = SocketAddress.ipv4(IPv4Address(0x0909_0901), port: 80)
            let before = gate.refusal(of: target, name: nil)
            interfaces.answer(.success([Self.public1]))
            let end = worker.now + .seconds(10)
            while gate.refusal(of: target, name: nil) == nil, worker.now < end {
                await worker.sleep(for: .milliseconds(50))
            }
            return [before, gate.refusal(of: target, name: nil), gate.refusal(ofName: "a.test", port: 80)]
        }
        #expect(refusals == [nil, "allow-private", nil])
    }
}
