import Testing

@testable import WstanBase
@testable import WstanConfig

@Suite struct ConfigValueTests {
    @Test(arguments: [
        ("ws://h", "ws://h:80/"), ("wss://h", "wss://h:443/"), ("WS://Ex.COM:1/A/b", "ws://ex.com:1/A/b/"),
        ("ws://h:/", "ws://h:80/"), ("ws://[::1]:8080/x", "ws://[::1]:8080/x/"),
        ("ws://[FE80::1%eth0]/", "ws://[fe80::1%eth0]:80/"),
        ("ws://h/a%20b//c/", "ws://h:80/a%20b//c/"), ("ws://h:65535/@:", "ws://h:65535/@:/"),
        ("ws://h/a?x=y", "ws://h:80/a/?x=y"), ("ws://h?x=/@:?", "ws://h:80/?x=/@:?"), ("ws://h/?", "ws://h:80/"),
        ("ws://*:8080/", "ws://[::]:8080/"), ("ws://*", "ws://[::]:80/"),
    ])
    func `a URI has its defaults filled in and survives its own description`(text: String, expected: String) throws {
        let uri = try ServerURI(text)
        #expect(uri.description == expected)
        #expect(try ServerURI(uri.description) == uri)
        #expect(uri.path.hasPrefix("/") && uri.path.hasSuffix("/"))
    }

    @Test(arguments: [
        "", "ws", "ws:", "ws:/h", "ws://", "ws:///x", "ws://:80/", "ws://h:x", "ws://h:65536", "ws://h:-1", "ws://h:+1",
        "ws://u@h", "ws://u:p@h", "ws://h/#", "ws://h/?a#b", "ws://h#f", "ws://*a/", "ws://a*/", "ws://h/?a b", "ws://a b/", "ws://h/a b", "ws://h/\r\n",
        "ws://é/",
        "ws://h/é", "ws://::1/", "ws://[::1", "ws://[::1]x", "ws://[h]/", "ws://[]/", "ws://[::1%]/", "ws://h_\u{301}/",
        "http://h", "ws ://h", "ws://h,i/", "ws://" + String(repeating: "a", count: 254),
        "ws://h/" + String(repeating: "a", count: 1024),
    ])
    func `what is no URI is refused`(text: String) {
        #expect(throws: ValueProblem.self) { try ServerURI(text) }
    }

    @Test(arguments: ["ws://b\u{fc}cher.example/", "wss://b\u{fc}cher.example:444/x?y", "ws://\u{4f8b}\u{5b50}"])
    func `a host with letters beyond ASCII is to be written as xn--`(text: String) throws {
        let problem = #expect(throws: ValueProblem.self) { try ServerURI(text) }
        #expect(problem.map { $0.text.contains("xn--") && !$0.text.contains("percent") } == true)
        #expect(try ServerURI("ws://xn--bcher-kva.example/").host == "xn--bcher-kva.example")
    }

    @Test(arguments: [
        ("300", Duration.seconds(300)), ("0", .zero), ("30ms", .milliseconds(30)), ("5us", .microseconds(5)),
        ("5min", .seconds(300)), ("5m", .seconds(300)), ("2h", .seconds(7200)), ("1 d", .seconds(86_400)),
        ("9223372036854775807", .seconds(Int64.max)), ("10sec", .seconds(10)),
    ])
    func `times take units`(text: String, expected: Duration) {
        #expect(Quantity(text)?.duration == expected)
    }

    @Test(arguments: [("512", 512), ("64K", 65_536), ("1M", 1 << 20), ("1 MiB", 1 << 20), ("2g", 2 << 30), ("3b", 3)])
    func `sizes take units`(text: String, expected: Int) {
        #expect(Quantity(text)?.bytes == expected)
    }

    @Test(arguments: ["", "s", "-1", "+1", "1.5s", "1x", "9223372036854775808", "9223372036854775807h", "٣", "1_0"])
    func `what is no quantity is none`(text: String) {
        #expect(Quantity(text)?.duration == nil)
        #expect(Quantity(text)?.bytes == nil || text == "1x")
        #expect(Quantity("9223372036854775807K")?.bytes == nil)
    }

