import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct PassedSocketTests {
    /// As a service manager opens one: it blocks, and is closed by the test.
    private static func open(_ address: SocketAddress, _ type: __socket_type) throws -> Int32 {
        let descriptor = try SystemError.check("socket") { socket(address.family, Int32(type.rawValue), 0) }
        _ = try SystemError.check("bind") { address.withSockaddr { bind(descriptor, $0, $1) } }
        return descriptor
    }

    @Test func `what a descriptor is, is found out`() throws {
        let stream = try Self.open(Loopback.ipv4, SOCK_STREAM)
        let datagrams = try Self.open(Loopback.ipv4, SOCK_DGRAM)
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        defer { for descriptor in [stream, datagrams] + ends { close(descriptor) } }
        guard case .other(let words) = PassedSocket(stream, name: "n").kind else {
            Issue.record("it does not listen yet")
            return
        }
        #expect(words.contains("does not listen"))
        listen(stream, 1)
        guard case .listener(.network(let address)) = PassedSocket(stream, name: "n").kind else {
            Issue.record("another kind")
            return
        }
        #expect(address.port != 0 && PassedSocket(stream, name: "n").place == address.description)
        guard case .datagrams(.network) = PassedSocket(datagrams, name: "n").kind else {
            Issue.record("another kind")
            return
        }
        #expect(PassedSocket(ends[0], name: "n").kind == .other("no socket"))
        #expect(PassedSocket(-1, name: "n").kind == .other("no socket"))
    }

    @Test func `a Unix socket is known by its path, an abstract one and one without a name too`() throws {
        let path = "/tmp/wstan-passed.\(getpid())"
        let named = try UnixPath.socket()
        let nameless = try UnixPath.socket()
        defer {
            close(named)
            close(nameless)
            unlink(path)
        }
        try UnixPath.bindForAll(named, to: path)
        #expect(UnixPath.name(of: named) == path)
        #expect(UnixPath.name(of: nameless) == nil)
        // Bound to no more than the family: the kernel chooses an abstract name of five digits (unix(7)).
        var family = sa_family_t(AF_UNIX)
        let status = withUnsafeMutableBytes(of: &family) { raw in
            raw.withMemoryRebound(to: sockaddr.self) { bind(nameless, $0.baseAddress, socklen_t(raw.count)) }
        }
        #expect(status == 0)
        #expect(UnixPath.name(of: nameless)?.utf8.count == 6)
        #expect(UnixPath.name(of: nameless)?.hasPrefix("@") == true)
        listen(named, 1)
        #expect(PassedSocket(named, name: "n").kind == .listener(.unix(path)))
    }

    /// Confined to the worker of the test.
    private final class Ledger: @unchecked Sendable {
        var accepted = 0
    }

    @Test func `a listener that is closed here goes on for others`() async throws {
        try await WorkerThread.run { worker in
            let theirs = try Self.open(Loopback.ipv4, SOCK_STREAM)
            defer { close(theirs) }
            listen(theirs, 8)
            let passed = PassedSocket(dup(theirs), name: "listen")
            guard case .listener(.network(let address)) = passed.kind else {
                Issue.record("another kind")
                return
            }
            let ledger = Ledger()
            let first = Wait<Void>(worker: worker)
            let listener = try Listener(passed: passed, at: address, on: worker, dealingTo: [worker]) { event in
                guard case .accepted(let arrival) = event else { return }
                close(arrival.descriptor)
                ledger.accepted += 1
                first.fulfill(())
            }
            #expect(fcntl(theirs, F_GETFL) & O_NONBLOCK != 0)
            #expect(fcntl(passed.descriptor, F_GETFD) & FD_CLOEXEC != 0)
            let deadline = worker.now + .seconds(30)
            try await WstanCore.Stream.connect(to: address, worker: worker, deadline: deadline).close()
            await first.value(onTimeout: (), onCancel: ())
            listener.close()
            try await WstanCore.Stream.connect(to: address, worker: worker, deadline: deadline).close()
            let accepted = accept(theirs, nil, nil)
            #expect(accepted >= 0)
            close(accepted)
            #expect(ledger.accepted == 1)
        }
    }

    @Test func `the file of a passed Unix socket stays`() async throws {
        let path = "/tmp/wstan-passed-file.\(getpid())"
        defer { unlink(path) }
        try await WorkerThread.run { worker in
            let theirs = try UnixPath.socket()
            try UnixPath.bindForAll(theirs, to: path)
            listen(theirs, 1)
            let listener = try UnixListener(
                passed: PassedSocket(theirs, name: "varlink"), on: worker, dealingTo: [worker]
            ) { _ in }
            #expect(listener.place == "unix:" + path)
            listener.close()
            #expect(UnixPath.isSocket(path))
        }
    }
}
