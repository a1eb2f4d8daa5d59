import Testing
import WstanControl

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

/// Keys of version 1 at a server with `accept-v1 = no`.
@Suite struct RefusedKeysTests {
    private static let now = CalendarTime(seconds: 1_000_000)

    private static func settings(_ mode: Settings.Mode = .server, acceptV1: Bool = false) throws -> Settings {
        var settings = Settings(mode: mode, uri: try ServerURI("ws://h/"), key: .environment("K"))
        settings.acceptV1 = acceptV1
        return settings
    }

    private static func ring() throws -> KeyRing {
        var ring = KeyRing(configured: .v1(.random()), source: .configuration)
        try ring.add(try #require(KeyName("phone")), Key.random(), now: now)
        return ring
    }

    @Test func `keys of version 1 are refused by their names, unless version 1 is accepted`() throws {
        var ring = try Self.ring()
        #expect(try RefusedKeys(ring, Self.settings(acceptV1: true), now: Self.now) == nil)
        #expect(try RefusedKeys(ring, Self.settings(.client), now: Self.now) == nil)
        let all = try #require(try RefusedKeys(ring, Self.settings(), now: Self.now))
        #expect(all.names.map(\.text) == ["default", "phone"] && all.areAll)
        #expect(all.text.hasPrefix("accept-v1 = no refuses every key (default, phone), so no client can connect: set "))

        let laptop = try #require(KeyName("laptop"))
        try ring.rotateServerKey(to: .random(), grace: .zero, now: Self.now)
        try ring.add(laptop, UserKey.random(), now: Self.now)
        let some = try #require(try RefusedKeys(ring, Self.settings(), now: Self.now))
        #expect(some.names == all.names && !some.areAll)
        #expect(some.text.hasPrefix("accept-v1 = no refuses keys of version 1 (default, phone): set accept-v1 = yes until "))

        for id in ring.entries.flatMap(\.v1.keys).map(\.id) { try ring.retire(id) }
        #expect(try RefusedKeys(ring, Self.settings(), now: Self.now) == nil)
    }

    @Test func `a former key counts until it expires`() throws {
        var ring = try Self.ring()
        let phone = try #require(KeyName("phone"))
        try ring.rotate(phone, to: Key.random(), grace: .seconds(60), now: Self.now)
        try ring.rotateServerKey(to: .random(), grace: .zero, now: Self.now)
        try ring.add(phone, UserKey.random(), now: Self.now)
        for name in [KeyName.configured, phone] {
            let current = try #require(ring.entry(name)?.v1.current)
            try ring.retire(current.id)
        }
        #expect(try RefusedKeys(ring, Self.settings(), now: Self.now)?.names == [phone])
        #expect(try RefusedKeys(ring, Self.settings(), now: Self.now + .seconds(61)) == nil)
    }

    @Test func `a start finds those of the stored ring`() throws {
        let folder = try TemporaryFolder()
        let key = Key.random()
        let configured = ConfiguredKey(key: .v1(key), text: Secret(key.base64), source: .environment("K"))
        var settings = try Self.settings()
        #expect(try RefusedKeys(configured, settings)?.names == [.configured])
        settings.stateDirectory = folder.path
        #expect(try RefusedKeys(configured, settings)?.areAll == true)
        var ring = KeyRing(configured: configured.key, source: .configuration)
        try ring.rotateServerKey(to: .random(), grace: .zero, now: Self.now)
        try ring.add(.configured, UserKey.random(), now: Self.now)
        try ring.retire(key.id)
        try KeyRingFile(in: folder.path).store(ring)
        #expect(try RefusedKeys(configured, settings) == nil)
        _ = try folder.write("damaged", to: KeyRingFile.name)
        #expect(throws: KeyRingFile.Failure.self) { try RefusedKeys(configured, settings) }
        settings.acceptV1 = true
        #expect(try RefusedKeys(configured, settings) == nil)
    }

    @Test func `keys are marked that are refused, or of a name that has not moved`() throws {
        var ring = try Self.ring()
        try ring.rotateServerKey(to: .random(), grace: .zero, now: Self.now)
        let laptop = try #require(KeyName("laptop"))
        try ring.add(laptop, UserKey.random(), now: Self.now)
        func shown(_ acceptV1: Bool) throws -> [Control.Key] {
            let keys = ring.listed(now: Self.now, uses: [:])
            let refused = try RefusedKeys(ring, Self.settings(acceptV1: acceptV1), now: Self.now)
            return keys.map(KeyMarks(keys, refused).shown)
        }
        #expect(try shown(false).map(\.refusedBy) == [nil, "accept-v1 = no", "accept-v1 = no", nil])
        #expect(try shown(true).allSatisfy { $0.refusedBy == nil && $0.notMoved == nil })
        try ring.rotateServerKey(to: .random(), grace: .seconds(60), now: Self.now + .seconds(1))
        #expect(try shown(true).map(\.notMoved) == [nil, nil, nil, nil, true])
    }
}
