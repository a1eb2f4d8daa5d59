import Testing
import WstanControl

@testable import wstanctl

/// What init writes, what it leaves alone, and what it says.
@Suite struct SetupTests {
    private typealias Plan = InitServerCommand.ServerPlan

    private static let shipped = """
        # mode is what it is
        mode = server
        \t
        # the uri
        uri = ws://127.0.0.1:8080/
        key-file = /etc/wstan/key
        #key =

        [client]
        #listen = localhost:1080
        """

    @Test(arguments: [
        "ws://host/", "ws://host:8080/a/b?c=d", "wss://host", "ws://[2001:db8::1]:80/", "ws://127.0.0.1:1/x",
    ])
    func `URIs are read and written`(text: String) {
        #expect(TunnelURI(text)?.text == text)
    }

    @Test(arguments: [
        "", "host", "http://host/", "ws://", "ws:///x", "ws://host:0/", "ws://host:65536/", "ws://host:x/", "ws://a:b@host/",
        "ws://host/a b", "ws://host/\n", "ws://host/'\"", "ws://[::1/", "ws://[]/", "ws://::1/", "ws://[::1]x/", "ws://hôst/",
        "ws://h/`id`",
    ])
    func `what is no URI of a tunnel is refused`(text: String) {
        #expect(TunnelURI(text) == nil)
    }

    @Test func `ports and hosts that mean something`() {
        #expect(TunnelURI("ws://h/")?.effectivePort == 80)
        #expect(TunnelURI("wss://h/")?.effectivePort == 443)
        #expect(TunnelURI("ws://0.0.0.0:1/")?.isWildcard == true)
        #expect(TunnelURI("ws://[::]:1/")?.isWildcard == true)
        #expect(TunnelURI("ws://127.0.0.2:1/")?.isLoopback == true)
        #expect(TunnelURI("ws://127.example.com:1/")?.isLoopback == false)
    }

    @Test func `a shipped file is known by what it sets`() {
        let file = ConfigurationText(Self.shipped)
        #expect(file.isAsShipped)
        #expect(file["uri"] == "ws://127.0.0.1:8080/")
        for edited in [
            Self.shipped + "\nlisten = x", Self.shipped.replacing("8080", with: "80"), "mode = server", "",
            Self.shipped + "\n[server]\ndeny = *", Self.shipped.replacing("#key =", with: "key = x"),
            Self.shipped + "\n[x]\nnonsense",
        ] {
            #expect(!ConfigurationText(edited).isAsShipped, "\(edited)")
        }
        #expect(ConfigurationText(Self.shipped.replacing("\n", with: "\r\n")).isAsShipped)
    }

