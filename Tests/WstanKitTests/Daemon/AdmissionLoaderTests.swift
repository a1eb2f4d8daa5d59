import Foundation
import Testing

@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite struct AdmissionLoaderTests {
    private static func settings(_ mode: Settings.Mode = .client) throws -> Settings {
        Settings(mode: mode, uri: try #require(ServerURI(text: "ws://h/")), key: .text(Secret("k")))
    }

    private static func failure(_ settings: Settings) -> String? {
        do throws(AdmissionLoader.Failure) {
            _ = try AdmissionLoader.load(settings)
            return nil
        } catch {
            return error.description
        }
    }

    private static func withFile<R>(_ text: String, mode: Int = 0o600, _ body: (String) throws -> R) throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-users-\(UUID().uuidString)")
            .path
        defer { unlink(path) }
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
        try #require(FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes))
        return try body(path)
    }

    @Test func `without either everybody may`() throws {
        let (admission, warnings) = try AdmissionLoader.load(try Self.settings())
        #expect(admission.users == nil)
        #expect(admission.allowedUsers.isEmpty)
        #expect(warnings.isEmpty)
    }

    @Test func `users of this host are found by number and by name`() throws {
        var settings = try Self.settings()
        settings.allowUID = [.number(4711), .name("root"), .number(4711)]
        #expect(try AdmissionLoader.load(settings).admission.allowedUsers == [0, 4711])
        settings.allowUID = [.name("root"), .name("no-such-user-here")]
        #expect(Self.failure(settings)?.contains("this host has no user no-such-user-here") == true)
    }

    @Test(arguments: [(0o600, 0), (0o644, 1)])
    func `a users file is read, and warned of when everybody can read it`(mode: Int, count: Int) throws {
        try Self.withFile("anna:\(ConfigUsersFileTests.sha256)\n", mode: mode) { path in
            var settings = try Self.settings()
            settings.usersFile = path
            let (admission, warnings) = try AdmissionLoader.load(settings)
            #expect(admission.users?.users.count == 1)
            #expect(warnings.count == count)
            #expect(count == 0 || warnings.first?.contains(FileExposure.command(path)) == true)
        }
    }

    @Test func `a line that cannot be used is told, and the others work`() throws {
        try Self.withFile("anna:$apr1$x$y\nbert:\(ConfigUsersFileTests.sha256)\ncleo\n") { path in
            var settings = try Self.settings()
            settings.usersFile = path
            let users = try #require(try AdmissionLoader.load(settings).admission.users)
            #expect(users.users.map { String(decoding: $0.name, as: UTF8.self) } == ["bert"])
            #expect(users.warnings.map { $0.description.prefix(path.count + 14) } == [
                "\(path):1:6: warning:", "\(path):3:1: warning:",
            ])
        }
    }

    @Test func `a file without a user ends the start, each line with what is wrong`() throws {
        try Self.withFile("anna:secret\nbert\n") { path in
            var settings = try Self.settings()
            settings.usersFile = path
            let text = try #require(Self.failure(settings))
            #expect(text.contains("\(path):1:6: warning: ") && text.contains("\(path):2:1: warning: "))
            #expect(text.contains("\(path): error: has no user"))
            #expect(!text.contains("secret"))
            settings.usersFile = path + "-is-missing"
            #expect(Self.failure(settings)?.hasPrefix("cannot read the users file \(path)-is-missing: ") == true)
        }
    }

    @Test func `a server has no door of this kind`() throws {
        var settings = try Self.settings(.server)
        settings.usersFile = "/no/such/file"
        settings.allowUID = [.name("no-such-user-here")]
        #expect(Self.failure(settings) == nil)
    }
}
