import Glibc
import Testing

@testable import WstanBase
@testable import WstanConfig
import WstanControl
@testable import WstanCore
@testable import WstanKit

/// The server's key in its file: put there when another one is retired, and edited by hand.
@Suite(.timeLimit(.minutes(2))) struct KeyFileChangesTests {
    /// The recipe "Move from version 1 to version 2": what the file had opens nothing from then on.
    @Test func `the server's string takes the place of a configured key of version 1 that is retired`() async throws {
        let folder = try TemporaryFolder()
        let v1 = Key.random()
        let configured = try KeyChangesTests.configured(v1.base64, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try KeyChangesTests.service(configured, in: path, on: worker)
            _ = try await keys.add(name: "laptop", version: .v2)
            let server = try #require(keys.ring.server.current)
            // It is named, so it is not the configured key that is retired here.
            let other = try await keys.add(name: "desk", version: .v1)
            _ = try await keys.retire(id: other.id.description)
            #expect(try KeyLoader.load(.file(path + "/key"), isClient: false).key == .v1(v1))
            let change = try await keys.retire(id: v1.id.description)
            #expect(change.warnings.isEmpty && change.name == .configured && change.isPersisted)
            let now = try KeyLoader.load(.file(path + "/key"), isClient: false)
            #expect(now.key == .server(server.key, .none, user: nil) && keys.isConfigured(now.key))
            let restarted = try KeyChangesTests.service(now, in: path, on: worker)
            #expect(restarted.ring == keys.ring && restarted.told.news.isEmpty)
            // What the file gives now is rotated there.
            _ = try await keys.rotateServerKey(grace: .zero, isForced: true)
            #expect(try KeyLoader.load(.file(path + "/key"), isClient: false).key == keys.configuration)
        }
        #expect(try folder.text("key").hasSuffix("\n# mine\n"))
    }

    /// As packaged, where the file is root's. A file with two names stands for one that may not be written.
    @Test func `retiring the configured key again writes what could not be written`() async throws {
        let folder = try TemporaryFolder()
        let v1 = Key.random()
        let configured = try KeyChangesTests.configured(v1.base64, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try KeyChangesTests.service(configured, in: path, on: worker)
            _ = try await keys.add(name: "laptop", version: .v2)
            #expect(link(path + "/key", path + "/second") == 0)
            let change = try await keys.retire(id: v1.id.description)
            #expect(change.warnings.count == 1 && change.warnings[0].hasPrefix("\(path)/key still has the old key ("))
            #expect(try KeyLoader.load(.file(path + "/key"), isClient: false).key == .v1(v1))
            #expect(unlink(path + "/second") == 0)
            let again = try await keys.retire(id: v1.id.description)
            #expect(again.warnings.isEmpty && again.name == .configured)
            #expect(try KeyLoader.load(.file(path + "/key"), isClient: false).key == keys.configuration)
            let unknown = await KeyChangesTests.failure { () async throws(KeyFailure) in
                _ = try await keys.retire(id: v1.id.description)
            }
            #expect(unknown == .noSuchKey(v1.id.description))
        }
    }

    @Test func `a server key that was edited is told to be without grace, with what gives time`() async throws {
        let folder = try TemporaryFolder()
        let server = ServerKey.random()
        let edited = [
            try KeyChangesTests.configured(KeyString(server: .random()).text, in: folder),
            try KeyChangesTests.configured(Key.random().base64, in: folder),
        ]
        let configured = try KeyChangesTests.configured(KeyString(server: server).text, in: folder)
        let path = folder.path
        try await WorkerThread.run { worker in
            let keys = try KeyChangesTests.service(configured, in: path, on: worker)
            _ = try await keys.add(name: "laptop", version: .v2)
            for next in edited {
                let news = keys.preview(next).news
                let text = try #require(news.first)
                #expect(text.contains("has changed, and replaces the server's own key (\(server.ringID)) in \(path)/keyring. "))
                #expect(text.hasSuffix("put the former key back, reload, and run wstanctl rotate-server-key"))
                #expect(text.contains(next.key.ringID == next.key.id ? "No client of version 2 can" : "needs its new string at once"))
            }
            #expect(keys.ring.server.current?.id == server.ringID)
        }
    }
}
