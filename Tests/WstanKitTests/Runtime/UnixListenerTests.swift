import Glibc
import Synchronization
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct UnixListenerTests {
    /// A path in a directory that is gone afterwards.
    private static func withPath(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/wstan-unix.XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            unlink(directory + "/s")
            rmdir(directory)
        }
        try await body(directory + "/s")
    }

    private static func listen(
        _ path: String, _ worker: Worker, _ accepted: @escaping (Acceptor.Arrival) -> Void = { _ in }
    ) throws -> UnixListener {
        try UnixListener(path, on: worker, dealingTo: [worker]) { event in
            if case .accepted(let arrival) = event { accepted(arrival) }
        }
    }

    /// Connects a plain descriptor and takes the other end over.
    private static func pair(_ path: String, _ worker: Worker) async throws -> (near: Int32, far: WstanCore.Stream) {
        let arrival = Wait<Acceptor.Arrival?>(worker: worker)
        let listener = try listen(path, worker) { arrival.fulfill($0) }
        defer { listener.close() }
        let near = try UnixPath.socket()
        try UnixPath.connect(near, to: path)
        let accepted = try #require(await arrival.value(onTimeout: nil, onCancel: nil))
        return (near, try WstanCore.Stream(accepted))
    }

    @Test func `whoever connects is told by process and user, and everybody may`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let arrival = Wait<Acceptor.Arrival?>(worker: worker)
                let listener = try Self.listen(path, worker) { arrival.fulfill($0) }
                #expect(listener.place == "unix:\(path)")
                var status = stat()
                #expect(stat(path, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o666)
                let near = try UnixPath.socket()
                defer { close(near) }
                try UnixPath.connect(near, to: path)
                let accepted = try #require(await arrival.value(onTimeout: nil, onCancel: nil))
                guard case .local(let process) = accepted.peer else {
                    Issue.record("another case")
                    return
                }
                #expect(process.pid == getpid())
                #expect(process.uid == geteuid())
                #expect(process.gid == getegid())
                #expect(accepted.peer.isLoopback)
                close(accepted.descriptor)
                listener.close()
                #expect(UnixPath.identity(of: path) == nil)
            }
        }
    }

    /// In a process of its own: the umask is one per process, and other tests listen meanwhile.
    @Test func `the mode is the same whatever the umask, which stays`() async throws {
        try await Self.withPath { path in
            await #expect(processExitsWith: .success) { [path = path as String] in
                try await WorkerThread.run { worker in
                    for mask in [mode_t(0), 0o022, 0o077, 0o777] {
                        umask(mask)
                        let listener = try Self.listen(path, worker)
                        #expect(umask(mask) == mask)
                        var status = stat()
                        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o666)
                        listener.close()
                    }
                }
            }
        }
    }

    /// Whoever can write in the socket's directory can put a link in its place as soon as it is there. A chmod(2) of the path has
    /// opened what the link led to: within a few hundred tries, as root, a file of root's.
    @Test func `a link that takes the socket's place at once leads to nothing that is changed`() async throws {
        try await Self.withPath { path in
            let (secret, link) = (path + ".secret", path + ".link")
            defer { for file in [secret, link] { unlink(file) } }
            try #require(close(creat(secret, 0o600)) == 0)
            let attacker = Attacker(secret, link, path)
            try #require(DetachedThread.start { attacker.run() } == nil)
            try await WorkerThread.run { worker in
                for _ in 0..<2000 {
                    let listener = try? Self.listen(path, worker)
                    listener?.close()
                    unlink(path)
                }
            }
            attacker.isOver.store(true, ordering: .releasing)
            while !attacker.hasEnded.load(ordering: .acquiring) { usleep(1000) }
            var status = stat()
            #expect(stat(secret, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        }
    }

    private final class Attacker: Sendable {
        let isOver = Atomic(false)
        let hasEnded = Atomic(false)
        private let secret: String
        private let link: String
        private let path: String

        init(_ secret: String, _ link: String, _ path: String) {
            (self.secret, self.link, self.path) = (secret, link, path)
        }

        func run() {
            while !isOver.load(ordering: .acquiring) {
                guard UnixPath.isSocket(path), symlink(secret, link) == 0 else { continue }
                rename(link, path)
            }
            hasEnded.store(true, ordering: .releasing)
        }
    }

    @Test func `a socket on which somebody listens is not taken from him`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let listener = try Self.listen(path, worker)
                let failure = #expect(throws: UnixListener.Failure.self) { try Self.listen(path, worker) }
                guard case .taken(let process?) = failure else {
                    Issue.record("another case")
                    return
                }
                #expect(process.pid == getpid())
                #expect("\(process)".hasPrefix("process \(getpid()) of user "))
                #expect(!UnixPath.isStale(path))
                listener.close()
            }
        }
    }

    @Test func `a socket that a crash has left is replaced, another file is not`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let left = try UnixPath.socket()
                try UnixPath.bindForAll(left, to: path)
                close(left)
                #expect(UnixPath.isStale(path))
                let listener = try Self.listen(path, worker)
                #expect(UnixPath.listener(at: path)?.pid == getpid())
                listener.close()

                close(creat(path, 0o600))
                #expect(throws: UnixListener.Failure.otherFile) { try Self.listen(path, worker) }
                #expect(UnixPath.identity(of: path) != nil)
            }
        }
    }

    @Test func `what another has put there meanwhile stays`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let listener = try Self.listen(path, worker)
                // Renamed away, not removed: a freed number could be used again.
                #expect(rename(path, path + ".old") == 0)
                let other = try Self.listen(path, worker)
                listener.close()
                #expect(UnixPath.identity(of: path) != nil)
                other.close()
                #expect(UnixPath.identity(of: path) == nil)
                unlink(path + ".old")
            }
        }
    }

    @Test func `a directory that is not there, and a path that is too long`() async throws {
        try await WorkerThread.run { worker in
            let missing = #expect(throws: UnixListener.Failure.self) { try Self.listen("/nowhere/at/all", worker) }
            #expect(missing == .system(SystemError(call: "bind", code: ENOENT)))
            let long = "/tmp/" + String(repeating: "x", count: 103)
            let failure = #expect(throws: UnixListener.Failure.self) { try Self.listen(long, worker) }
            #expect(failure == .system(SystemError(call: "bind", code: ENAMETOOLONG)))
        }
    }

    /// What sock_diag tells of TCP, the event itself tells here.
    @Test func `a peer that has shut down its sending side is there, one that has closed is not`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let (near, far) = try await Self.pair(path, worker)
                #expect(far.hasOwner == true)
                #expect(far.peerIsAlive(since: worker.now))
                #expect(far.localAddress == nil && far.remoteAddress == nil)
                shutdown(near, Int32(SHUT_WR))
                #expect(await far.readAll().ending == .end)
                #expect(far.hasOwner == true)
                #expect(HalfClosedUserAgent(far)?.isWorthwhile(since: worker.now) == true)
                close(near)
                while far.hasOwner == true { await worker.yield() }
                #expect(far.ownerHasLeft)
                #expect(!far.peerIsAlive(since: worker.now))
                #expect(HalfClosedUserAgent(far) == nil)
                far.close()
            }
        }
    }

    @Test func `what a peer sent before it closed is read`() async throws {
        try await Self.withPath { path in
            try await WorkerThread.run { worker in
                let (near, far) = try await Self.pair(path, worker)
                let bytes = [UInt8](repeating: 7, count: 50_000)
                #expect(send(near, bytes, bytes.count, 0) == bytes.count)
                close(near)
                while far.hasOwner == true { await worker.yield() }
                #expect(!far.isGone)
                let (received, ending) = await far.readAll(piecesOf: 1000)
                #expect(received == bytes)
                #expect(ending == .end)
                far.closeOrderly(awaitingPeer: true)
                #expect(far.isClosed)
            }
        }
    }
}
