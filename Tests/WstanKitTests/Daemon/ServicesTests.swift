import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct ServicesTests {
    /// A service of a role that is neither a client nor a server. Its tunnels are numbers.
    private final class OtherService: WorkerService, @unchecked Sendable {
        let worker: Worker
        private var tunnels: Set<UInt64>
        private let drain: Draining
        private let key = Key.random()

        init(_ worker: Worker, tunnels: Set<UInt64>) {
            self.worker = worker
            self.tunnels = Set(tunnels.map { $0 * 2 + UInt64(worker.index) })
            drain = Draining(worker: worker)
        }

        func serve(_ arrival: Acceptor.Arrival, to destination: Address?) {
            worker.assertIsCurrent()
            Glibc.close(arrival.descriptor)
        }

        func closedForRoom() {}

        var snapshot: ServiceSnapshot {
            worker.assertIsCurrent()
            return ServiceSnapshot(totals: TunnelTotals(active: tunnels.count))
        }

        var tunnelNumbers: [UInt64] { tunnels.sorted() }

        func reports(of numbers: ArraySlice<UInt64>) -> [TunnelReport] {
            worker.assertIsCurrent()
            return numbers.filter(tunnels.contains).map {
                TunnelReport(
                    id: $0, state: .using, carriesDatagrams: false, peer: "p", traffic: Traffic(), opened: worker.now,
                    lastActivity: worker.now, roundTrip: .zero)
            }
        }

        func closeTunnel(_ id: UInt64) -> Bool {
            guard tunnels.remove(id) != nil else { return false }
            if tunnels.isEmpty { drain.finish() }
            return true
        }

        var keyUses: [KeyID: KeyUse] { [key.id: KeyUse(count: 1)] }
        func install(_ ring: KeyRing) { worker.assertIsCurrent() }

        func closeTunnels(openedWith key: KeyID) -> Int {
            worker.assertIsCurrent()
            defer { tunnels = [] }
            return tunnels.count
        }

        func drain(until deadline: Instant?) async {
            drain.begin()
            if !tunnels.isEmpty { await drain.wait(until: deadline) }
        }

        func endDrain() { drain.end() }
        func close(until deadline: Instant) async { worker.assertIsCurrent() }
    }

    /// Two roles on each of two workers, one of which is the test's: tunnels 2, 4 and 6 there, 3, 5 and 7 on the other.
    private static func run(
        _ first: Set<UInt64> = [1, 2], _ body: @escaping @Sendable (Services) async throws -> Void
    ) async throws {
        let other = try Worker(index: 1, memoryLimit: 1 << 20)
        other.start()
        defer { other.stop() }
        try await WorkerThread.run { main in
            let workers = [main, other]
            let others: Set<UInt64> = first.count > 2 ? [] : [3]
            let roles = [first, others].map { tunnels in
                TestRole(workers.map { OtherService($0, tunnels: tunnels) })
            }
            try await body(Services(roles))
        }
    }

    @Test func `the services of all roles are asked, each on its worker`() async throws {
        try await Self.run { services in
            let snapshot = await services.snapshot()
            #expect(snapshot == ServiceSnapshot(totals: TunnelTotals(active: 6)))
            #expect(await services.keyUses().count == 4)
        }
    }

    @Test func `tunnels are listed in the order of their numbers, some at a time`() async throws {
        try await Self.run { services in
            var listed: [UInt64] = []
            await services.tunnels { reports in
                listed += reports.map(\.id)
                return true
            }
            #expect(listed == Array(2...7))
        }
        try await Self.run(Set(1...100)) { services in
            var listed: [[UInt64]] = []
            await services.tunnels { reports in
                listed.append(reports.map(\.id))
                return listed.count < 3
            }
            #expect(listed == [Array(2...65), Array(66...129), Array(130...193)])
        }
    }

    @Test func `a tunnel is closed wherever it is`() async throws {
        try await Self.run { services in
            #expect(await services.closeTunnel(7))
            #expect(await !services.closeTunnel(7))
            #expect(await services.closeTunnels(openedWith: Key.random().id) == 5)
        }
    }

    @Test func `a drain ends when every service has nothing left`() async throws {
        try await Self.run { services in
            let drain = Task { await services.drain(until: nil) }
            for id in 2...7 as ClosedRange<UInt64> { #expect(await services.closeTunnel(id)) }
            await drain.value
        }
    }

    @Test func `a drain that is taken back is over`() async throws {
        try await Self.run { services in
            async let drained: Void = services.drain(until: nil)
            await services.endDrain()
            for id in 2...7 as ClosedRange<UInt64> { _ = await services.closeTunnel(id) }
            await drained
        }
    }

    @Test func `what only one of two has is not lost in their sum`() {
        let client = ServiceSnapshot(pool: PoolReport(size: 2), servers: [ServerReport(tunnels: 3)])
        var rejects = RefusalCounts()
        rejects.increment(.replay)
        let server = ServiceSnapshot(rejects: rejects)
        let sum = client + server + client
        #expect(
            sum == ServiceSnapshot(pool: PoolReport(size: 4), servers: [ServerReport(tunnels: 6)], rejects: rejects))
        #expect(StatusLine(client, state: nil).poolSize == 2)
        #expect(StatusLine(ServiceSnapshot(), state: nil).poolSize == nil)
    }
}
