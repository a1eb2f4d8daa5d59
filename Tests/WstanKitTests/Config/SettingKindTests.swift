import Testing

@testable import WstanConfig
@testable import WstanCore

@Suite struct SettingKindTests {
    /// Settings after these lines of one key.
    private static func settings(_ kind: SettingKind, _ lines: [String]) throws -> Settings {
        guard case .value(let read) = kind.reading else { throw ConfigFixture.NotARun() }
        var settings = Settings.standard(.client)
        for line in lines { try read(line, &settings) }
        return settings
    }

    @Test func `a list adds up, from empty on once it is cleared`() throws {
        let kind = SettingKind.networks(\.trustedProxies)
        #expect(
            try kind.text(Self.settings(kind, ["192.0.2.0/24"])).lines == ["127.0.0.0/8", "::1/128", "192.0.2.0/24"])
        var settings = Settings.standard(.client)
        kind.clear(&settings)
        #expect(kind.text(settings).lines == ["none"])
        guard case .value(let read) = kind.reading else { return }
        try read("192.0.2.0/24", &settings)
        try read("192.0.2.0/24 198.51.100.0/24", &settings)
        #expect(kind.text(settings).lines == ["192.0.2.0/24", "198.51.100.0/24"])
    }

    @Test func `the last value of another kind counts`() throws {
        let kind = SettingKind.count(\.poolSize, 0...9)
        #expect(try Self.settings(kind, ["3", "4"]).poolSize == 4)
    }

    @Test func `a value that is refused changes nothing`() throws {
        for key in SettingKey.all {
            guard case .value(let read) = key.kind.reading else { continue }
            var settings = Settings.standard(.client)
            // Too long for any of them.
            #expect(throws: ValueProblem.self, "\(key.identifier)") {
                try read(String(repeating: "\u{1}", count: 5000), &settings)
            }
            #expect(settings == .standard(.client), "\(key.identifier)")
        }
    }

    @Test func `what is copied is the whole value of the key, and nothing else`() throws {
        for (identifier, line) in ConfigDifferenceTests.others {
            let key = try #require(SettingKey.all.first { $0.identifier == identifier })
            guard case .value(let read) = key.kind.reading else { continue }
            var changed = Settings.standard(.client)
            key.kind.clear(&changed)
            try read(line, &changed)
            #expect(changed != .standard(.client), "\(identifier)")
            var copy = Settings.standard(.client)
            key.kind.copy(changed, &copy)
            #expect(copy == changed, "\(identifier)")
            #expect(
                SettingKey.all.filter { $0.kind.text(copy) != $0.kind.text(.standard(.client)) }.map(\.identifier) == [
                    identifier
                ])
        }
    }

    @Test func `what a value holds that must not be shown is known, and whether it is worth hiding`() throws {
        let secret = SettingKind.headers(\.headers).secret
        #expect(
            secret("X-Token: Tr0ub4dor").map { [$0.text == Secret("Tr0ub4dor"), $0.isWorthHiding] } == [true, true])
        #expect(secret("X-Front: a")?.isWorthHiding == false)
        let ofProxy = SettingKind.proxy(\.proxy).secret
        #expect(ofProxy("http://u:(redacted)@h:1")?.isPlaceholder == true)
        #expect(ofProxy("http://u@h:1") == nil)
        #expect(ofProxy("auto") == nil)
        #expect(SettingKind.path(\.usersFile).secret("key") == nil)
    }

    @Test func `as much early data can be asked for as the protocol allows`() throws {
        let key = try #require(SettingKey.all.first { $0.identifier == "client.early-data" })
        #expect(try Self.settings(key.kind, ["\(WireLimits.earlyData)"]).earlyData == WireLimits.earlyData)
        #expect(throws: ValueProblem.self) { try Self.settings(key.kind, ["\(WireLimits.earlyData + 1)"]) }
    }
}
