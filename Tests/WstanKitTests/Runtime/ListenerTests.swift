import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    /// Confined to the worker of the test.
    private final class Ledger: @unchecked Sendable {
        var indices: [Int] = []
    }

    @Test func `connections are dealt out in turn`() async throws {
        let other = try Worker(index: 1, memoryLimit: 1 << 20)
        try await WorkerThread.run { worker in
            let ledger = Ledger()
            let done = Wait<Void>(worker: worker)
            let listener = try Listener(Loopback.ipv4, on: worker, dealingTo: [worker, other]) { event in
                guard case .accepted(let arrival) = event else { return }
                ledger.indices.append(arrival.worker.index)
                #expect(arrival.peer.isLoopback)
                close(arrival.descriptor)
                if ledger.indices.count == 200 { done.fulfill(()) }
            }
            #expect(listener.address.port != 0)
            for _ in 0..<200 {
                let stream = try await WstanCore.Stream.connect(
                    to: listener.address, worker: worker, deadline: worker.now + .seconds(30))
                stream.close()
            }
            await done.value(onTimeout: (), onCancel: ())
            #expect(ledger.indices == (0..<200).map { $0 % 2 })
            listener.close()
        }
    }

    @Test func `a trial says what listening would say, and leaves nothing behind`() async throws {
        try await WorkerThread.run { worker in
            let listener = try Listener(Loopback.ipv4, on: worker, dealingTo: [worker]) { _ in }
            let taken = #expect(throws: SystemError.self) { try BindTrial.bind(listener.address) }
            #expect(taken?.code == EADDRINUSE)
            let address = listener.address
            listener.close()
            for _ in 0..<2 {
                try BindTrial.bind(address)
                try BindTrial.bind(address, forDatagrams: true)
            }
            try Listener(address, on: worker, dealingTo: [worker]) { _ in }.close()
        }
    }

    @Test func `a port that is taken cannot be listened on`() async throws {
        try await WorkerThread.run { worker in
            let listener = try Listener(Loopback.ipv4, on: worker, dealingTo: [worker]) { _ in }
            let error = #expect(throws: SystemError.self) {
                try Listener(listener.address, on: worker, dealingTo: [worker]) { _ in }
            }
            #expect(error?.code == EADDRINUSE)
            listener.close()
            listener.close()
        }
    }
}
