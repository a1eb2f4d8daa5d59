import Testing

@testable import WstanBase
@testable import WstanConfig

@Suite struct ConfigFileTests {
    @Test func `a file of the Python wstan works unchanged`() throws {
        let file = """
            # made for Python
            server = Yes
            uri=ws://example.com/tunnel
            KEY : q83vEjRWeJCrze8SNFZ4kA==
            tun_addr = 0.0.0.0
            tun-port = 8080
            x-forward = 1
            debug: on
            compatible = TRUE
            pool-size = 4
            pool_max_idle = 60
            proxy = p:3128
            """
        let (settings, warnings) = try ConfigFixture(file: file).run()
        #expect(warnings.isEmpty)
        #expect(settings.mode == .server)
        #expect(settings.key == .text(Secret("q83vEjRWeJCrze8SNFZ4kA==")))
        #expect(settings.listen == [ListenAddress.tcp(host: "0.0.0.0", port: 8080)])
        #expect(settings.xForward && settings.compatible)
        #expect(settings.logLevel == .debug)
        #expect(settings.poolSize == 4)
        #expect(settings.poolMaxIdle == .seconds(60))
        #expect(settings.proxy == .through(ProxyAddress(host: "p", port: 3128)))
    }

    @Test(arguments: ["\n", "\r\n"], ["", "\u{FEFF}"])
    func `line ends and a byte order mark make no difference`(end: String, mark: String) throws {
        let lines = [
            "[wstan]", "  uri = ws://h:1/a=b", "key = a=b#c;d==\t", "; comment", "", " [pool] ",
            "size=0", "[client]", "listen = a:1", "listen = [::1]:2", "early-data-wait = 5 ms",
        ]
        let (settings, warnings) = try ConfigFixture(file: mark + lines.joined(separator: end)).run()
        #expect(warnings.isEmpty)
        #expect(settings.uri.path == "/a=b/")
        #expect(settings.key == .text(Secret("a=b#c;d==")))
        #expect(settings.poolSize == 0)
        #expect(settings.listen == [ListenAddress.tcp(host: "a", port: 1), ListenAddress.tcp(host: "::1", port: 2)])
        #expect(settings.earlyDataWait == .milliseconds(5))
    }

