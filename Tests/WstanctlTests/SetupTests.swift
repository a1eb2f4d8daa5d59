import Glibc
import Testing
import WstanControl

@testable import wstanctl

/// What init writes, what it leaves alone, and what it says.
@Suite struct SetupTests {
    @Test(arguments: [
        "ws://host/", "ws://host:8080/a/b", "wss://host", "ws://[2001:db8::1]:80/", "ws://127.0.0.1:1/x",
    ])
    func `URIs are read and written`(text: String) {
        #expect(TunnelURI(text)?.text == text)
    }

    @Test(arguments: [
        "", "host", "http://host/", "ws://", "ws:///x", "ws://host:0/", "ws://host:65536/", "ws://host:x/",
        "ws://a:b@host/",
        "ws://host/a b", "ws://host/\n", "ws://host/'\"", "ws://[::1/", "ws://[]/", "ws://::1/", "ws://[::1]x/",
        "ws://hôst/",
        "ws://h/`id`", "ws://h/#b",
    ])
    func `what is no URI of a tunnel is refused`(text: String) {
        #expect(TunnelURI(text) == nil)
    }

    @Test func `ports and hosts that mean something`() {
        #expect(TunnelURI("ws://h/")?.effectivePort == 80)
        #expect(TunnelURI("ws://h/a?b=c")?.text == "ws://h/a?b=c")
        #expect(TunnelURI("wss://h/")?.effectivePort == 443)
        #expect(TunnelURI("ws://0.0.0.0:1/")?.isWildcard == true)
        #expect(TunnelURI("ws://[::]:1/")?.isWildcard == true)
        #expect(TunnelURI("ws://127.0.0.2:1/")?.isLoopback == true)
        #expect(TunnelURI("ws://127.example.com:1/")?.isLoopback == false)
    }

    @Test(arguments: [
        ("foo", "a URI begins with ws:// or wss://, such as ws://server.example.com:8080/"),
        ("ws:///x", "the host is missing"),
        ("ws://h:0/", "the port is not a number from 1 to 65535"),
        ("ws://a:b@h/", "it has a user name or a password: the key is enough"),
        ("ws://::1/", "an IPv6 address stands in brackets"), ("ws://[::1/", "the ] of the IPv6 address is missing"),
        ("ws://[::1]x/", "a port follows the ] after a colon"),
        ("ws://h/a b", "it contains a space or a character that a URI cannot have"),
        ("ws://h/#a", "it has a fragment: remove the # and what follows"),
    ])
    func `a URI is refused with the reason`(text: String, why: String) {
        #expect(throws: TunnelURI.Problem(description: why)) { try TunnelURI(reading: text) }
    }

    @Test func `a shipped file is known by what it sets`() {
        #expect(ConfigurationText(SetupFixture.shipped).isAsShipped)
        for edited in [
            SetupFixture.shipped + "\nlisten = x", SetupFixture.shipped.replacing("8080", with: "80"), "mode = server",
            "",
            SetupFixture.shipped + "\n[server]\ndeny = *", SetupFixture.shipped.replacing("#key =", with: "key = x"),
            SetupFixture.shipped + "\n[x]\nnonsense",
        ] {
            #expect(!ConfigurationText(edited).isAsShipped, "\(edited)")
        }
        #expect(ConfigurationText(SetupFixture.shipped.replacing("\n", with: "\r\n")).isAsShipped)
    }

    @Test func `of layers the later one counts, and an empty value takes back`() {
        func layers(_ texts: String...) -> ConfigurationLayers {
            ConfigurationLayers(texts.enumerated().map { (path: "\($0.offset)", text: ConfigurationText($0.element)) })
        }
        #expect(layers("uri = a", "uri = b").values("uri").map(\.text) == ["a", "b"])
        #expect(layers("uri = a", "uri =\nuri = b").values("uri").map(\.text) == ["b"])
        #expect(layers("uri = a", "uri = b")["uri"] == .init(text: "b", path: "1"))
        #expect(layers("[tls]\nkey = a")["key"] == nil)
        #expect(layers("mode = SERVER").mode?.text == "server")
        #expect(layers("server = yes").mode?.text == "server" && layers("client = 1").mode?.text == "client")
        #expect(layers("").mode == nil)
        #expect(layers("key = a", "key-file = /k").key == .file("/k"))
        #expect(layers("key-file = /k", "key = a").key == .text("a"))
        #expect(layers("key-file = credential:wstan.key").key == .service("credential:wstan.key"))
        #expect(layers("key-file = /k", "key-file =").key == nil)
    }

    // MARK: The client

