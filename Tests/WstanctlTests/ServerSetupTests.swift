import Testing
import WstanControl

@testable import wstanctl

/// What init server plans on hosts of all kinds, and what it says.
@Suite struct ServerSetupTests {
    private static let main = "/etc/wstan.conf"
    private static let dropIn = "/etc/wstan.conf.d/10-init.conf"
    private static let socketDropIn = "/etc/systemd/system/wstand.socket.d/10-init.conf"
    private static let serviceDropIn = "/etc/systemd/system/wstand.service.d/10-init.conf"

    private static func plan(_ wish: ServerWish, on host: HostObservation) throws -> SetupPlan {
        let goal = try ServerGoal(wish, on: host)
        return try SetupPlan(
            [
                ServerKeyStep(source: goal.key, newString: { "NEW" }), ServerConfigurationStep(wish: wish),
                ListenSocketStep(wish: wish), RestartStep(unit: SocketUnit.service),
            ], on: host)
    }

    private static func wish(_ uri: String? = nil, _ address: String? = nil, force: Bool = false) -> ServerWish {
        ServerWish(uri: uri.flatMap { TunnelURI($0) }, address: address.flatMap { PublicAddress($0) }, force: force)
    }

    private static func written(_ plan: SetupPlan) -> [String: String] {
        plan.deeds.reduce(into: [:]) { files, deed in
            if case .write(let writing) = deed { files[writing.path] = writing.text }
        }
    }

    private static let header = """
        # Written by wstanctl init server. It is read after /etc/wstan.conf and counts instead; wstan.conf(5) has
        # all settings.
        mode = server
        # The empty line takes back a URI of another file.
        uri =

        """

