import Glibc
import Testing

@testable import WstanBase
@testable import WstanConfig
import WstanControl
@testable import WstanCore
@testable import WstanKit

/// Keys of version 2 in the daemon: what is asked for, what is stored, and what is written into the configuration.
@Suite(.timeLimit(.minutes(2))) struct KeyChangesTests {
    private static let day: Duration = .seconds(86_400)

    static func failure(_ body: () async throws(KeyFailure) -> Void) async -> KeyFailure? {
        do throws(KeyFailure) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    /// A server whose key is in a file, as after `init server`.
    static func configured(_ text: String, in folder: borrowing TemporaryFolder, isClient: Bool = false) throws
        -> ConfiguredKey
    {
        try KeyLoader.load(.file(try folder.write(text + "\n# mine\n", to: "key")), isClient: isClient)
    }

    static func service(
        _ configured: ConfiguredKey, in directory: String?, on worker: Worker, isClient: Bool = false,
        users: Services = Services()
    ) throws -> KeyRingService {
        let keys = try KeyRingService(
            configured, stateDirectory: directory, isClient: isClient, worker: worker, blocking: BlockingPool())
        keys.users = users
        return keys
    }

    /// Has nothing but uses of keys.
    private final class CountingService: WorkerService, @unchecked Sendable {
        let worker: Worker
        var keyUses: [KeyID: KeyUse] = [:]
        var closed: [KeyID] = []
        var snapshot: ServiceSnapshot { ServiceSnapshot() }
        var tunnelNumbers: [UInt64] { [] }

        init(_ worker: Worker) {
            self.worker = worker
        }

        func serve(_ arrival: Acceptor.Arrival, to destination: Address?) { Glibc.close(arrival.descriptor) }
        func closedForRoom() {}
        func reports(of numbers: ArraySlice<UInt64>) -> [TunnelReport] { [] }
        func closeTunnel(_ id: UInt64) -> Bool { false }
        func install(_ ring: KeyRing) {}
        func closeTunnels(openedWith key: KeyID) -> Int {
            closed.append(key)
            return 0
        }
        func drain(until deadline: Instant?) async {}
        func endDrain() {}
        func close(until deadline: Instant) async {}
    }

    private static func client(_ made: Secret?) throws -> ClientKey {
        let text = try #require(made?.text)
        return try #require(try KeyString(text: text).clientKey)
    }

    @Test func `a name beside a key of version 1 gets one of version 2, and the server a key of its own`() async throws
    {
        let folder = try TemporaryFolder()
        let configured = try Self.configured(Key.random().base64, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: path, on: worker)
            #expect(keys.ring.serverKeys(now: keys.clock()) == nil)
            let added = try await keys.add(name: "default", version: .v2)
            let key = try Self.client(added.made)
            #expect(added.id == key.user.ringID && added.isPersisted)
            #expect(keys.ring.serverKeys(now: keys.clock())?.current.publicKey == key.server)
            #expect(keys.ring.users.user(key.user.id, at: WireTime(keys.clock()))?.name == .configured)
            // The next one has the same server's key, and the configuration stands.
            let laptop = try await keys.add(name: "laptop", version: .v2)
            #expect(try Self.client(laptop.made).server == key.server)
            #expect(keys.configuration == configured.key)
            let kinds = await keys.list().map(\.kind)
            #expect(kinds == [.server, .v1, .v2, .v2])
            let restarted = try Self.service(configured, in: path, on: worker)
            #expect(restarted.ring == keys.ring && restarted.told.news.isEmpty)
        }
    }

    @Test func `a key that is added is of the version that the server speaks`() async throws {
        let v1 = Key.random()
        let configured = ConfiguredKey(key: .v1(v1), text: Secret(v1.base64), source: .environment("K"))
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: nil, on: worker)
            func kind(_ name: String) async -> Control.KeyKind? { await keys.list().first { $0.name?.text == name }?.kind }
            _ = try await keys.add(name: "a")
            #expect(await kind("a") == .v1)
            for given in [nil, Key.random().base64] {
                let failure = await Self.failure { () async throws(KeyFailure) in
                    _ = try await keys.add(name: "x", version: .v1, key: given, acceptsV1: false)
                }
                #expect(failure == .notPossible(KeyWarning.refusedV1(isGiven: given != nil)))
            }
            #expect(KeyWarning.refusedV1(isGiven: false).contains(". Without --v1, add-key makes a key of version 2;"))
            #expect(KeyWarning.refusedV1(isGiven: true).contains("; without --key-file, add-key makes a key of version 2;"))
            #expect(await kind("x") == nil)
            let rotated = try await keys.rotate(name: "a", acceptsV1: false)
            #expect(rotated.warnings.contains(KeyWarning.uselessV1(try #require(KeyName("a")), hasV2: false)))
            #expect(rotated.warnings.last?.hasSuffix(": wstanctl add-key a --v2 makes one of version 2") == true)
            _ = try await keys.add(name: "b", acceptsV1: false)
            #expect(await kind("b") == .v2)
            // Now the server has a key of version 2.
            _ = try await keys.add(name: "c")
            #expect(await kind("c") == .v2)
            let beside = try await keys.add(name: "default")
            #expect(beside.others.map(\.id) == [v1.ringID])
            #expect(try await keys.add(name: "d", version: .v1).others.isEmpty)
            #expect(await kind("d") == .v1)
            let both = try await keys.rotate(version: .v1, acceptsV1: false)
            #expect(both.warnings.last?.hasSuffix(": wstanctl client-config --key default prints that of version 2") == true)
        }
    }

    @Test func `with keys of both versions it has to be said which one, and each is printed`() async throws {
        let v1 = Key.random()
        let configured = ConfiguredKey(key: .v1(v1), text: Secret(v1.base64), source: .environment("K"))
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: nil, on: worker)
            #expect(
                await Self.failure { () throws(KeyFailure) in _ = try keys.clientKey(version: .v2) }
                    == .noKey("default", .v2))
            _ = try await keys.add(name: "default", version: .v2)
            #expect(
                await Self.failure { () async throws(KeyFailure) in _ = try await keys.rotate() }
                    == .versionNeeded("default"))
            let former = try Self.client(try keys.clientKey())
            let change = try await keys.rotate(version: .v2, grace: Self.day)
            #expect(try Self.client(change.made).user != former.user)
            #expect(change.former.map(\.id) == [former.user.ringID])
            #expect(try keys.clientKey(version: .v1).text == v1.base64)
            #expect(try keys.clientKey().text == change.made?.text)
            #expect(
                await Self.failure { () async throws(KeyFailure) in _ = try await keys.rotate(name: "x", version: .v2) }
                    == .noSuchName("x"))
            _ = try await keys.retire(id: v1.id.description)
            #expect(
                await Self.failure { () async throws(KeyFailure) in _ = try await keys.rotate(version: .v1) }
                    == .noKey("default", .v1))
        }
    }

    @Test func `a client's string is added as the key that it holds, if it is for this server`() async throws {
        let server = ServerKey.random()
        let text = KeyString(server: server).text
        let configured = ConfiguredKey(
            key: .server(server, .none, user: nil), text: Secret(text), source: .environment("K"))
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: nil, on: worker)
            let user = UserKey.random()
            let given = KeyString(client: server.publicKey, user).text
            let change = try await keys.add(name: "laptop", key: given)
            #expect(change.id == user.ringID && change.made == nil)
            #expect(try keys.clientKey(of: "laptop").text == given)
            let foreign = KeyString(client: ServerKey.random().publicKey, user).text
            for wrong in [foreign, text, String(given.dropLast())] {
                let failure = await Self.failure { () async throws(KeyFailure) in
                    _ = try await keys.add(name: "x", key: wrong)
                }
                guard case .invalidKey(let why)? = failure else {
                    Issue.record("taken")
                    continue
                }
                #expect(!why.contains(given.dropFirst(20).prefix(10)))
            }
            #expect(
                await Self.failure { () async throws(KeyFailure) in
                    _ = try await keys.rotate(name: "laptop", version: .v2, key: Key.random().base64)
                } == .invalidKey("the given key is of version 1, and not of version 2"))
        }
    }

    // MARK: The server's own key

    @Test func `a rotated server key is written into the key file, and the next start finds nothing to do`()
        async throws
    {
        let folder = try TemporaryFolder()
        let server = ServerKey.random()
        let configured = try Self.configured(KeyString(server: server).text, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: path, on: worker)
            _ = try await keys.add(name: "laptop", version: .v2)
            let change = try await keys.rotateServerKey(grace: Self.day, isForced: false)
            #expect(change.isPersisted && change.warnings.isEmpty && change.former.map(\.id) == [server.ringID])
            let now = try KeyLoader.load(.file(path + "/key"), isClient: false)
            #expect(now.key == keys.configuration && now.key.ringID == change.id)
            #expect(try Self.client(try keys.clientKey(of: "laptop")).server.id == change.id)
            let restarted = try Self.service(now, in: path, on: worker)
            #expect(restarted.ring == keys.ring && restarted.told.news.isEmpty)
        }
        #expect(try folder.text("key").hasSuffix("\n# mine\n"))
    }

    @Test func `tunnels end with a key that is retired, and stand when the configuration has another`() async throws {
        let server = ServerKey.random()
        let shared = ConfiguredKey(
            key: .server(server, .none, user: .random()), text: Secret(KeyString(server: server).text),
            source: .environment("K"))
        try await WorkerThread.run { worker in
            let service = CountingService(worker)
            let keys = try Self.service(shared, in: nil, on: worker, users: Services([TestRole([service])]))
            let laptop = try await keys.add(name: "laptop", version: .v2)
            _ = try await keys.retire(id: laptop.id.description)
            #expect(service.closed == [laptop.id])
            let former = Key.random()
            _ = try await keys.adopt(
                ConfiguredKey(key: .v1(former), text: Secret(former.base64), source: .environment("K")))
            #expect(keys.ring.userKeys.isEmpty)
            #expect(service.closed == [laptop.id])
        }
    }

    @Test func `a rotation that cuts users off names them, and is forced or refused`() async throws {
        let server = ServerKey.random()
        let configured = ConfiguredKey(
            key: .server(server, .none, user: nil), text: Secret(KeyString(server: server).text),
            source: .environment("K"))
        try await WorkerThread.run { worker in
            let service = CountingService(worker)
            let keys = try Self.service(configured, in: nil, on: worker, users: Services([TestRole([service])]))
            let laptop = try await keys.add(name: "laptop", version: .v2)
            let phone = try await keys.add(name: "phone", version: .v2)
            func refusal(_ grace: Duration) async -> String {
                let failure = await Self.failure { () async throws(KeyFailure) in
                    _ = try await keys.rotateServerKey(grace: grace, isForced: false)
                }
                guard case .notPossible(let why)? = failure else { return "" }
                return why
            }
            service.keyUses[laptop.id] = KeyUse(count: 1, servers: [server.ringID: CalendarTime(microseconds: 5)])
            #expect(await refusal(.zero).contains("\(server.ringID) ends now, and it is in the strings of laptop, phone. Nothing"))
            #expect(keys.ring.server.count == 1)

            // laptop stays with the former key, phone moves on.
            let next = try await keys.rotateServerKey(grace: Self.day, isForced: false)
            #expect(await refusal(Self.day).contains("have not been seen with the current one: laptop, phone. Nothing"))
            service.keyUses[phone.id] = KeyUse(
                count: 2,
                servers: [server.ringID: CalendarTime(microseconds: 5), next.id: CalendarTime(microseconds: 6)])
            let listed = await keys.list().filter { $0.formerServerKeyUse != nil }
            #expect(listed.map(\.name?.text) == ["laptop"])
            #expect(await refusal(Self.day).contains("have not been seen with the current one: laptop. Nothing"))
            // One that has its string since the rotation does not count.
            _ = try await keys.add(name: "desk", version: .v2)
            #expect(await refusal(Self.day).contains("have not been seen with the current one: laptop. Nothing"))
            let forced = try await keys.rotateServerKey(grace: Self.day, isForced: true)
            let told = "the server key \(server.ringID) is no longer accepted, which cuts off laptop: give each its new string"
            #expect(forced.warnings.contains { $0.hasPrefix(told) })
            // Where it ends none that is in use, there is nothing to say.
            service.keyUses = [:]
            for number in 0..<30 { _ = try await keys.add(name: "d\(number)", version: .v2) }
            #expect(await refusal(.zero).contains("d16 and 13 more. Nothing"))
            let ended = try await keys.rotateServerKey(grace: .zero, isForced: true)
            #expect(keys.ring.server.count == 1)
            let all = "laptop, phone, desk, " + (0..<30).map { "d\($0)" }.joined(separator: ", ")
            #expect(ended.warnings.contains { $0.contains("which cuts off \(all): give") })
        }
    }

    @Test func `a rotation that goes on says of whom another device may be cut off`() async throws {
        let server = ServerKey.random()
        let configured = ConfiguredKey(
            key: .server(server, .none, user: nil), text: Secret(KeyString(server: server).text),
            source: .environment("K"))
        try await WorkerThread.run { worker in
            let service = CountingService(worker)
            let keys = try Self.service(configured, in: nil, on: worker, users: Services([TestRole([service])]))
            let former = try await keys.add(name: "laptop", version: .v2)
            service.keyUses[former.id] = KeyUse(count: 1, servers: [server.ringID: CalendarTime(microseconds: 5)])
            let next = try await keys.rotateServerKey(grace: Self.day, isForced: false)
            #expect(!next.warnings.contains { $0.contains("cuts off") })
            let current = try await keys.rotate(name: "laptop", grace: Self.day)
            service.keyUses[current.id] = KeyUse(count: 1, servers: [next.id: CalendarTime(microseconds: 6)])
            let last = try await keys.rotateServerKey(grace: Self.day, isForced: false)
            #expect(last.warnings.contains { $0.contains("which cuts off any device that still has a former key of laptop: ") })
        }
    }

    @Test func `without a key of version 2 there is no server key to rotate`() async throws {
        let key = Key.random()
        let configured = ConfiguredKey(key: .v1(key), text: Secret(key.base64), source: .environment("K"))
        try await WorkerThread.run { worker in
            for isClient in [false, true] {
                let keys = try Self.service(configured, in: nil, on: worker, isClient: isClient)
                let failure = await Self.failure { () async throws(KeyFailure) in
                    _ = try await keys.rotateServerKey(grace: Self.day, isForced: true)
                }
                guard case .notPossible? = failure else {
                    Issue.record("rotated")
                    return
                }
            }
        }
    }

    // MARK: Shared strings and clients

    @Test func `a rotation under a shared string leaves a server's string in the key file`() async throws {
        let folder = try TemporaryFolder()
        let shared = KeyString.randomShared()
        let configured = try Self.configured(shared.text, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: path, on: worker)
            #expect(try keys.clientKey().text == shared.clientKey?.string.text)
            let change = try await keys.rotate(grace: Self.day)
            #expect(try Self.client(change.made).server == shared.serverPublicKey)
            let now = try KeyLoader.load(.file(path + "/key"), isClient: false)
            #expect(now.key == shared.serverKey.map { .server($0, .none, user: nil) })
            let restarted = try Self.service(now, in: path, on: worker)
            #expect(restarted.ring == keys.ring && restarted.told.news.isEmpty)
        }
    }

    @Test func `a client changes to another string or version, and what is in its file follows`() async throws {
        let folder = try TemporaryFolder()
        let old = Key.random()
        let configured = try Self.configured(old.base64, in: folder, isClient: true)
        let path = folder.path
        let text = try #require(KeyString.randomShared().clientKey).string.text
        try await WorkerThread.run { worker in
            let keys = try Self.service(configured, in: path, on: worker, isClient: true)
            let change = try await keys.rotate(key: text)
            #expect(change.isPersisted && change.warnings.isEmpty && change.replaced == old.ringID)
            #expect(keys.sending.text == text && keys.sending.ringID == change.id)
            #expect(try keys.clientKey().text == text)
            let now = try KeyLoader.load(.file(path + "/key"), isClient: true)
            #expect(keys.isConfigured(now.key) && now.text.text == text)
            let restarted = try Self.service(now, in: path, on: worker, isClient: true)
            #expect(restarted.sending == keys.sending && restarted.told.news.isEmpty)
            #expect(
                await Self.failure { () async throws(KeyFailure) in _ = try await keys.rotate(key: text) }
                    == .invalidKey("this is already the current key of default"))
            _ = try await keys.rotate(key: old.base64)
            #expect(keys.sending == .v1(old))
        }
    }
}
