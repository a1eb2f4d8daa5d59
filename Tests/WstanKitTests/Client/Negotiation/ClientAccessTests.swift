import Glibc
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct ClientAccessTests {
    private static let name = Address(host: .name("example.com"), port: 443)

    /// What the door makes of the bytes, sent one by one or at once, and what it answers.
    private static func visit(
        _ bytes: [UInt8], users text: String? = nil, allowing allowed: Set<UInt32> = [],
        dripped: Bool = false
    ) async throws -> (request: ProxyNegotiation.Command?, answer: [UInt8]) {
        try await WorkerThread.run { worker in
            let users = try text.map { try UsersFile(Array($0.utf8), path: "u") }
            let rules = ClientAccess(
                allowedUsers: allowed,
                passwords: users.map {
                    PasswordChecker(
                        worker: worker, users: $0, shared: PasswordChecks(threads: BlockingPool(maxThreads: 2)))
                },
                worker: worker, log: .silent)
            let (userAgent, stream) = try await Loopback.pair(on: worker)
            let found = Wait<ProxyNegotiation.Command?>(worker: worker)
            worker.spawn {
                var door = ProxyNegotiation(stream, rules: rules)
                let request = await door.receive()
                stream.closeOrderly(awaitingPeer: true)
                found.fulfill(request)
            }
            for piece in dripped ? bytes.map({ [$0] }) : [bytes] {
                userAgent.write(piece)
                await worker.settle()
            }
            let answer = await userAgent.readAll().bytes
            let request = await found.value(onTimeout: nil, onCancel: nil)
            userAgent.close()
            return (request, answer)
        }
    }

    private static let users = "anna:\(ConfigUsersFileTests.sha256)\n"

    private static func socks5(_ name: String, _ password: String) -> [UInt8] {
        var bytes: [UInt8] = [5, 2, 0, 2, 1, UInt8(name.utf8.count)] + Array(name.utf8)
        bytes += [UInt8(password.utf8.count)] + Array(password.utf8) + [5, 1]
        Self.name.encode(into: &bytes)
        return bytes
    }

    @Test(arguments: [false, true])
    func `SOCKS5 is asked for name and password, and goes on with the right ones`(dripped: Bool) async throws {
        let right = try await Self.visit(Self.socks5("anna", "open sesame"), users: Self.users, dripped: dripped)
        guard case .connect(let connect) = right.request else { return #expect(Bool(false), "no connection") }
        #expect(connect.target == Self.name)
        #expect(connect.reply == .socks5)
        #expect(right.answer == [5, 2, 1, 0])
        for (name, password) in [("anna", "open"), ("emil", "open sesame"), ("", "")] {
            let wrong = try await Self.visit(Self.socks5(name, password), users: Self.users, dripped: dripped)
            #expect(wrong.request == nil)
            #expect(wrong.answer == [5, 2, 1, 1])
        }
    }

    @Test func `what has no password, or another negotiation, is refused`() async throws {
        for (bytes, answer) in [
            ([5, 1, 0], [5, 0xff]), ([5, 0], [5, 0xff]), ([5, 1, 2, 5], [5, 2, 1, 1]),
            ([4, 1, 0, 80, 1, 2, 3, 4, 0], [0, 0x5b, 0, 0, 0, 0, 0, 0]),
        ] as [([UInt8], [UInt8])] {
            let visit = try await Self.visit(bytes, users: Self.users)
            #expect(visit.request == nil)
            #expect(visit.answer == answer)
        }
    }

    @Test func `HTTP is asked by its session, CONNECT too`() async throws {
        for line in ["GET http://a/ HTTP/1.1", "CONNECT a:1 HTTP/1.1"] {
            let visit = try await Self.visit(Array("\(line)\r\n\r\n".utf8), users: Self.users)
            guard case .request = visit.request else { return #expect(Bool(false), "\(line)") }
            #expect(visit.answer == [])
        }
    }

    @Test func `the user of a local socket is let in when it is named`() async throws {
        let socks: [UInt8] = [5, 1, 0, 5, 1, 0, 1, 1, 2, 3, 4, 0, 80]
        let own = try await Self.visit(socks, allowing: [geteuid()])
        #expect(own.request != nil)
        for (bytes, answer) in [
            (socks, [5, 0xff]), ([4, 1, 0, 80, 1, 2, 3, 4, 0], [0, 0x5b, 0, 0, 0, 0, 0, 0]), ([0x16], []),
        ] as [([UInt8], [UInt8])] {
            let other = try await Self.visit(bytes, allowing: [geteuid() + 1])
            #expect(other.request == nil)
            #expect(other.answer == answer)
        }
        for field in ["", "Accept: text/html\r\n"] {
            let head = "GET http://a/ HTTP/1.1\r\n\(field)Proxy-Authorization: Basic YTpi\r\n\r\n"
            let other = try await Self.visit(Array(head.utf8), users: Self.users, allowing: [geteuid() + 1])
            #expect(other.request == nil)
            let answer = String(decoding: other.answer, as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 403 ") && answer.contains("<html") == !field.isEmpty)
        }
    }

    @Test func `a Unix socket's peer tells by itself`() async throws {
        try await WorkerThread.run { worker in
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
            let near = try WstanCore.Stream(descriptor: ends[0], worker: worker, isUnix: true)
            let far = try WstanCore.Stream(descriptor: ends[1], worker: worker, isUnix: true)
            #expect(far.peerOwner == .open(user: geteuid()))
            #expect(ClientAccess(allowedUsers: [geteuid()], passwords: nil, worker: worker, log: .silent).admits(far))
            #expect(!ClientAccess(allowedUsers: [geteuid() + 1], passwords: nil, worker: worker, log: .silent).admits(far))
            near.close()
            far.close()
        }
    }

    @Test func `a user agent that has left is not let in`() async throws {
        try await WorkerThread.run { worker in
            let rules = ClientAccess(allowedUsers: [0, geteuid()], passwords: nil, worker: worker, log: .silent)
            let (userAgent, stream) = try await Loopback.pair(on: worker)
            #expect(rules.admits(stream))
            userAgent.close()
            #expect(await stream.readAll().ending == .end)
            #expect(!rules.admits(stream))
            stream.close()
            #expect(ClientAccess(allowedUsers: [], passwords: nil, worker: worker, log: .silent).admits(stream))
        }
    }
}