    /// It was advice about IPv6, whose addresses have colons too.
    @Test(arguments: ["http://127.0.0.1:1080", "socks5://a:1", "ws://[::1]:1/", "HTTP://a", "//a:1", "tcp://*:1"])
    func `a URI where an address is expected is named`(text: String) {
        let readers: [(String) throws -> Void] = [
            { _ = try HostPort($0) }, { _ = try HostPort.host($0) }, { _ = try ListenAddress.list($0) }, { _ = try TargetAddress($0) },
            { _ = try HostHeader.read($0) }, { _ = try TLSSettings.serverName($0) }, { _ = try Forward("127.0.0.1:1=" + $0, name: "x") },
        ]
        for read in readers {
            let problem = #expect(throws: ValueProblem.self) { try read(text) }
            #expect(problem?.text.hasPrefix("a URI where an address is expected: write HOST") == true, "\(problem?.text ?? "")")
        }
    }

    @Test(arguments: [
        ("127.0.0.1:1080/", "a path where"), ("a/b:1", "a path where"), ("user@a:1", "a user name where"), ("a:1@b", "a user name where"),
    ])
    func `so are parts of one`(text: String, words: String) {
        let problem = #expect(throws: ValueProblem.self) { try HostPort(text) }
        #expect(problem?.text.hasPrefix(words) == true)
    }

    @Test(arguments: [
        ("127.0.0.1:80", "not a URI: write it like ws://host:port/path"), ("example.com", "not a URI"), ("http://a/", "write ws:// for http://"),
        ("HTTPS://a/", "write wss:// for https://"), ("tcp://a", "replace its scheme"), ("//a:1/", "not a URI"), ("ws:a", "not a URI"),
    ])
    func `an address where a URI is expected says what to write`(text: String, words: String) {
        let problem = #expect(throws: ValueProblem.self) { try ServerURI(text) }
        #expect(problem?.text.contains(words) == true)
    }

    @Test func `items of a list say that they are URIs`() {
        let target = #expect(throws: ValueProblem.self) { try TargetPattern.list("a, http://b/", takesPrivate: true) }
        #expect(target?.text.hasPrefix("an item is a URI: write its host") == true)
        let proxy = #expect(throws: ValueProblem.self) { try TrustedProxies.read("http://192.0.2.1") }
        #expect(proxy?.text.hasPrefix("an item is a URI") == true)
        let old = #expect(throws: ValueProblem.self) { try ProxyChoice("socks4://a:1") }
        #expect(old?.text.contains("write socks5://") == true)
    }

    /// RFC 6874 for URIs, and bare as everywhere else; `%25` alone is the interface with that number.
    @Test(arguments: [
        ("[fe80::1%25eth0]:80", "fe80::1%eth0"), ("[fe80::1%eth0]:80", "fe80::1%eth0"), ("[FE80::1%25Eth0.7]", "fe80::1%Eth0.7"),
        ("[fe80::1%25]", "fe80::1%25"), ("[fe80::1%2525]", "fe80::1%25"), ("[fe80::1%2]", "fe80::1%2"),
    ])
    func `an address of IPv6 may have an interface`(text: String, host: String) throws {
        #expect(try HostPort(text).host == host)
        #expect(try ServerURI("ws://\(text)/").host == host)
        #expect(try ProxyAddress.read("socks5://\(text)").host == host)
        #expect(throws: ValueProblem.self) { try HostPort("[fe80::1%]:80") }
        #expect(throws: ValueProblem.self) { try HostPort("[fe80::1%25a%25b]:80") }
    }

