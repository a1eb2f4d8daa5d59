import Testing

@testable import WstanConfig

@Suite struct ConfigDifferenceTests {
    static func settings(_ mode: Settings.Mode, _ lines: String = "") throws -> Settings {
        try ConfigFixture(
            file: "mode = \(mode.rawValue)\nkey-file = k\n" + (lines.hasPrefix("uri") ? "" : "uri = wss://h:1/\n")
                + lines
        )
        .run().settings
    }

    /// Another value than the default for each key, as it stands in the file.
    static let others: [String: String] = [
        "uri": "wss://i:2/", "key-file": "other", "compatible": "yes", "threads": "3", "drain-timeout": "9s",
        "ping-interval": "9s",
        "state-directory": "/s", "memory-limit": "64M", "log-level": "debug", "log-format": "json",
        "client.listen": "a:1", "client.early-data": "1", "client.early-data-wait": "1ms", "client.early-reply": "no",
        "client.users-file": "u", "client.allow-uid": "5", "client.direct": "private", "client.proxy": "none",
        "client.connect-to": "a:1", "client.host-header": "x", "client.header": "A: b", "client.udp-idle": "1s", "client.carrier": "path",
        "pool.size": "3", "pool.min": "2", "pool.max-idle": "1s", "pool.ping": "1s", "server.listen": "a:1",
        "server.public-uri": "wss://i:2/",
        "server.x-forward": "yes", "server.proxy-protocol": "yes", "server.trusted-proxies": "none",
        "server.request-ttl": "1s", "server.replay-under-tls": "no", "server.accept-v1": "no", "server.allow-bare-dgm": "yes",
        "server.allow": "*", "server.deny": "*", "server.allow-private": "yes", "server.max-tunnels": "1",
        "server.max-tunnels-per-address": "1", "server.max-tunnel-rate": "1", "server.max-handshakes": "1", "server.handshake-timeout": "1s",
        "server.connect-timeout": "1s", "server.idle-timeout": "1s", "server.plain-answer": "200",
        "tls.client-ca": "c", "tls.ca-file": "c", "tls.sni": "a", "tls.verify": "no", "control.socket": "/c",
        "tls.pin-sha256": String(repeating: "ab", count: 32), "control.group": "g",
    ]

    @Test(arguments: Settings.Mode.allCases)
    func `each key of the table is found changed, in its reload class`(mode: Settings.Mode) throws {
        let old = try Self.settings(mode)
        for key in SettingKey.all {
            // These have tests of their own, or stand at one end only.
            guard let value = Self.others[key.identifier] else {
                #expect(["mode", "key", "tls.certificate", "tls.key"].contains(key.identifier), "\(key.identifier)")
                continue
            }
            if case .listen(let other) = key.kind.reading, other != mode { continue }
            if key.identifier == "tls.client-ca", mode == .server { continue }
            var lines = key.section.map { "[\($0.rawValue)]\n" } ?? ""
            lines += "\(key.name) = \(value)\n"
            if key.identifier == "key-file" { lines = "key-file =\n" + lines }
            let new = try Self.settings(mode, lines)
            let difference = SettingsDifference(from: old, to: new)
            let takesOver = key.reload == .takesOver || (key.reload == .needsRestartOfServer && mode == .client)
            #expect(difference.takesOver == (takesOver ? [key.title] : []), "\(key.identifier)")
            #expect(difference.needsRestart == (takesOver ? [] : [key.title]), "\(key.identifier)")
            #expect(old.reloaded(with: new) == (takesOver ? new : old), "\(key.identifier)")
            #expect(SettingsDifference(from: new, to: new).isEmpty)
        }
    }

    @Test func `the table's classes are those of the design`() {
        let restart = SettingKey.all.filter { $0.reload == .needsRestart }.map(\.identifier)
        #expect(
            restart == ["mode", "compatible", "threads", "state-directory", "log-format", "control.socket"])
        #expect(SettingKey.all.filter { $0.reload == .needsRestartOfServer }.map(\.identifier) == ["uri"])
    }

    @Test func `names are those that an administrator writes`() throws {
        let new = try Self.settings(
            .server, "threads = 2\ndrain-timeout = 3\n[server]\ndeny = *\n[tls]\ncertificate = c\nkey = k\n")
        let difference = SettingsDifference(from: try Self.settings(.server), to: new)
        #expect(difference.takesOver == ["drain-timeout", "[server] deny", "[tls] certificate", "[tls] key"])
        #expect(difference.needsRestart == ["threads"])
        #expect(!difference.isEmpty)
    }

    @Test func `a secret alone makes a difference and is not told`() throws {
        let file = { (secret: String) in
            "uri = ws://h/\nkey = \(secret)\n[client]\nproxy = http://u:\(secret)@h:1\nheader = A: \(secret)\n"
        }
        let old = try ConfigFixture(file: file("Tr0ub4dor")).run().settings
        let new = try ConfigFixture(file: file("c0rrect")).run().settings
        let difference = SettingsDifference(from: old, to: new)
        #expect(difference.takesOver == ["key", "[client] proxy", "[client] header"])
        #expect(SettingsDifference(from: old, to: old).isEmpty)
        let text = SettingKind.key.text(old)
        #expect(!"\(text)".contains("Tr0ub") && !String(reflecting: text).contains("Tr0ub"))
    }

    @Test func `forwards are told by name`() throws {
        let forward = { (name: String, target: String) in "[forward \(name)]\nlisten = a:1\ntarget = \(target)\n" }
        let old = try Self.settings(.client, forward("a", "x:1") + forward("b", "x:1") + forward("c", "x:1"))
        let new = try Self.settings(.client, forward("b", "x:2") + forward("c", "x:1") + forward("d", "x:1"))
        let difference = SettingsDifference(from: old, to: new)
        #expect(difference.takesOver == ["[forward a] (removed)", "[forward b] (changed)", "[forward d] (added)"])
        #expect(difference.needsRestart.isEmpty)
    }

    @Test func `a server that follows its URI goes on listening where it does`() throws {
        let old = try Self.settings(.server)
        let new = try Self.settings(.server, "uri = wss://i:2/p\n[server]\ndeny = *\n")
        let difference = SettingsDifference(from: old, to: new)
        #expect(difference == SettingsDifference(takesOver: ["[server] deny"], needsRestart: ["uri"]))
        var expected = old
        expected.deny = new.deny
        #expect(old.reloaded(with: new) == expected)
        let listening = try Self.settings(.server, "uri = wss://i:2/p\n[server]\nlisten = a:1\n")
        #expect(SettingsDifference(from: old, to: listening).takesOver == ["[server] listen"])
        #expect(old.reloaded(with: listening).listen == listening.listen)
        #expect(old.reloaded(with: listening).uri == old.uri)
    }

    @Test func `another mode takes everything with it`() throws {
        let old = try Self.settings(.server)
        let new = try Self.settings(.client, "[pool]\nsize = 3\n[forward a]\nlisten = a:1\ntarget = b:1\n")
        let difference = SettingsDifference(from: old, to: new)
        #expect(difference.takesOver.isEmpty)
        #expect(difference.needsRestart.first == "mode")
        #expect(
            difference.needsRestart.contains("[pool] size") && difference.needsRestart.contains("[forward a] (added)"))
        #expect(old.reloaded(with: new) == old)
    }
}
