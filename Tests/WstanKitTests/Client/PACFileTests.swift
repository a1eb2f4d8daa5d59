import Foundation
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite struct PACFileTests {
    private static let proxy = Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 1080)

    @Test func `without rules it sends everything to the proxy`() {
        let text = PACFile(DirectRules(), proxy: Self.proxy).text
        #expect(text.contains("\"PROXY 127.0.0.1:1080; SOCKS5 127.0.0.1:1080\""))
        #expect(text.contains("var direct = [];"))
        #expect(text.utf8.allSatisfy { $0 == 10 || (32...126).contains($0) })
        for function in ["dnsResolve", "isInNet", "isResolvable", "myIpAddress"] { #expect(!text.contains(function)) }
    }

    @Test func `what could end a literal is escaped`() {
        #expect(PACFile.quoted("a-b_c.d:1; [e]") == "\"a-b_c.d:1; [e]\"")
        #expect(
            PACFile.quoted("\"\\\n</\u{2028}\u{1f600}")
                == "\"\\u0022\\u005c\\u000a\\u003c\\u002f\\u2028\\ud83d\\ude00\"")
        let hostile = TargetPattern(host: .name("a\"});alert(1)//", includesItself: true))
        let text = PACFile(DirectRules(patterns: [hostile]), proxy: Self.proxy).text
        #expect(text.contains("name: \"a\\u0022\\u007d\\u0029;alert\\u00281\\u0029\\u002f\\u002f\","))
    }

    @Test(arguments: [
        ("/proxy.pac", true), ("/wpad.dat", true), ("/proxy.pac?x=1", true), ("/", false), ("/proxy.pacx", false),
        ("/x/proxy.pac", false), ("http://a/proxy.pac", false),
    ])
    func `two paths ask for it`(path: String, expected: Bool) {
        #expect(PACFile.isAskedFor(by: path.utf8) == expected)
    }

    @Test(arguments: [
        ("localhost:1080", "localhost:1080"), ("proxy.example", "proxy.example:80"), ("[::1]:1080", "[::1]:1080"),
        ("10.0.0.1:81", "10.0.0.1:81"), ("[::1]", "[::1]:80"), ("", "192.0.2.1:9"), ("a;DIRECT:80", "192.0.2.1:9"),
        ("a'b:80", "192.0.2.1:9"), ("a:0", "192.0.2.1:9"), ("a:99999", "192.0.2.1:9"), ("a b:80", "192.0.2.1:9"),
    ])
    func `the proxy is where the user agent has found it`(host: String, expected: String) throws {
        let local = SocketAddress.ipv4(IPv4Address(0xc000_0201), port: 9)
        let head = try HTTPHead(Array("GET /proxy.pac HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8))
        #expect("\(PACFile.proxy(askedBy: head, at: local))" == expected)
        let none = try HTTPHead(Array("GET /proxy.pac HTTP/1.0\r\n\r\n".utf8))
        #expect("\(PACFile.proxy(askedBy: none, at: local))" == "192.0.2.1:9")
        #expect("\(PACFile.proxy(askedBy: none, at: nil))" == "localhost:1080")
    }

    private static let listeners: [ListenAddress] = [
        .tcp(host: "localhost", port: 1080), .tcp(host: "Proxy.Example", port: 1080), .tcp(host: "::", port: 80),
        .unix("/run/x"),
    ]

    /// DNS rebinding: a page of evil.example has its name lead here, and its browser sends that name.
    @Test(arguments: [
        ("127.0.0.1:1080", true), ("10.0.0.1", true), ("[::1]:1080", true), ("[2001:db8::1]", true),
        ("localhost", true), ("LocalHost:1080", true), ("localhost.:1080", true), ("proxy.example:1080", true),
        ("PROXY.example.", true), ("box", true), ("box:1080", true), ("box.lan", true), ("BOX.local:1080", true),
        ("evil.example", false), ("evil.example:1080", false), ("localhost.evil.example", false),
        ("127.0.0.1.evil.example", false), ("box.evil.example", false), ("proxy.example.evil.example", false),
        ("evilproxy.example", false), ("a.localhost", false), ("evil.example@127.0.0.1", false), ("127.0.0.1 x", false),
        ("127.0.0.1:x", false), ("2130706433", false), ("0x7f000001", false), ("127.1", false), ("::1", true),
        ("", false), (".", false), ("localhost..", false), ("\u{ff4c}ocalhost", false), ("127.0.0.1,evil.example", false),
    ])
    func `only an address, and names of its own, are this proxy`(host: String, expected: Bool) throws {
        let names = OwnNames(listeners: Self.listeners, host: "box.lan")
        let head = try HTTPHead(Array("GET /proxy.pac HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8))
        #expect(names.areMeant(by: head) == expected)
    }

    @Test func `a request without a Host is no browser's, one with two is refused`() throws {
        let names = OwnNames()
        #expect(names.areMeant(by: try HTTPHead(Array("GET / HTTP/1.0\r\n\r\n".utf8))))
        let two = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
        #expect(!names.areMeant(by: try HTTPHead(Array(two.utf8))))
    }

    @Test func `where a password is wanted the rules that name hosts are left out`() throws {
        let all = ["private", "*:22", "db.corp.example", "10.1.0.0/16", "private:80"]
        let rules = DirectRules(patterns: try all.flatMap { try TargetPattern.list($0, takesPrivate: true) })
        #expect(rules.withoutHosts.patterns == [0, 1, 4].map { rules.patterns[$0] })
        let text = PACFile(rules.withoutHosts, proxy: Self.proxy).text
        #expect(!text.contains("corp") && !text.contains("network\", groups: [2561"))
    }

    @Test func `its answer has the type that browsers want, and none of it for HEAD`() throws {
        let script = PACFile(DirectRules(), proxy: Self.proxy)
        var gatherer = HeadGatherer(limit: 4096, as: .answer)
        let bytes = script.answer(toHEAD: false, closing: true)
        let head = try #require(try bytes.withBytes { (it) throws(HTTPHead.Failure) in try gatherer.append(it) })
        #expect(head.status == 200)
        #expect(head.value(of: "Content-Type").map(HTTPFixture.text) == "application/x-ns-proxy-autoconfig")
        #expect(head.value(of: "Cache-Control").map(HTTPFixture.text) == "no-cache")
        #expect(head.value(of: "Content-Length").map(HTTPFixture.text) == "\(gatherer.rest.count)")
        #expect(head.hasToken("close", in: "Connection"))
        #expect(Array(bytes.dropFirst(head.bytes.count)) == Array(script.text.utf8))
        #expect(script.answer(toHEAD: true, closing: true) == head.bytes)
    }

    // MARK: The same as the rules

    private static let rules = [
        "private", "private:80", "*", ":443", "192.0.2.0/24, 10.0.0.0/7:8000-8999", "example.com, *.example.org:443",
        "2001:db8::/33, [2001:db8:8000::1]:443", "0.0.0.0/0", "::/0", "198.51.100.7, ::ffff:203.0.113.0/120",
        "128.0.0.0/1, 255.255.255.254/31", "[fe80::/10]:1-79, localhost:80, a-b_c.example",
    ]

    private static let hosts =
        [
            "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer", "printer.", "printer.local", "x.LOCAL.",
            ".local",
            "nas.home.arpa", "home.arpa", "arpa", "db.internal", "internal", "printer.lan", "example.com",
            "EXAMPLE.com.",
            "www.example.com", "badexample.com", "example.com.evil.net", "example.org", "a.example.org", ".example.org",
            "a..example.org", "x.a-b_c.example", "134744072", "0x7f000001", "0X7F", "010", "8ball", "0xylem", "1.2.3",
            "127.1", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4.", "127.0.0.1.example.com", "constructor",
            "toString",
            "__proto__", "a.constructor",
        ] + ipv4 + ipv6

    private static let ipv4 =
        PrivateNetworksTests.ipv4.flatMap { first, last in
            [first, last].compactMap { IPv4Address(text: $0) }.flatMap { address in
                [address.value &- 1, address.value, address.value &+ 1].map { "\(IPv4Address($0))" }
            }
        } + [
            "192.0.2.0", "192.0.2.255", "192.0.3.0", "11.255.255.255", "12.0.0.0", "8.8.8.8", "198.51.100.7",
            "203.0.113.255",
        ]

    private static let ipv6 =
        [
            "::", "::1", "1::", "::2:3", "fc00::", "fbff:ffff::1", "fdff:ffff::1", "fe00::", "fe7f:ffff::1", "fe80::1",
            "fec0::1", "feff::1", "ff00::", "ff02::fb", "2001:db8::1", "2001:db8:7fff::1", "2001:db8:8000::1",
            "2001:db8:8000::2",
            "2001:DB8::A", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "64:ff9b:1:2::8.8.8.8",
            "64:ff9b:2::1", "64:ff9b::1:10.0.0.1", "2002:a00:1::1", "2002:808:808::1", "2001:0:1::f5ff:fffe",
            "2001:0:1::f7f7:f7f7", "2001::", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:203.0.113.9",
            "::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8", "::fffe:10.0.0.1", "::8.8.8.8", "::10.0.0.1", "1:2:3:4:5:6:7:8",
            "0:0:0:0:0:0:0:1", "0:0:0:0:0:ffff:a00:1", "1:2:3:4:5:6:1.2.3.4", "2606:4700::1111", "[::1]",
            "[2001:db8::1]", "100::1", "100:0:0:2::1", "2001:1::1", "2001:3::1", "2001:4:112::1", "2001:20::1", "2001:200::1",
            "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1",
        ] + PrivateNetworksTests.ipv4.flatMap { first, last in ["::ffff:\(first)", "64:ff9b::\(last)"] }

    /// The host as it stands in the URL, and the port that it means.
    private static let urls: [(before: String, after: String, port: UInt16)] = [
        ("http://", "/", 80), ("https://", "/", 443), ("http://", ":8080/a:1/?b:2#c:3", 8080), ("HTTPS://", "", 443),
        ("ws://", "/chat", 80), ("wss://", ":444/", 444), ("ftp://", "/", 21), ("http://u:1@", ":9000", 9000),
        ("http://", ":/", 80), ("gopher://", "/", 0), ("x-y+z.1://", ":78/", 78),
    ]

    /// One that Debian has (quickjs), or what else is there.
    private static let engine: [String]? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for (name, options) in [("qjs", ["--script"]), ("node", [])] {
            for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return ["\(folder)/\(name)"] + options
            }
        }
        return nil
    }()

    private func run(_ script: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-\(UUID().uuidString).js")
        try script.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let engine = try #require(Self.engine)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: engine[0])
        process.arguments = engine.dropFirst() + [file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: said, as: UTF8.self)
    }

    @Test(.enabled(if: engine != nil, "NOT RUN: no JavaScript engine, neither qjs (Debian: quickjs) nor node"))
    func `a real engine finds that it says what the rules say, of every host and port`() throws {
        var calls: [(host: String, url: String, expected: Bool)] = []
        var scripts: [String] = []
        for text in Self.rules {
            let rules = try DirectRulesTests.rules(text)
            var asked: [String] = []
            for name in Self.hosts {
                let host = try #require(Host(text: name), "\(name)")
                for url in Self.urls {
                    var inURL = name
                    if case .ipv6 = host, !name.hasPrefix("[") { inURL = "[\(name)]" }
                    let whole = url.before + inURL + url.after
                    let expected = rules.cover(Address(host: host, port: url.port))
                    calls.append(("\(text): \(name)", whole, expected))
                    asked.append("[\(PACFile.quoted(whole)), \(PACFile.quoted(name))]")
                }
            }
            scripts.append(
                """
                (function () {
                \(PACFile(rules, proxy: Self.proxy).text)
                [\(asked.joined(separator: ",\n"))].forEach(function (it) {
                  var said = FindProxyForURL(it[0], it[1]);
                  all += said == "DIRECT" ? "D" : said == "PROXY 127.0.0.1:1080; SOCKS5 127.0.0.1:1080" ? "P" : "?";
                });
                })();
                """)
        }
        let said = try run("var all = '';\n\(scripts.joined(separator: "\n"))\nconsole.log(all);")
        let answers = Array(said.utf8.filter { $0 != 10 })
        try #require(answers.count == calls.count)
        for (call, answer) in zip(calls, answers) where answer != UInt8(ascii: call.expected ? "D" : "P") {
            Issue.record("\(call.host), \(call.url): the rules say \(call.expected), the script \(answer)")
        }
        #expect(calls.contains { $0.expected } && calls.contains { !$0.expected })
    }
}