    @Test func `listeners need a host and a port`() throws {
        #expect(
            try ListenAddress.list("a:1 , [::]:0") == [
                ListenAddress.tcp(host: "a", port: 1), ListenAddress.tcp(host: "::", port: 0),
            ])
        #expect(try ListenAddress.list("*:80") == [.tcp(host: "*", port: 80)])
        #expect(try ListenAddress.list("*:80").map(\.description) == ["*:80"])
        for text in ["1085", ":1085", ":"] {
            let problem = #expect(throws: ValueProblem.self) { try ListenAddress.list(text) }
            #expect(problem?.text == "the host is missing: write localhost:PORT for this host alone, *:PORT for all addresses")
        }
        for text in ["a", "a:", ":1", "::1:80", "a:1,", "a:x", "[::1]", "unix:run/x", "a:65536", "*", "*1", "**:1"] {
            #expect(throws: ValueProblem.self) { try ListenAddress.list(text) }
        }
        #expect(try HostPort.host("::1") == "::1")
        #expect(try HostPort.host("[::1]") == "::1")
        #expect(throws: ValueProblem.self) { try HostPort.host("[::1]:3") }
        #expect(throws: ValueProblem.self) { try HostPort.host("a:3") }
    }

    @Test func `a proxy is a host and a port, with http or without`() throws {
        let proxy = ProxyAddress(host: "p", port: 3128)
        for text in ["p:3128", "http://p:3128", "http://p:3128/", "P:3128"] {
            #expect(try ProxyAddress.read(text) == proxy)
        }
        #expect(try ProxyAddress.read("[::1]:1").description == "http://[::1]:1")
        for text in ["", "p", "p:0", "none", "auto", "https://p:1", "http://p:1/x", "http://"] {
            #expect(throws: ValueProblem.self) { try ProxyAddress.read(text) }
        }
    }

    @Test func `a key comes from a text, a file, the environment or a credential`() throws {
        #expect(try KeySource(keyFile: "/etc/wstan/key") == .file("/etc/wstan/key"))
        #expect(try KeySource(keyFile: "env:WSTAN_KEY") == .environment("WSTAN_KEY"))
        #expect(try KeySource(keyFile: "credential:wstan.key") == .credential("wstan.key"))
        for text in ["env:", "env:A=B", "credential:", "credential:../x", "credential:..", "a\u{0}b"] {
            #expect(throws: ValueProblem.self) { try KeySource(keyFile: text) }
        }
        #expect(throws: ValueProblem.self) { try KeySource(key: String(repeating: "k", count: 4096)) }
    }

    @Test func `a secret shows in no description and no dump`() throws {
        let settings = try configured("ws://h Tr0ub4dor")
        var dumped = ""
        dump(settings, to: &dumped)
        for text in [dumped, "\(settings)", String(reflecting: settings), "\(settings.key)", "\(Secret("Tr0ub4dor"))"] {
            #expect(!text.contains("Tr0ub"))
            #expect(text.contains("redacted"))
        }
    }

    @Test func `bounds of values hold at both ends`() throws {
        for (option, good, bad) in [
            ("early-data", ["0", "4K"], ["4097", "-1"]), ("threads", ["auto", "1", "256"], ["0", "257"]),
            ("handshake-timeout", ["100ms", "10min"], ["99ms", "601"]), ("pool-ping", ["1", "1h"], ["0", "61min"]),
            ("ping-interval", ["1", "1h"], ["0", "61min"]),
            ("memory-limit", ["AUTO", "1M"], ["1K", "17T"]), ("plain-answer", ["200", "400"], ["500", "/x.html"]),
            ("public-uri", ["ws://h", "wss://[::1]:1/x"], ["h", "ws://0.0.0.0:80/", "ws://[::]/", "ws://h:0/", "http://h/"]),
            ("log-level", ["debug", "Error"], ["loud"]), ("max-tunnels", ["0", "1000000"], ["1000001", "1K"]),
        ] {
            for value in good { _ = try configured("ws://h K --\(option)=\(value)") }
            for value in bad { #expect(ConfigFixture().failure(argumentWords("ws://h K --\(option)=\(value)")) != nil) }
        }
    }

    @Test func `the edit distance counts swaps as one`() {
        func distance(_ from: String, _ into: String) -> Int { Suggestion.distance(Array(from.utf8), Array(into.utf8)) }
        #expect(distance("", "") == 0)
        #expect(distance("", "abc") == 3)
        #expect(distance("abc", "") == 3)
        #expect(distance("lisetn", "listen") == 1)
        #expect(distance("kitten", "sitting") == 3)
        #expect(Suggestion.nearest(to: "zzzzzz", among: ["listen"]) == nil)
    }
}
