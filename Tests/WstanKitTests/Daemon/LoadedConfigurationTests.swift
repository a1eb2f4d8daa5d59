import Foundation
import Testing

@testable import WstanConfig
@testable import WstanKit

@Suite struct LoadedConfigurationTests {
    private static let key = KeySource.text(Secret("WY+yKqwlAlxSubNXVLrJsw=="))

    private static func settings(_ mode: Settings.Mode = .client) throws -> Settings {
        var settings = Settings(mode: mode, uri: try #require(ServerURI(text: "ws://h/")), key: key)
        settings.listen = [.tcp(host: "127.0.0.1", port: 1080)]
        settings.controlSocket = nil
        return settings
    }

    private static func load(_ settings: Settings, replacing former: Settings? = nil) throws -> LoadedConfiguration {
        try LoadedConfiguration(
            settings, replacing: former, key: try KeyLoader.load(settings), found: [], passed: [])
    }

    @Test func `a reload puts in force what the start would, but for what needs a restart`() throws {
        let former = try Self.settings()
        var settings = former
        settings.poolSize = 3
        settings.threads = 7
        let start = try Self.load(settings)
        let reload = try Self.load(settings, replacing: former)
        #expect(start.next == settings)
        #expect(reload.next.poolSize == 3 && reload.next.threads == former.threads)
        #expect(reload.settings == settings)
        #expect(start.plan.entries.map(\.source) == reload.plan.entries.map(\.source))
    }

    @Test func `a reload looks at what the other mode names, and puts none of it in force`() throws {
        let reload = try Self.load(try Self.settings(.server), replacing: try Self.settings())
        #expect(reload.next.mode == .server)
        #expect(reload.trust == nil && reload.admission.users == nil)
    }

    /// The check before a reload has told of it, with its place.
    @Test func `a file that everyone can read is told once`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-key-\(UUID().uuidString)").path
        let text = Data("WY+yKqwlAlxSubNXVLrJsw==\n".utf8)
        try #require(
            FileManager.default.createFile(atPath: path, contents: text, attributes: [.posixPermissions: 0o644]))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var settings = try Self.settings()
        settings.key = .file(path)
        #expect(try Self.load(settings).warnings.count == 1)
        #expect(try Self.load(settings, replacing: settings).warnings.isEmpty)
    }

    @Test func `the control group is looked up for a control socket only`() throws {
        var settings = try Self.settings()
        settings.controlGroup = "no-such-group-of-this-host"
        #expect(try Self.load(settings).warnings.isEmpty)
        settings.controlSocket = "/run/wstan/control"
        #expect(try Self.load(settings).warnings.count == 1)
    }
}
