import Testing

@testable import WstanConfig

@Suite struct ConfigPrintTests {
    static func print(_ fixture: ConfigFixture, _ arguments: [String] = ["-i", "f.conf"]) throws -> String {
        guard case .printConfig(let text, _) = try fixture.parse(arguments + ["--print-config"]) else {
            throw ConfigFixture.NotARun()
        }
        return text
    }

    /// Every key is given, with every form that its value can have.
    static let rich = """
        mode = MODE\nuri = WSS://[FE80::1%Eth0]/a=b\nkey-file = credential:k
        compatible = yes\nthreads = 3\ndrain-timeout = 1500ms\nstate-directory = /s t/#;\nmemory-limit = 64M
        log-level = debug\nlog-format = json
        [client]\nlisten = [::1]:1, unix:/run/a b, localhost:1080\nearly-data = 0x\nearly-data = 100\nearly-data-wait = 7us
        early-reply = no\nusers-file = u\nallow-uid = 0, anna\nheader = A: b c\nheader = A: d\ncarrier = protocol\nudp-idle = 1h
        direct = private, private:443, 10.0.0.0/8, 10.0.0.0/8:25, [2001:db8::/32]:8000-8999, ::1, *:9, *, :7
        direct = *.a.example, .b.example:1-65535, C.example., ::ffff:0:0/96, 0.0.0.0/0\nproxy = socks5h://u%40%25:p%3A@[::1]
        connect-to = [::1]:5\nhost-header = x:1
        [pool]\nsize = 1\nmin = 0\nmax-idle = 1d\nping = 1
        [server]\nlisten = 0.0.0.0:80, unix:/s\nx-forward = yes\nproxy-protocol = yes\ntrusted-proxies = loopback 10.0.0.0/8
        request-ttl = 5\nreplay-under-tls = no\naccept-v1 = no\nallow-bare-dgm = yes\nallow = 127.0.0.1:22\ndeny = *\nallow-private = yes
        max-tunnels = 0\nmax-tunnels-per-address = 7\nmax-tunnel-rate = 9\nmax-handshakes = 8\nhandshake-timeout = 250ms\nconnect-timeout = 3
        idle-timeout = 9h\nplain-answer = 200
        [tls]\ncertificate = c\nkey = k\nclient-ca = ca\nca-file = f\nsni = a.example\nverify = no
        pin-sha256 = 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, \(String(repeating: "ab", count: 32))
        [control]\nsocket = /c\ngroup = 1000
        [forward db]\nlisten = 127.0.0.1:1, unix:/f\ntarget = [::2]:3\n[forward dns]\nlisten = a:53\ntarget = b:53\nprotocol = udp
        """.replacing("early-data = 0x\n", with: "")

    @Test(arguments: Settings.Mode.allCases)
    func `what is printed says the same when it is read again, but for secrets`(mode: Settings.Mode) throws {
        let fixture = ConfigFixture(file: Self.rich.replacing("MODE", with: mode.rawValue))
        var settings = try fixture.run().settings
        let text = try Self.print(fixture)
        guard
            case .checkConfig(let again, _, let warnings) =
                try ConfigFixture(file: text).parse(["--strict", "--check-config", "-i", "f.conf"])
        else { throw ConfigFixture.NotARun() }
        #expect(warnings.count { $0.text.contains("(redacted) stands where") } == 3)
        settings.headers = settings.headers.map { ExtraHeader(name: $0.name, value: "(redacted)") }
        settings.proxy = .through(
            ProxyAddress(scheme: .socks5, host: "::1", port: 1080, user: "u@%", password: Secret("(redacted)")))
        #expect(again == settings)
        #expect(try Self.print(ConfigFixture(file: text)).values == text.values)
    }

    @Test func `defaults are printed as the table has them`() throws {
        let text = try Self.print(ConfigFixture(file: ConfigFixture.minimal))
        let again = try ConfigFixture(file: text.replacing("key = (redacted)", with: "key = k")).run()
        #expect(again.warnings.isEmpty)
        #expect(again.settings == (try ConfigFixture(file: ConfigFixture.minimal).run().settings))
        for key in SettingKey.all where !["mode", "uri", "key"].contains(key.identifier) {
            if key.kind.dependsOnInstance { continue }
            let initial = key.identifier == "drain-timeout" ? "0s" : key.initial
            let line = initial.isEmpty ? "\(key.name) =" : "\(key.name) = \(initial)"
            #expect((text + "\n").contains("# default\n\(line)\n"), "\(key.identifier)")
        }
    }

    @Test func `every key stands in it once or more, in the table's order and sections`() throws {
        var names: [String] = []
        var section = ""
        for line in try Self.print(ConfigFixture(file: ConfigFixture.minimal)).split(separator: "\n") {
            if line.hasPrefix("[") { section = line.dropFirst().dropLast() + "." }
            if let equals = line.firstIndex(of: "="), !line.hasPrefix("#") {
                names.append(section + line[..<equals].dropLast())
            }
        }
        #expect(names == SettingKey.all.map(\.identifier))
    }