    @Test func `the file that comes with wstan stays as it is`() throws {
        let host = HostObservation(texts: [Self.main: SetupFixture.shipped, "/etc/wstan/key": "KEY\n"])
        let plan = try Self.plan(Self.wish(), on: host)
        #expect(
            plan.report == """
                /etc/wstan/key                  unchanged: the key exists
                /etc/wstan.conf.d/10-init.conf  written: server at ws://0.0.0.0:8080/
                """)
        #expect(Self.written(plan) == [Self.dropIn: Self.header + "uri = ws://0.0.0.0:8080/\n"])
    }

    @Test func `a new key is of version 2, or of version 1 for Python; one that is there stays`() throws {
        #expect(KeyStrings.line("wstan2:AQAB\nwstan2:AgAB\n") == "wstan2:AQAB")
        for wrong in ["", "\n", "WY+yKqwlAlxSubNXVLrJsw==\n", "For the server: wstan2:AQAB\n"] {
            #expect(KeyStrings.line(wrong) == nil)
        }
        func deed(_ present: String? = nil, isForPython: Bool = false) throws -> Deed? {
            let files = present.map { ["/k": $0] } ?? [:]
            return try ServerKeyStep(source: .file("/k"), isForPython: isForPython, newString: { "wstan2:AQAB" })
                .deeds(on: HostObservation(texts: files), after: []).first
        }
        func written(_ deed: Deed?) -> String? {
            if case .write(let writing)? = deed { writing.text } else { nil }
        }
        #expect(written(try deed()) == "wstan2:AQAB\n")
        let first = try #require(written(try deed(isForPython: true)))
        #expect(first.hasSuffix("==\n") && first.count == 25)
        let (v1, v2) = ("WY+yKqwlAlxSubNXVLrJsw==\n", "wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg\n")
        for (key, isForPython) in [(v1, false), (v1, true), (v2, false)] {
            #expect(try deed(key, isForPython: isForPython) == .keep("/k", why: "the key exists"))
        }
        let failure = #expect(throws: Failure.self) { try deed(v2, isForPython: true) }
        #expect(failure?.text.contains("sudo wstanctl add-key NAME --v1") == true)
    }

    @Test func `for Python, a key that is in no file is looked at, or it is said that it cannot be`() throws {
        func deeds(_ source: ConfigurationLayers.KeySource, isForPython: Bool = true) throws -> [Deed] {
            try ServerKeyStep(source: source, isForPython: isForPython).deeds(on: HostObservation(), after: [])
        }
        let v2 = "wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg"
        #expect(try deeds(.text("WY+yKqwlAlxSubNXVLrJsw==")).isEmpty)
        #expect(try deeds(.text(v2), isForPython: false).isEmpty)
        let failure = #expect(throws: Failure.self) { try deeds(.text(v2)) }
        #expect(failure?.text.hasPrefix("the configuration has a key of version 2, which the Python wstan") == true)
        #expect(failure?.text.contains("remove the line \"key = ...\" there, then run this again") == true)
        #expect(try deeds(.service("env:WSTAN_KEY"), isForPython: false).isEmpty)
        let why = "only the service can read the key, so init cannot tell whether it is of version 1, which Python needs"
        #expect(try deeds(.service("env:WSTAN_KEY")) == [.keep("env:WSTAN_KEY", why: why)])
    }

    @Test func `without a file one is made, and the key`() throws {
        let plan = try Self.plan(Self.wish("ws://0.0.0.0:9000/x", "a.test"), on: HostObservation(texts: [:]))
        #expect(
            Self.written(plan) == [
                "/etc/wstan/key": "NEW\n",
                Self.main: "# The settings are in /etc/wstan.conf.d; wstan.conf(5) describes them.\n",
                Self.dropIn: Self.header + """
                    uri = ws://0.0.0.0:9000/x
                    key-file = /etc/wstan/key

                    [server]
                    # What clients use, for the lines that wstanctl prints.
                    public-uri = ws://a.test:9000/x

                    """,
            ])
    }

    @Test func `what a server says already is kept`() throws {
        let server = "mode = server\nuri = ws://0.0.0.0:9000/\nkey-file = /k\n[server]\ndeny = :25\n"
        let host = HostObservation(texts: [Self.main: server, "/k": "KEY"])
        for wish in [Self.wish(), Self.wish("ws://0.0.0.0:9000/")] {
            #expect(
                try Self.plan(wish, on: host).report == """
                    /k               unchanged: the key exists
                    /etc/wstan.conf  unchanged: server at ws://0.0.0.0:9000/
                    """)
        }
        let other = try Self.plan(Self.wish("ws://0.0.0.0:9001/"), on: host)
        #expect(Self.written(other) == [Self.dropIn: Self.header + "uri = ws://0.0.0.0:9001/\n"])
    }

    @Test func `a key that is not in a file is left alone`() throws {
        for key in ["key = x", "key-file = credential:wstan.key", "key-file = env:KEY"] {
            let plan = try Self.plan(
                Self.wish(), on: HostObservation(texts: [Self.main: "mode = server\nuri = ws://0.0.0.0:1234/\n" + key]))
            #expect(Self.written(plan).isEmpty, "\(key)")
        }
    }

    @Test func `a path in the home of the service is not taken for another one`() throws {
        func refusal(_ path: String) -> Failure {
            Failure(
                "/etc/wstan.conf: wstanctl cannot expand \(path): ~ is the home directory of the user that wstand runs as. "
                    + "Write the path from the first / on.")
        }
        func plan(_ lines: String) throws -> SetupPlan {
            try Self.plan(Self.wish(), on: HostObservation(texts: [Self.main: "mode = server\n" + lines]))
        }
        #expect(throws: refusal("~/k")) { try plan("key-file = ~/k") }
        #expect(throws: refusal("~/s")) { try plan("key = x\nstate-directory = ~/s") }
        // It does not count.
        _ = try plan("key-file = ~/k\nkey = x")
        _ = try plan("key-file = ~/k\nkey-file = /k")
    }

    @Test func `a client is made a server only when that is meant`() throws {
        let host = HostObservation(texts: [Self.main: "mode = client\nuri = ws://h/\nkey = x"])
        let refusal = Failure(
            "/etc/wstan.conf configures a client (mode = client). To make this host a server instead, use --force; "
                + "wstanctl init client NAME makes clients beside a server.")
        #expect(throws: refusal) { try Self.plan(Self.wish(), on: host) }
        #expect(Self.written(try Self.plan(Self.wish(force: true), on: host))[Self.dropIn] != nil)
    }

    @Test func `an edited drop-in is replaced with force only, and a copy is kept`() throws {
        let edited = Self.header + "uri = ws://0.0.0.0:9000/\nthreads = 4\n"
        let host = HostObservation(texts: [
            Self.main: SetupFixture.shipped, Self.dropIn: edited, "/etc/wstan/key": "KEY",
        ])
        #expect(
            throws: Failure("\(Self.dropIn) exists and differs. Keep it, or replace it with --force (a copy is kept).")
        ) {
            try Self.plan(Self.wish("ws://0.0.0.0:1234/"), on: host)
        }
        #expect(
            try Self.plan(Self.wish("ws://0.0.0.0:1234/", force: true), on: host).report.hasSuffix(
                "10-init.conf  rewritten: server at ws://0.0.0.0:1234/ (former file: copy)"))
        // What init has written itself is its own to change.
        let own = HostObservation(texts: [
            Self.main: SetupFixture.shipped, Self.dropIn: Self.header + "uri = ws://0.0.0.0:9000/\n",
            "/etc/wstan/key": "K",
        ])
        let rewritten = try Self.plan(Self.wish("ws://0.0.0.0:1234/"), on: own)
        #expect(rewritten.report.hasSuffix("10-init.conf  rewritten: server at ws://0.0.0.0:1234/"))
        #expect(Self.written(try Self.plan(Self.wish(), on: own)).isEmpty)
    }

    @Test func `a file that is read later and says otherwise is named`() throws {
        let host = HostObservation(texts: [
            Self.main: SetupFixture.shipped, "/etc/wstan.conf.d/20-uri.conf": "uri = ws://0.0.0.0:7/",
        ])
        #expect(
            throws: Failure(
                "/etc/wstan.conf.d/20-uri.conf sets uri, and is read after \(Self.dropIn). Remove that line, then run this again."
            )
        ) { try Self.plan(Self.wish(), on: host) }
        let other = HostObservation(texts: [
            Self.main: SetupFixture.shipped, "/etc/wstan.conf.d/20-private.conf": "[server]\nallow-private = yes",
        ])
        #expect(Self.written(try Self.plan(Self.wish(), on: other))[Self.dropIn] != nil)
    }

    @Test func `the address of clients follows the port`() throws {
        let first = Self.header + "uri = ws://0.0.0.0:8080/\n[server]\npublic-uri = ws://a.test:8080/\n"
        let host = HostObservation(texts: [Self.main: SetupFixture.shipped, Self.dropIn: first, "/etc/wstan/key": "K"])
        let moved = Self.written(try Self.plan(Self.wish("ws://0.0.0.0:443/"), on: host))[Self.dropIn] ?? ""
        #expect(moved.contains("public-uri = ws://a.test:443/\n"))
        let front = Self.header + "uri = ws://127.0.0.1:8080/\n[server]\npublic-uri = wss://a.test/x\n"
        let kept = Self.written(
            try Self.plan(
                Self.wish("ws://127.0.0.1:81/"),
                on: HostObservation(texts: [Self.main: SetupFixture.shipped, Self.dropIn: front])))
        #expect(kept[Self.dropIn]?.contains("public-uri = wss://a.test/x\n") == true)
    }

    @Test func `a port below 1024 is opened by systemd, and by nothing else`() throws {
        let host = HostObservation(texts: [Self.main: SetupFixture.shipped, "/etc/wstan/key": "K"])
        let plan = try Self.plan(Self.wish("ws://0.0.0.0:443/"), on: host)
        let files = Self.written(plan)
        #expect(
            files[Self.socketDropIn] == """
                # Written by wstanctl init server: systemd opens port 443, since wstand has no privilege.
                [Socket]
                # The empty line takes back the address of the unit.
                ListenStream=
                ListenStream=443

                """)
        #expect(files[Self.serviceDropIn]?.hasSuffix("[Unit]\nRequires=wstand.socket\n") == true)
        #expect(plan.deeds.last == .run(["systemctl", "daemon-reload"], what: "systemd reads its units again"))
        #expect(SocketUnit.listen(for: try #require(TunnelURI("ws://localhost:80/"))) == ["127.0.0.1:80", "[::1]:80"])
        #expect(SocketUnit.listen(for: try #require(TunnelURI("ws://[2001:db8::1]/"))) == ["[2001:db8::1]:80"])
        #expect(SocketUnit.listen(for: try #require(TunnelURI("ws://a.test/"))) == nil)
        #expect(throws: Failure("a.test is a name, and port 80 needs an address in --uri, such as 0.0.0.0.")) {
            try Self.plan(Self.wish("ws://a.test/"), on: host)
        }
    }

    @Test(arguments: [
        (socketDropIn, "[Socket]\nListenStream=\nListenStream=443\nFreeBind=yes\n"),
        (socketDropIn, "[Socket]\nListenStream=\nListenStream=443\nListenStream=192.0.2.1:444\n"),
        (serviceDropIn, "[Unit]\nRequires=wstand.socket\n[Service]\nLimitNOFILE=9999\n"),
    ])
    func `an edited drop-in of systemd is changed with force only, and a copy is kept`(path: String, text: String) throws {
        var files = [
            Self.main: SetupFixture.shipped, "/etc/wstan/key": "K",
            Self.socketDropIn: "[Socket]\nListenStream=\nListenStream=443\n",
            Self.serviceDropIn: "[Unit]\nRequires=wstand.socket\n",
        ]
        files[path] = text
        let host = HostObservation(texts: files)
        #expect(
            throws: Failure("\(path) has settings that init does not write. Remove it, or use --force (a copy is kept).")
        ) {
            try Self.plan(Self.wish("ws://0.0.0.0:8080/"), on: host)
        }
        #expect(throws: Failure("\(path) exists and differs. Keep it, or replace it with --force (a copy is kept).")) {
            try Self.plan(Self.wish("ws://0.0.0.0:444/"), on: host)
        }
        let back = try Self.plan(Self.wish("ws://0.0.0.0:8080/", force: true), on: host)
        #expect(back.deeds.contains(.remove(path, what: "wstand opens the port itself", backup: "copy")))
        #expect(back.report.contains("removed: wstand opens the port itself (former file: copy)"))
        let other = try Self.plan(Self.wish("ws://0.0.0.0:444/", force: true), on: host)
        #expect(other.report.contains("(former file: copy)"))
    }

    @Test func `an edited drop-in that listens on the port is kept`() throws {
        let host = HostObservation(texts: [
            Self.main: SetupFixture.shipped, "/etc/wstan/key": "K",
            Self.socketDropIn: "[Socket]\nListenStream=\nListenStream=443\nFreeBind=yes\n",
            Self.serviceDropIn: "[Unit]\nRequires=wstand.socket\n",
        ])
        let plan = try Self.plan(Self.wish("ws://0.0.0.0:443/"), on: host)
        #expect(plan.report.contains("unchanged: listens on port 443"))
    }

    @Test func `a running service is restarted, with its socket where that has changed`() throws {
        let files = [Self.main: SetupFixture.shipped, "/etc/wstan/key": "K"]
        let active = HostObservation(texts: files, active: ["wstand.service"])
        func commands(_ wish: ServerWish, _ host: HostObservation) throws -> [String] {
            try Self.plan(wish, on: host).deeds.compactMap { deed in
                guard case .run(let command, _) = deed else { return nil }
                return command.joined(separator: " ")
            }
        }
        #expect(try commands(Self.wish(), active) == ["systemctl restart wstand.service"])
        #expect(
            try commands(Self.wish("ws://0.0.0.0:443/"), active) == [
                "systemctl daemon-reload", "systemctl stop wstand.service wstand.socket",
                "systemctl start wstand.service",
            ])
        #expect(try commands(Self.wish(), HostObservation(texts: files)) == [])
        #expect(try commands(Self.wish("ws://0.0.0.0:443/"), HostObservation(texts: files, active: nil)) == [])
        // Back to a port that wstand opens itself.
        var low = files
        low[Self.socketDropIn] = "[Socket]\nListenStream=\nListenStream=443\n"
        low[Self.serviceDropIn] = "[Unit]\nRequires=wstand.socket\n"
        let back = try Self.plan(
            Self.wish("ws://0.0.0.0:8080/"),
            on: HostObservation(texts: low, active: ["wstand.service", "wstand.socket"]))
        #expect(back.report.contains("\(Self.socketDropIn)   removed: wstand opens the port itself"))
        #expect(back.report.contains("systemctl start wstand.service"))
        // The same again changes nothing.
        #expect(try commands(Self.wish("ws://127.0.0.1:8080/"), active) == [])
    }

    @Test func `what runs and what starts at boot`() throws {
        var host = HostObservation(
            texts: [Self.main: SetupFixture.shipped, "/etc/wstan/key": "K"], active: ["wstand.service"])
        let instance = Instance(name: nil, manager: .system, below: "/run")
        func text() throws -> String {
            UnitOutlook(SocketUnit.service, on: host, try Self.plan(Self.wish(), on: host)).text(instance)
        }
        #expect(
            try text() == """
                wstand is running with this configuration. Start it at every boot, too:

                    sudo systemctl enable wstand
                """)
        host.enabledUnits = ["wstand.service"]
        #expect(try text() == "wstand is running with this configuration.")
        host.activeUnits = []
        #expect(try text() == "Start wstand now and at every boot:\n\n    sudo systemctl enable --now wstand")
        // A socket that waits for the first connection is stopped for its new port, and the service started.
        host.activeUnits = ["wstand.socket"]
        #expect(
            UnitOutlook(SocketUnit.service, on: host, try Self.plan(Self.wish("ws://0.0.0.0:443/"), on: host))
                == .isRunning(atBoot: true))
    }

    @Test func `a socket unit of the administrator's is respected`() throws {
        let override = "/etc/systemd/system/wstand.socket.d/override.conf"
        let files = [
            Self.main: SetupFixture.shipped, "/etc/wstan/key": "K",
            override: "[Socket]\nListenStream=\nListenStream=443\n",
        ]
        let host = HostObservation(texts: files, active: ["wstand.socket"])
        #expect(SocketUnit(on: host).port == 443)
        let plan = try Self.plan(Self.wish(), on: host)
        #expect(
            plan.report.contains(
                "wstand.socket                   unchanged: enabled, so wstand listens on port 443 instead of 8080"))
        let goal = try ServerGoal(Self.wish(), on: host)
        #expect(ClientURI(goal, on: host, ownAddress: "192.0.2.7").uri.text == "ws://192.0.2.7:443/")
        #expect(
            try Self.plan(Self.wish("ws://0.0.0.0:443/"), on: host).report.contains("unchanged: listens on port 443"))
        #expect(throws: Failure("\(override) says where wstand.socket listens. Set port 80 there, or remove the file."))
        {
            try Self.plan(Self.wish("ws://0.0.0.0/"), on: host)
        }
        #expect(SocketUnit(on: HostObservation(texts: [:])).port == nil)
        #expect(SocketUnit(on: HostObservation(texts: [:], active: ["wstand.socket"])).port == 8080)
    }

    @Test func `the printed URI has the port of the administrator's socket unit`() throws {
        let files = [
            Self.main: SetupFixture.shipped, "/etc/wstan/key": "K",
            "/etc/systemd/system/wstand.socket.d/override.conf": "[Socket]\nListenStream=\nListenStream=443\n",
        ]
        let host = HostObservation(texts: files, active: ["wstand.socket"])
        let goal = try ServerGoal(Self.wish(nil, "server.example.com"), on: host)
        #expect(ClientURI(goal, on: host, ownAddress: nil).uri.text == "ws://server.example.com:443/")
        let written = Self.written(try Self.plan(Self.wish(nil, "server.example.com"), on: host))[Self.dropIn]
        #expect(written?.contains("public-uri = ws://server.example.com:443/\n") == true)
    }

    @Test(arguments: ["wss://127.0.0.1:8080/chat/", nil])
    func `a drop-in for a front says what init was asked for, and the port goes back`(uri: String?) throws {
        var files = [
            Self.main: SetupFixture.shipped, "/etc/wstan/key": "K",
            Self.dropIn: Self.header + "uri = wss://0.0.0.0:443/chat/\n",
            "/etc/wstan.conf.d/20-front.conf":
                "uri = wss://server.example.com/chat/\n[server]\nlisten = 127.0.0.1:8080\nx-forward = yes\n",
            Self.socketDropIn: "[Socket]\nListenStream=\nListenStream=443\n",
            Self.serviceDropIn: "[Unit]\nRequires=wstand.socket\n",
        ]
        let host = HostObservation(texts: files, active: ["wstand.service", "wstand.socket"])
        let plan = try Self.plan(Self.wish(uri), on: host)
        #expect(Self.written(plan).isEmpty)
        #expect(plan.report.contains("20-front.conf") && plan.report.contains("removed: wstand opens the port itself"))
        let goal = try ServerGoal(Self.wish(uri), on: host)
        let reached = ClientURI(goal, on: host, ownAddress: nil)
        #expect(reached.uri.text == "wss://server.example.com/chat/" && reached.certainty == .known)
        files["/etc/wstan.conf.d/20-front.conf"] = "uri = wss://server.example.com/other/\n[server]\nlisten = 127.0.0.1:8080\n"
        #expect(throws: Failure.self) {
            try Self.plan(Self.wish("wss://127.0.0.1:8080/chat/"), on: HostObservation(texts: files))
        }
    }

    @Test func `a plan shows what it would write, but no key`() throws {
        let host = HostObservation(texts: [Self.main: SetupFixture.shipped], active: ["wstand.service"])
        #expect(
            try Self.plan(Self.wish(), on: host).preview == """
                Plan (--dry-run changes nothing):

                /etc/wstan/key                    to write: a new key
                /etc/wstan.conf.d/10-init.conf    to write: server at ws://0.0.0.0:8080/
                systemctl restart wstand.service  to run: the new configuration is in force

                /etc/wstan.conf.d/10-init.conf:
                    # Written by wstanctl init server. It is read after /etc/wstan.conf and counts instead; wstan.conf(5) has
                    # all settings.
                    mode = server
                    # The empty line takes back a URI of another file.
                    uri =
                    uri = ws://0.0.0.0:8080/
                """)
    }

    @Test(
        arguments: [
            ("ws://0.0.0.0:8080/", nil, "", "ws://192.0.2.7:8080/", .guessed),
            ("ws://0.0.0.0:8080/", "a.test", "", "ws://a.test:8080/", .known),
            ("ws://0.0.0.0/", nil, "", "ws://192.0.2.7/", .guessed),
            ("ws://198.51.100.1:9/x", nil, "", "ws://198.51.100.1:9/x", .known),
            ("ws://0.0.0.0:8080/", "wss://a.test/chat", "", "wss://a.test/chat", .known),
            ("wss://127.0.0.1:8080/t", nil, "", "wss://HOST/t", .loopbackOnly),
            ("ws://127.0.0.1:8080/", nil, "", "ws://HOST/", .loopbackOnly),
            ("ws://localhost:8080/x", nil, "", "ws://HOST/x", .loopbackOnly),
            ("ws://[::1]:8080/", "wss://a.test/", "", "wss://a.test/", .known),
            ("wss://0.0.0.0:8443/t", nil, "[tls]\ncertificate = /c", "wss://192.0.2.7:8443/t", .guessed),
        ] as [(String, String?, String, String, ServerReach.Certainty)])
    func `the URI that clients use`(
        uri: String, address: String?, more: String, reached: String, certainty: ServerReach.Certainty
    ) throws {
        let host = HostObservation(texts: [Self.main: more])
        let found = ClientURI(try ServerGoal(Self.wish(uri, address), on: host), on: host, ownAddress: "192.0.2.7")
        #expect(found.uri.text == reached && found.certainty == certainty)
    }

    @Test(arguments: ["a:80", "0.0.0.0", "ws://0.0.0.0/", "a b", "", "http://a/", "a/b"])
    func `what is no address of a server is refused`(text: String) {
        #expect(PublicAddress(text) == nil)
    }
}