    @Test func `a client's files`() throws {
        let uri = try #require(TunnelURI("ws://a.test:8080/"))
        let places = ClientPlaces(name: "home")
        let step = ClientConfigurationStep(places: places, uri: uri, listen: ["localhost:2080"], force: false)
        #expect(
            step.text == """
                # Written by wstanctl init client. wstan.conf(5) has all settings.
                mode = client
                uri = ws://a.test:8080/
                key-file = /etc/wstan/home.key

                [client]
                listen = localhost:2080

                """)
        let steps: [any SetupStep] = [
            ClientKeyStep(places: places, key: "K", force: false), step, RestartStep(unit: "wstand@home.service"),
        ]
        #expect(
            try SetupPlan(steps, on: HostObservation(texts: [:], active: ["wstand@home.service"])).report == """
                /etc/wstan/home.key                    written: the key
                /etc/wstan/home.conf                   written: client of ws://a.test:8080/
                systemctl restart wstand@home.service  done: the new configuration is in force
                """)
        let same = HostObservation(
            texts: ["/etc/wstan/home.key": "K\n", "/etc/wstan/home.conf": step.text], active: ["wstand@home.service"])
        #expect(
            try SetupPlan(steps, on: same).report == """
                /etc/wstan/home.key   unchanged: the key
                /etc/wstan/home.conf  unchanged: client of ws://a.test:8080/
                """)
        #expect(
            throws: Failure(
                "/etc/wstan/home.key exists and differs. Keep it, or replace it with --force (a copy is kept).")
        ) { try SetupPlan(steps, on: HostObservation(texts: ["/etc/wstan/home.key": "L\n"])) }
    }

    @Test func `a user's client is of that user only`() throws {
        let places = ClientPlaces(userDirectory: "/home/ann/.config")
        #expect(
            places.configuration == "/home/ann/.config/wstan.conf" && places.keyFile == "/home/ann/.config/wstan.key")
        #expect(places.instance.manager == .user && places.instance.unit == "wstand")
        let plan = try SetupPlan(
            [
                ClientKeyStep(places: places, key: "K", force: false),
                RestartStep(unit: "wstand.service", manager: .user),
            ], on: HostObservation(texts: [:], active: ["wstand.service"]))
        guard case .write(let writing) = plan.deeds.first else {
            Issue.record("nothing is written")
            return
        }
        #expect(writing.readers == .owner)
        #expect(plan.report.contains("systemctl --user restart wstand.service"))
    }

    @Test func `what comes next for a client`() {
        let home = Instance(name: "home", manager: .system, below: "/run")
        #expect(
            ClientText.next(home, listen: [], .isStopped) == """
                Start wstand@home now and at every boot:

                    sudo systemctl enable --now wstand@home

                SOCKS and HTTP proxy:  localhost:1080
                Status:                wstanctl -i home
                Find a problem:        sudo wstanctl -i home doctor
                """)
        #expect(
            ClientText.next(home, listen: ["localhost:2080", "[::1]:3"], .isRunning(atBoot: true)).hasPrefix(
                """
                wstand@home is running with this configuration.

                SOCKS and HTTP proxy:  localhost:2080 and [::1]:3
                """))
        #expect(
            ClientText.next(Instance(name: nil, manager: .user, below: "/run/user/7"), listen: [], .isStopped) == """
                Start wstand now and at every login:

                    systemctl --user enable --now wstand

                loginctl enable-linger keeps it running when you are logged out.

                SOCKS and HTTP proxy:  localhost:1080
                Status:                wstanctl --user
                Find a problem:        wstanctl --user doctor
                """)
    }

    @Test func `another key takes the place of the first line`() {
        #expect(ConfiguredKeyFile.text("NEW", replacing: Array("OLD\n# mine\n".utf8)) == "NEW\n# mine\n")
        #expect(ConfiguredKeyFile.text("NEW", replacing: Array("OLD".utf8)) == "NEW\n")
        #expect(ConfiguredKeyFile.text("NEW", replacing: []) == "NEW\n")
    }

    @Test func `a file is replaced by what was read of it, never by way of a link`() throws {
        let directory = try Self.temporaryDirectory()
        defer { for path in ["/key", "/link", ""] { _ = remove(directory + path) } }
        let file = SetupFile(directory + "/key", root: "")
        try file.write("OLD\n", for: .owner, replacing: false)
        #expect(symlink("key", directory + "/link") == 0)
        let read = try #require(try file.readRegular(limit: 100))
        #expect(read.bytes == Array("OLD\n".utf8))
        #expect(read.readers == .same(mode: 0o600, user: geteuid(), group: getegid()))
        let others = ["/link", "/missing", ""]
        for other in others { #expect(try SetupFile(directory + other, root: "").readRegular(limit: 100) == nil) }
        #expect(throws: Failure.self) { try file.readRegular(limit: 3) }
    }

    private static func temporaryDirectory() throws -> String {
        var template = Array("/tmp/wstanctl-XXXXXX".utf8CString)
        return String(cString: try #require(mkdtemp(&template)))
    }

    @Test func `wstand is looked for beside wstanctl, and in the sbin beside its bin`() {
        #expect(Handover.candidates(besides: "/usr/bin/wstanctl") == ["/usr/bin/wstand", "/usr/sbin/wstand"])
        #expect(Handover.candidates(besides: "/src/.build/debug/wstanctl") == ["/src/.build/debug/wstand"])
    }

    @Test func `where a client serves its script`() {
        func place(_ addresses: String..., name: String = "listen") -> String? {
            PACFetch.place(among: addresses.map { .init(name: name, address: $0, activated: false) })?.url
        }
        #expect(place("127.0.0.1:1080") == "http://127.0.0.1:1080/proxy.pac")
        #expect(place("unix:/run/x", "/run/y", "[::]:8") == "http://[::1]:8/proxy.pac")
        #expect(place("0.0.0.0:1080") == "http://127.0.0.1:1080/proxy.pac")
        #expect(place("nonsense", "a:0", "a:70000", "") == nil)
        #expect(place("127.0.0.1:1", name: "forward db") == nil)
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"), ("HTTP/1.0 200 OK\r\n\r\nok", "ok"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", nil), ("HTTP/1.1 404 Not Found\r\n\r\n", nil),
            ("ok", nil),
            ("", nil),
        ] as [(String, String?)])
    func `an answer with a script`(answer: String, body: String?) {
        #expect(PACFetch.body(of: Array(answer.utf8)) == body)
    }
}