    @Test func `a shipped file keeps its comments`() throws {
        let plan = try Plan(existing: ConfigurationText(Self.shipped), uri: nil, force: false)
        #expect(plan.uri == TunnelURI("ws://0.0.0.0:8080/"))
        #expect(
            plan.deed
                == .write(
                    Self.shipped.replacing("127.0.0.1:8080", with: "0.0.0.0:8080"),
                    what: "the uri ws://0.0.0.0:8080/; all else as it came"))
    }

    @Test func `without a file one is made`() throws {
        let plan = try Plan(existing: nil, uri: TunnelURI("ws://0.0.0.0:9000/x"), force: false)
        #expect(
            plan.deed
                == .write(
                    """
                    # A server, made by wstanctl init server. wstan.conf(5) tells what else can stand here.
                    mode = server
                    uri = ws://0.0.0.0:9000/x
                    key-file = /etc/wstan/key

                    """, what: "a server at ws://0.0.0.0:9000/x"))
    }

    @Test func `an edited file stays, and what it must say is told`() throws {
        let server = "mode = server\nuri = ws://0.0.0.0:9000/\nkey-file = /etc/wstan/key\n[server]\ndeny = :25\n"
        let kept = try Plan(existing: ConfigurationText(server), uri: nil, force: false)
        #expect(kept.deed == .keep && kept.uri == TunnelURI("ws://0.0.0.0:9000/"))
        #expect(try Plan(existing: ConfigurationText(server), uri: TunnelURI("ws://0.0.0.0:9000/"), force: false).deed == .keep)
        let failure = Failure(
            """
            /etc/wstan.conf has been edited and stays as it is. For this server it has to say:

                mode = server
                uri = ws://0.0.0.0:1/
                key-file = /etc/wstan/key

            Put that there and run this again, or have it written anew with --force.
            """)
        for text in [server, "mode = client\nuri = ws://h/\nkey-file = /etc/wstan/key", "key = x"] {
            #expect(throws: failure) {
                try Plan(existing: ConfigurationText(text), uri: TunnelURI("ws://0.0.0.0:1/"), force: false)
            }
            let forced = try Plan(existing: ConfigurationText(text), uri: TunnelURI("ws://0.0.0.0:1/"), force: true)
            #expect(forced.deed != .keep)
        }
    }

    @Test func `the line for the client holds the key, but not as an argument`() throws {
        let uri = try #require(TunnelURI("ws://0.0.0.0:8080/"))
        #expect(
            ServerText.next(uri, key: "it's", name: "laptop", host: "198.51.100.7", isGuess: true) == #"""

                Start it, now and whenever this host starts:

                    systemctl enable --now wstand

                Then at the client, in one paste; the line holds the key, so show it to nobody:

                    sudo wstanctl init client laptop --uri ws://198.51.100.7:8080/ <<< 'it'\''s'

                198.51.100.7 is this host's own address; if clients reach it by another one, put that there.
                """#)
        #expect(
            ServerText.next(uri, key: "k", name: "client", host: nil, isGuess: true).hasSuffix(
                """
                    sudo wstanctl init client client --uri ws://HOST:8080/ <<< 'k'

                Put the name or address of this host, as the client knows it, in the place of HOST.
                """))
        #expect(
            ServerText.next(uri, key: "k", name: "client", host: "a.test", isGuess: false).hasSuffix(
                "    sudo wstanctl init client client --uri ws://a.test:8080/ <<< 'k'"))
    }

    @Test func `what would not work is said`() throws {
        func next(_ text: String) throws -> String {
            ServerText.next(try #require(TunnelURI(text)), key: "k", name: "c", host: "a.test", isGuess: false)
        }
        #expect(try next("wss://127.0.0.1:8080/t").contains("It listens on this host only: a front must pass /t on to it."))
        #expect(try next("wss://0.0.0.0:8443/").contains("wss:// needs TLS: a front that ends it, or [tls] certificate"))
        #expect(try next("ws://0.0.0.0/").contains("[Socket], ListenStream=, ListenStream=80\n    systemctl enable --now wstand.socket"))
    }

    @Test func `a client's files and what comes next`() throws {
        let uri = try #require(TunnelURI("ws://a.test:8080/"))
        #expect(
            ClientText.configuration(uri, keyPath: "/etc/wstan/home.key", listen: ["localhost:2080"]) == """
                # A client, made by wstanctl init client. wstan.conf(5) tells what else can stand here.
                mode = client
                uri = ws://a.test:8080/
                key-file = /etc/wstan/home.key

                [client]
                listen = localhost:2080

                """)
        #expect(
            ClientText.next(Instance(name: "home", manager: .system, below: "/run"), listen: []) == """

                Start it, now and whenever this host starts:

                    systemctl enable --now wstand@home

                Then SOCKS and HTTP are served at localhost:1080. wstanctl -i home shows how it goes,
                wstanctl doctor -i home says what is wrong.
                """)
    }

    @Test func `what was done to which file`() {
        #expect(
            SetupReport.text([("/etc/wstan/key", .kept("the key that is there")), ("/etc/wstan.conf", .written("a server"))])
                == """
                /etc/wstan/key   stays: the key that is there
                /etc/wstan.conf  written: a server
                """)
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
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", nil), ("HTTP/1.1 404 Not Found\r\n\r\n", nil), ("ok", nil),
            ("", nil),
        ] as [(String, String?)])
    func `an answer with a script`(answer: String, body: String?) {
        #expect(PACFetch.body(of: Array(answer.utf8)) == body)
    }
}

extension String {
    fileprivate func replacing(_ old: String, with new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