    @Test func `each value says where it came from`() throws {
        var fixture = ConfigFixture(
            file:
                "uri = ws://h/\nkey = k\nport = 5\n[pool]\nsize = 1\nmin = 0\n[client]\nallow-uid = 1\nallow-uid = 2\n"
                + "header = A: b\n[forward db]\nlisten = a:1\ntarget = b:2\n")
        fixture.files["f.conf.d/a.conf"] = Array(
            "[pool]\nsize = 2\n[client]\nallow-uid = 3\nallow-uid = 4\nheader =\n".utf8)
        let text = try Self.print(fixture, ["-i", "f.conf", "--pool-min=1", "-a", "127.0.0.1", "-d"])
        for part in [
            "# f.conf:2\nkey = (redacted)\n", "# f.conf.d/a.conf:2\nsize = 2\n", "# command line\nmin = 1\n",
            "# f.conf:3, command line\nlisten = 127.0.0.1:5\n", "# command line\nlog-level = debug\n",
            "# f.conf:8, f.conf:9, f.conf.d/a.conf:4 and 1 more\nallow-uid = 1\nallow-uid = 2\nallow-uid = 3\n",
            "# default\nheader =\n", "# f.conf:11\nlisten = a:1\ntarget = b:2\nprotocol = tcp",
            "# default\nmode = client\n",
        ] { #expect(text.contains(part), "\(part)") }
        let other = try Self.print(
            fixture, ["-i", "f.conf", "--key-file=x", "ws://c/", "--forward=a:1=b:2", "--listen=x:1"])
        for part in [
            "# default\nkey =\n", "# command line\nkey-file = x\n", "# command line\nuri = ws://c:80/\n",
            "[forward 1]\n# command line\nlisten = a:1\n",
        ] { #expect(other.contains(part), "\(part)") }
        let quiet = try Self.print(ConfigFixture(file: ConfigFixture.minimal + "debug = no\n"))
        #expect(quiet.contains("# default\nlog-level = notice\n"))
    }

    @Test func `no secret is in it, whatever says it`() throws {
        let fixture = ConfigFixture(
            file: "uri = ws://h/\nkey = Tr0ub4dor\n[client]\nproxy = http://u:Tr0ub4dor@h:1\nheader = A: Tr0ub4dor\n")
        #expect(try !Self.print(fixture).contains("Tr0ub"))
        #expect(try !Self.print(fixture, ["ws://h", "Tr0ub4dor", "-y", "u:Tr0ub4dor@h:1"]).contains("Tr0ub"))
        #expect(!"\(try fixture.run().settings)".contains("Tr0ub"))
    }

    @Test func `the other end's listen is printed as it was given`() throws {
        let file = "mode = server\n" + ConfigFixture.minimal + "[client]\nlisten = a:1\n"
        #expect(try Self.print(ConfigFixture(file: file)).contains("# f.conf:5\nlisten = a:1\n"))
        #expect(try Self.print(ConfigFixture(file: ConfigFixture.minimal)).contains("[server]\n# default\nlisten =\n"))
    }

    @Test func `what no line can hold is left out, and does not become one`() throws {
        let tab = try Self.print(ConfigFixture(), ["ws://h", "--key-file=f", "--users-file=a\tb"])
        #expect(tab.contains("\nusers-file = a\tb\n"))
        for path in ["a\nthreads = 9", " a", "a\u{1}"] {
            let text = try Self.print(ConfigFixture(), ["ws://h", "--key-file=f", "--users-file=\(path)"])
            #expect(text.contains("cannot be written here"))
            #expect(text.contains("\n#users-file = "))
            #expect(!text.contains("\nthreads = 9"))
        }
    }

    @Test func `a placeholder is no secret to run with`() {
        let files = [
            "uri = ws://h/\nkey = (redacted)\n",
            ConfigFixture.minimal + "[client]\nproxy = http://u:(redacted)@h:1\n",
            ConfigFixture.minimal + "[client]\nheader = A: (redacted)\n",
        ]
        for file in files {
            let complaints = ConfigFixture(file: file).complaints()
            #expect(complaints.count == 1)
            #expect(complaints.first?.contains("error: (redacted) stands where") == true)
            #expect(ConfigFixture(file: file).failure(["--print-config", "-i", "f.conf"]) == nil)
        }
    }

    @Test func `a secret that everybody can read is a warning at its line`() throws {
        var fixture = ConfigFixture(
            file:
                "uri = ws://h/\nkey = k\n[client]\nheader = X-Token: a\nheader =\nheader = X-Token: b\nheader = X-Site: c\n"
        )
        fixture.files["f.conf.d/a.conf"] = Array("[client]\nproxy = http://u:p@h:1\n".utf8)
        #expect(try fixture.run().warnings.isEmpty)
        fixture.worldReadable = ["f.conf", "f.conf.d/a.conf"]
        #expect(
            try fixture.run().warnings == [
                "f.conf:2:7: warning: every user of this host can read this secret: chmod o-r f.conf",
                "f.conf:6:10: warning: every user of this host can read this secret: chmod o-r f.conf",
                "f.conf.d/a.conf:2:9: warning: every user of this host can read this secret: chmod o-r f.conf.d/a.conf",
            ])
        fixture.files["f.conf"] = Array("uri = ws://h/\nkey-file = f\n[client]\nproxy = http://u@h:1\n".utf8)
        fixture.worldReadable = ["f.conf"]
        #expect(try fixture.run().warnings.isEmpty)
    }
}

extension String {
    /// Its lines without comments.
    var values: [Substring] { split(separator: "\n").filter { !$0.hasPrefix("#") } }
}