    @Test func `every problem is reported in one go, with its place, in the order of the file`() {
        let file = """
            uri = http://h
            treads = 4
              no delimiter
            log-level =   loud
            [pol]
            size = x
            [pool]
            size = x
            early-data = 3
            [tls
            """
        #expect(
            ConfigFixture(file: file).complaints() == [
                "f.conf:1:7: error: uri: the URI begins with neither ws:// nor wss://: write ws:// for http://",
                "f.conf:2:1: warning: unknown key 'treads': it is not in force (did you mean 'threads'?)",
                "f.conf:3:3: error: no '=' in this line: write name = value, or begin it with # for a comment",
                "f.conf:4:15: error: log-level: takes error, warning, notice, info or debug",
                "f.conf:5:1: warning: unknown section 'pol': nothing in it is in force (did you mean 'pool'?)",
                "f.conf:8:8: error: size: takes a whole number from 0 to 10000",
                "f.conf:9:1: warning: early-data is not in force here: move it to [client]",
                "f.conf:10:1: error: not a section: write [name] and nothing else on the line",
            ])
        #expect(ConfigFixture(file: file).failure()?.exitStatus == .configuration)
        #expect(ConfigFixture(file: file).failure()?.exitStatus.rawValue == 78)
    }

    @Test func `what is missing is said of the file`() {
        #expect(
            ConfigFixture(file: "").complaints() == [
                "f.conf: error: no URI: add the line uri = ws://host:port/",
                "f.conf: error: no key: add the line key-file = PATH",
            ])
    }

    @Test func `an unknown name is a warning, and an error when strict`() throws {
        let fixture = ConfigFixture(file: ConfigFixture.minimal + "nonsense = 1\n[nowhere]\na = b\nc = d\n")
        #expect(try fixture.run().warnings.count == 2)
        let failure = try #require(fixture.failure(["--strict", "-i", "f.conf"]))
        #expect(failure.exitStatus == .configuration)
        #expect(failure.diagnostics.count(where: { $0.severity == .error }) == 2)
    }

    @Test func `each line with a URI is one more server of a client, and an error on a server`() throws {
        let lines = "uri = wss://a/\nuri = ws://b:1/x\nuri = wss://a:443\nkey = k\n"
        let (settings, warnings) = try ConfigFixture(file: lines).run()
        #expect(warnings.isEmpty)
        #expect(settings.uris.map(\.description) == ["wss://a:443/", "ws://b:1/x/"])
        #expect(settings.uri == settings.uris.first)
        let replaced = try ConfigFixture(file: lines).run(["-i", "f.conf", "--uri=ws://d", "ws://c"]).settings
        #expect(replaced.uris.map(\.host) == ["c", "d"])
        #expect(try ConfigFixture(file: lines + "uri =\nuri = ws://e\n").run().settings.uris.map(\.host) == ["e"])
        let complaints = ConfigFixture(file: lines + "mode = server\n").complaints()
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix("f.conf:2:7: error: a server has one URI") == true)
        let many = (0...ConfigurationBounds.servers).map { "uri = ws://h\($0)/\n" }.joined() + "key = k\n"
        #expect(ConfigFixture(file: many).complaints().first?.contains("servers: use fewer") == true)
    }

    @Test func `of a repeated key the last one counts, and a warning says so`() throws {
        let file = ConfigFixture.minimal + "pool-size = 1\npool_size = 2\n[pool]\nsize = 3\n"
        let (settings, warnings) = try ConfigFixture(file: file).run()
        #expect(settings.poolSize == 3)
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix("f.conf:4:1: warning: pool-size is given again: line 3") == true)
    }

    @Test func `an empty value stands for the default`() throws {
        let file = ConfigFixture.minimal + "addr = 0.0.0.0\naddr =\nthreads =\n[server]\nlisten =\n[client]\nproxy =\n"
        let settings = try ConfigFixture(file: file).run().settings
        #expect(settings == Settings(mode: .client, uri: settings.uri, key: settings.key))
    }

    @Test func `contradictions in one file are errors`() {
        let cases = [
            "mode = client\nserver = yes\n": "contradicts the mode", "key-file = x\n": "keep one",
            "port = 1\n[client]\nlisten = a:1\n": "keep listen",
        ]
        for (text, part) in cases {
            let complaints = ConfigFixture(file: ConfigFixture.minimal + text).complaints()
            #expect(complaints.count == 1)
            #expect(complaints.first?.contains(part) == true)
        }
    }

    @Test func `Python's server wins over its client`() throws {
        let both = try ConfigFixture(file: ConfigFixture.minimal + "client = yes\nserver = yes\n").run()
        #expect(both.settings.mode == .server)
        #expect(both.warnings.count == 1)
        #expect(try ConfigFixture(file: ConfigFixture.minimal + "server = no\n").run().settings.mode == .client)
    }

    @Test func `a comment behind a value is told for what it is`() throws {
        let complaint = ConfigFixture(file: "mode = server # here\n" + ConfigFixture.minimal).complaints().first
        #expect(complaint?.hasSuffix("(a comment needs a line of its own)") == true)
        #expect(try ConfigFixture(file: "uri = ws://h/\nkey = k # laptop\n").run().warnings.count == 1)
        #expect(try ConfigFixture(file: "uri = ws://h/\nkey = a%%b\n").run().warnings.count == 1)
    }

    @Test func `a key that stands alone in the file is not quoted`() {
        let complaints = ConfigFixture(file: "q83vEjRWeJCrze8SNFZ4kA==\nTr0ub4dor\n").complaints([
            "-i", "f.conf", "--strict",
        ])
        #expect(complaints.count == 2)
        #expect(complaints.allSatisfy { !$0.contains("q83v") && !$0.lowercased().contains("tr0ub") })
    }

    @Test func `bytes that are no text are placed`() {
        #expect(
            ConfigFixture(bytes: Array("a\né".utf8) + [0xFF]).complaints().contains {
                $0.hasPrefix("f.conf:2:2: error: not UTF-8")
            })
        #expect(ConfigFixture(bytes: [0xFF, 0xFE, 0x61, 0]).complaints().first?.contains("UTF-16") == true)
        #expect(
            ConfigFixture(file: "key = a\u{0}b\n").complaints().first?.hasPrefix("f.conf:1:8: error: a control") == true
        )
    }

    @Test func `a file beyond the bound is refused, one at the bound is read`() throws {
        let padding = [UInt8](repeating: 0x23, count: ConfigurationBounds.fileSize - ConfigFixture.minimal.utf8.count)
        let file = Array(ConfigFixture.minimal.utf8) + padding
        #expect(try ConfigFixture(bytes: file).run().settings.uri.host == "h")
        let complaints = ConfigFixture(bytes: file + [0x23]).complaints()
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains("1 MiB") == true)
    }

    @Test func `a file of garbage ends in a bounded number of complaints`() {
        let complaints = ConfigFixture(file: String(repeating: "x = y\n", count: 100_000)).complaints()
        #expect(complaints.count <= ConfigurationBounds.diagnostics + 3)
        #expect(complaints.contains { $0.contains("more problems") })
    }

    @Test func `a file that cannot be read is status 78`() {
        let failure = ConfigFixture().failure(["-i", "none.conf"])
        #expect(failure?.exitStatus == .configuration)
        #expect(failure?.description.contains("none.conf: error: cannot be read (No such file") == true)
    }

    @Test func `a bad value on the command line is status 64 though a file is read`() {
        let fixture = ConfigFixture(file: ConfigFixture.minimal)
        #expect(fixture.failure(["-i", "f.conf", "--threads=0"])?.exitStatus == .usage)
        #expect(fixture.failure(["-i", "f.conf", "-s", "ws://h#x"])?.exitStatus == .usage)
    }

    @Test func `a file in UTF-16 is named with a mark and without`() {
        let units: [UInt8] = ConfigFixture.minimal.utf8.flatMap { (byte: UInt8) -> [UInt8] in [byte, 0] }
        let mark: [UInt8] = [0xFF, 0xFE]
        for bytes in [units, mark + units, [UInt8](arrayLiteral: 0) + units.dropLast()] {
            let failure = ConfigFixture(bytes: bytes).failure()
            #expect(failure?.description == "f.conf: error: is encoded as UTF-16 or UTF-32: save it as UTF-8")
        }
    }

    /// Two files that were put together, or what a page on the web has between its words.
    @Test func `an invisible character in a name is told`() {
        for hidden in ["\u{FEFF}", "\u{200B}", "\u{202A}"] {
            let complaints = ConfigFixture(file: ConfigFixture.minimal + "\(hidden)mode = client\n").complaints()
            #expect(complaints == ["f.conf:3:1: error: an invisible character before the '=': remove it"])
        }
    }

    @Test func `what an error shows is one line`() {
        let failure = ConfigFixture().failure(["-i", "no\u{1B}[2J\nfile.conf"])
        #expect(failure?.description.hasPrefix("no?[2J?file.conf: error: cannot be read") == true)
        #expect(failure?.description.contains("\n") == false)
    }

    /// An option that stands for two keys was refused twice.
    @Test func `a value is refused once`() {
        for option in ["--listen=http://127.0.0.1:1080", "--listen=a:b", "--listen=1080"] {
            #expect(ConfigFixture().complaints(["ws://h", "--key-file=k", option]).count { $0.contains("--listen") } == 1, "\(option)")
        }
    }
}
