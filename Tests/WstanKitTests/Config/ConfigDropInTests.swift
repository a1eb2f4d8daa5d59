import Testing

@testable import WstanConfig

@Suite struct ConfigDropInTests {
    /// `f.conf` with drop-ins by their names.
    static func fixture(_ file: String, _ dropIns: [String: String]) -> ConfigFixture {
        var fixture = ConfigFixture(file: file)
        for (name, text) in dropIns { fixture.files["f.conf.d/" + name] = Array(text.utf8) }
        return fixture
    }

    @Test func `drop-ins are read over the file in the order of their names' bytes`() throws {
        let (settings, warnings) = try Self.fixture([
            "9.conf": "[pool]\nsize = 9\n", "10.conf": "[pool]\nsize = 10\nmin = 3\n", "B.conf": "threads = 2\n",
            "a.conf": "threads = 3\nlog-level = info\n",
        ]).run()
        #expect(warnings.isEmpty)
        #expect(settings.poolSize == 9)
        #expect(settings.poolMin == 3)
        #expect(settings.threads == 3)
        #expect(settings.logLevel == .info)
    }

    @Test func `only files that end in .conf count, and hidden ones do not`() throws {
        let settings = try Self.fixture([
            "a.conf~": "threads = 2", ".a.conf": "threads = 2", "a.conf.dpkg-new": "threads = 2", "README": "x",
            ".conf": "threads = 2",
        ]).run().settings
        #expect(settings.threads == nil)
    }

    @Test func `a file whose name does not end so has none`() throws {
        var fixture = ConfigFixture()
        fixture.files = [
            "wstan.ini": Array(ConfigFixture.minimal.utf8), "wstan.ini.d/a.conf": Array("threads = 2".utf8),
        ]
        #expect(try fixture.run(["-i", "wstan.ini"]).settings.threads == nil)
    }

    @Test func `lists add up, and an empty value takes back what stood before`() throws {
        let file =
            "mode = server\nuri = ws://h:1/\nkey = k\n[server]\nlisten = a:1\ndeny = *:25\ntrusted-proxies = 10.0.0.1\n"
        let added = try Self.fixture(
            file, ["a.conf": "[server]\nlisten = b:2\ndeny = *:26\ntrusted-proxies = 10.0.0.2"]
        ).run().settings
        #expect(added.listen.map(\.description) == ["a:1", "b:2"])
        #expect(added.deny.map(\.description) == ["*:25", "*:26"])
        #expect(added.trustedProxies.networks.count == 2)
        let replaced = try Self.fixture(file, ["a.conf": "[server]\nlisten =\nlisten = c:3\ndeny =\n"]).run().settings
        #expect(replaced.listen.map(\.description) == ["c:3"])
        #expect(replaced.deny.isEmpty)
        let reset = try Self.fixture(file, ["a.conf": "[server]\nlisten ="]).run().settings
        #expect(reset.listen.map(\.description) == ["h:1"])
    }

    @Test func `a client's servers add up, and a server has the last file's`() throws {
        let dropIn = ["a.conf": "uri = ws://i:2/"]
        #expect(try Self.fixture(dropIn).run().settings.uris.map(\.host) == ["h", "i"])
        let server = "mode = server\n" + ConfigFixture.minimal
        #expect(try Self.fixture(server, dropIn).run().settings.uris.map(\.host) == ["i"])
        let two = Self.fixture(server, ["a.conf": "uri = ws://i:2/\nuri = ws://j/"]).complaints()
        #expect(two.count == 1)
        #expect(two.first?.hasPrefix("f.conf.d/a.conf:2:7: error: a server has one URI") == true)
    }

