import Testing

@testable import WstanBase
@testable import WstanConfig

/// What says how a client reaches its server, and who may use the client.
@Suite struct ConfigWayTests {
    private static func proxy(_ text: String) throws -> String {
        let proxy = try ProxyAddress.read(text)
        let password = proxy.password.map { ":" + $0.text } ?? ""
        return "\(proxy) \((proxy.user ?? "-") + password)"
    }

    @Test(arguments: [
        ("p:3128", "http://p:3128 -"), ("http://p", "http://p:80 -"), ("HTTP://P:1/", "http://p:1 -"),
        ("socks5://p", "socks5://p:1080 -"), ("socks5h://[::1]:9", "socks5://[::1]:9 -"),
        ("http://u:w@p:1", "http://p:1 u:w"), ("u:w@p:1", "http://p:1 u:w"), ("http://u@p", "http://p:80 u"),
        ("socks5://u:@p", "socks5://p:1080 u:"), ("http://:w@p", "http://p:80 :w"), ("http://@p", "http://p:80 -"),
        ("http://u%40d:a%3Ab%25%C3%A9@p", "http://p:80 u@d:a:b%\u{E9}"), ("http://u:a@b:c@p:1", "http://p:1 u:a@b:c"),
    ])
    func `a proxy has a scheme, a user and defaults`(text: String, expected: String) throws {
        #expect(try Self.proxy(text) == expected)
    }

    @Test(arguments: [
        "", "p", "u:w@p", "https://p:1", "ftp://p:1", "http://", "http://u:w@", "http://p:0", "http://p:1/x",
        "http://u%@p",
        "http://u%4@p", "http://u%4x@p", "http://u%FF@p", "http://u%0D@p", "http://u:%00@p", "http://a%3Ab:c@p",
        "socks5://:w@p", "socks5://\(String(repeating: "u", count: 256))@p", "http://p@[::1", "socks5://u:w@p:x",
        "http://u:\(String(repeating: "w", count: 1025))@p", "://p:1", "none", "auto",
    ])
    func `what is no proxy is refused, without being quoted`(text: String) throws {
        let problem = try #require(throws: ValueProblem.self) { try ProxyAddress.read(text) }
        #expect(!problem.text.contains("@p"))
    }