    @Test(arguments: [
        ("key = k\n", "key-file = f\n"), ("key-file = f\n", "key = k\n"), ("mode = server\n", "client = yes\n"),
        ("server = yes\n", "mode = client\n"), ("server = yes\n", "client = yes\n"),
        ("port = 5\n", "[client]\nlisten = a:1\n"),
    ])
    func `a later file may say the same in other words`(first: String, second: String) throws {
        let (settings, warnings) = try Self.fixture(
            "uri = ws://h:1/\n" + (first.hasPrefix("key") ? "" : "key = k\n") + first, ["a.conf": second]
        ).run()
        #expect(warnings.isEmpty)
        if second.hasPrefix("key-file") { #expect(settings.key == .file("f")) }
        if second.hasPrefix("key =") { #expect(settings.key == .text(Secret("k"))) }
        if second.contains("client") { #expect(settings.mode == .client) }
        if second.contains("listen") { #expect(settings.listen.map(\.description) == ["a:1"]) }
    }

    @Test func `a forward of a file goes on in a drop-in, and is given once in each`() throws {
        let file = ConfigFixture.minimal + "[forward db]\nlisten = a:1\ntarget = b:2\n"
        let more = "[forward db]\nlisten = a:2\ntarget = c:3\n[forward x]\nlisten = d:4\ntarget = e:5\n"
        let settings = try Self.fixture(file, ["a.conf": more]).run().settings
        #expect(settings.forwards.map(\.name) == ["db", "x"])
        #expect(settings.forwards.first?.listen.map(\.description) == ["a:1", "a:2"])
        #expect(settings.forwards.first?.target.description == "c:3")
        let moved = try Self.fixture(file, ["a.conf": "[forward db]\nlisten =\nlisten = a:9\n"]).run().settings
        #expect(moved.forwards.first?.listen.map(\.description) == ["a:9"])
        let twice = Self.fixture(file, ["a.conf": "[forward db]\n[forward db]\n"]).complaints()
        #expect(
            twice == ["f.conf.d/a.conf:2:1: error: [forward db] is given again: give each forward a name of its own"])
    }

    @Test func `problems of all files are told at once, in the order of the files`() {
        let fixture = Self.fixture(
            "uri = ws://h/\nkey = k\nthreads = x\n",
            ["b.conf": "threads = y\nnonsense = 1\n", "a.conf": "\n  colour = red\n[pool]\nsize = z\n"])
        #expect(
            fixture.complaints() == [
                "f.conf:3:11: error: threads: takes a whole number from 1 to 256",
                "f.conf.d/a.conf:2:3: warning: unknown key 'colour': it is not in force",
                "f.conf.d/a.conf:4:8: error: size: takes a whole number from 0 to 10000",
                "f.conf.d/b.conf:1:11: error: threads: takes a whole number from 1 to 256",
                "f.conf.d/b.conf:2:1: warning: unknown key 'nonsense': it is not in force",
            ])
        let strict = fixture.failure(["--strict", "-if.conf"])
        #expect(strict?.diagnostics.allSatisfy { $0.severity == .error } == true)
    }

    @Test func `a drop-in without sections begins before any`() throws {
        let file = ConfigFixture.minimal + "[pool]\n"
        #expect(try Self.fixture(file, ["a.conf": "threads = 2"]).run().settings.threads == 2)
    }

    @Test func `what cannot be read, has no name for a line or is too much is an error`() {
        struct Denied: Error, CustomStringConvertible { let description = "Permission denied" }
        let read = { (names: [String]?) -> [String] in
            var surroundings = Surroundings(readFile: { path in
                guard path == "f.conf" else { throw Denied() }
                return Array(ConfigFixture.minimal.utf8)
            })
            surroundings.fileNames = { _ in
                guard let names else { throw Denied() }
                return names
            }
            do throws(ConfigurationFailure) {
                _ = try Invocation.parse(["-i", "f.conf"], in: surroundings)
                return []
            } catch {
                return error.diagnostics.map(\.description)
            }
        }
        #expect(
            read(["a.conf", "b.conf"])
                == ["a", "b"].map {
                    "f.conf.d/\($0).conf: error: cannot be read (Permission denied): check the path and its permissions"
                })
        #expect(read(nil).first?.hasPrefix("f.conf.d: error: cannot be looked through") == true)
        #expect(read(["a\n.conf"]).first?.hasPrefix("f.conf.d: error: the name of a drop-in") == true)
        let many = (0...ConfigurationBounds.dropIns).map { "\($0).conf" }
        #expect(read(many).first?.contains("more than 64 drop-ins") == true)
        #expect(read([]).isEmpty)
    }

    @Test func `drop-ins of garbage end in a bounded number of complaints`() {
        let garbage = String(repeating: "x = y\n", count: 1000)
        let dropIns = Dictionary(uniqueKeysWithValues: (0..<60).map { ("\($0).conf", garbage) })
        let complaints = Self.fixture(dropIns).complaints()
        #expect(complaints.count <= ConfigurationBounds.diagnostics + 3)
        #expect(complaints.contains { $0.contains("more problems") })
    }

    @Test func `--stdio finds the client by them too`() throws {
        let fixture = Self.fixture(["a.conf": "[client]\nlisten = 127.0.0.1:5"])
        guard case .stdio(_, let via) = try fixture.parse(["--stdio", "-i", "f.conf", "h", "22"]) else {
            Issue.record("no call")
            return
        }
        #expect(via.map(\.description) == ["127.0.0.1:5"])
    }

    static func fixture(_ dropIns: [String: String]) -> ConfigFixture { fixture(ConfigFixture.minimal, dropIns) }
}