    @Test func `the proxy is chosen by the environment unless something else is said`() throws {
        #expect(try configured("ws://h K").proxy == .automatic)
        #expect(try configured("ws://h K -y Auto").proxy == .automatic)
        #expect(try configured("ws://h K --proxy=NONE").proxy == ProxyChoice.none)
        let through = try configured("ws://h K --proxy=socks5://u:Tr0ub4dor@p").proxy
        #expect(
            through
                == .through(
                    ProxyAddress(scheme: .socks5, host: "p", port: 1080, user: "u", password: Secret("Tr0ub4dor"))))
        #expect(!"\(through)".contains("Tr0ub"))
    }

    @Test func `where to connect and what to say there are keys of their own`() throws {
        let file =
            ConfigFixture.minimal + """
                [client]
                connect-to = [::1]:8443
                host-header = front.example:444
                header = X-Token :  not taken
                """
        #expect(ConfigFixture(file: file).complaints().count == 1)
        let settings = try ConfigFixture(
            file: file.replacing("X-Token :  not taken", with: "X-Token:  a: b\t\nheader = x-token: c\n")
        ).run().settings
        #expect(settings.connectTo == TargetAddress(host: "::1", port: 8443))
        #expect(settings.hostHeader == "front.example:444")
        #expect(
            settings.headers == [ExtraHeader(name: "X-Token", value: "a: b"), ExtraHeader(name: "x-token", value: "c")])
        #expect(!"\(settings)".contains("a: b"))
    }

    @Test(arguments: [
        "", "a", ":b", "a b: c", "a:", "a: \t", "a\u{E9}: b", "a: b\u{1}", "a: b\tc", "Host: h", "connection: x",
        "Upgrade: x", "Sec-WebSocket-Key: x", "SEC-WEBSOCKET-PROTOCOL: x", "Content-Length: 1", "transfer-encoding: x",
        "(a): b", "a/b: c",
    ])
    func `a field that breaks the head or is the handshake's own is refused`(text: String) {
        #expect(throws: ValueProblem.self) { try ExtraHeader(text) }
    }

    @Test func `fields have bounds together`() throws {
        func file(_ count: Int, _ size: Int) -> String {
            let value = String(repeating: "v", count: size - 1)
            return ConfigFixture.minimal + "[client]\n" + String(repeating: "header = n: \(value)\n", count: count)
        }
        #expect(try ConfigFixture(file: file(32, 128)).run().settings.headers.count == 32)
        #expect(ConfigFixture(file: file(33, 2)).complaints().first?.contains("more than 32 fields") == true)
        #expect(ConfigFixture(file: file(32, 129)).complaints().first?.contains("4096 bytes") == true)
        for text in ["a b", "\u{E9}", String(repeating: "h", count: 261)] {
            #expect(throws: ValueProblem.self) { try HostHeader.read(text) }
        }
        #expect(try HostHeader.read(String(repeating: "h", count: 260)).count == 260)
    }

    @Test func `users are names and numbers`() throws {
        #expect(
            try LocalUser.list("0, 4294967294 anna DOM\\ben") == [
                .number(0), .number(4_294_967_294), .name("anna"), .name("DOM\\ben"),
            ])
        for text in [
            "", ",", "4294967295", "99999999999", "-x", "a:b", "a/b", "\u{E9}", String(repeating: "a", count: 256),
        ] {
            #expect(throws: ValueProblem.self) { try LocalUser.list(text) }
        }
        let file =
            ConfigFixture.minimal
            + "[client]\nallow-uid = 1000\nallow-uid = 1000, anna\nusers-file = /etc/wstan/users\n"
        let settings = try ConfigFixture(file: file).run().settings
        #expect(settings.allowUID == [.number(1000), .name("anna")])
        #expect(settings.usersFile == "/etc/wstan/users")
        #expect(ConfigFixture(bytes: Array(file.utf8) + [0]).failure() != nil)
    }

    @Test func `a listener may be a socket in the file system`() throws {
        let longest = "/" + String(repeating: "s", count: 106)
        #expect(
            try ListenAddress.list("unix:/run/a b=c, h:1, unix:\(longest)") == [
                .unix("/run/a b=c"), .tcp(host: "h", port: 1), .unix(longest),
            ])
        for text in [
            "unix:", "unix:/", "unix:a", "unix:./a", "unix://a", "unix:/a/", "unix:/a\u{1}", "unix:\(longest)s",
        ] {
            #expect(throws: ValueProblem.self) { try ListenAddress.list(text) }
        }
        let server = try configured("-s ws://h K --listen=unix:/run/w").listen
        #expect(server == [.unix("/run/w")])
        #expect(server.map(\.description) == ["unix:/run/w"])
        #expect(
            try configured("ws://h K --listen=unix:/run/w,h:1").listen == [.unix("/run/w"), .tcp(host: "h", port: 1)])
    }

    @Test func `limits and replies have their defaults and bounds`() throws {
        let settings = try configured(
            "ws://h K --early-reply=no --pool-min=2 --max-tunnels-per-address=5 --idle-timeout=5min")
        #expect(settings.earlyReply == false)
        #expect(settings.poolMin == 2 && settings.maxTunnelsPerAddress == 5 && settings.idleTimeout == .seconds(300))
        let plain = try configured("ws://h K")
        #expect(plain.earlyReply == nil && plain.poolMin == 1 && plain.maxTunnelsPerAddress == 0 && plain.idleTimeout == .zero)
        #expect(!plain.allowPrivate && plain.allow.isEmpty && plain.deny.isEmpty && plain.allowUID.isEmpty)
        for bad in ["early-reply=x", "pool-min=-1", "idle-timeout=8d", "max-tunnels-per-address=1000001"] {
            #expect(ConfigFixture().failure(["ws://h", "K", "--\(bad)"])?.exitStatus == .usage)
        }
    }
}
