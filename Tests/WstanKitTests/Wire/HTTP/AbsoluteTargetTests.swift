import Testing

@testable import WstanCore

@Suite struct AbsoluteTargetTests {
    private static func read(_ text: String) throws(RequestFault) -> AbsoluteTarget {
        try AbsoluteTarget(Array(text.utf8)[...])
    }

    @Test(arguments: [
        ("http://example.com/a?b", "example.com", 80, "example.com", "/a?b"),
        ("HTTP://Example.com", "Example.com", 80, "Example.com", "/"),
        ("http://h:8080/", "h", 8080, "h:8080", "/"), ("http://h:/x", "h", 80, "h:", "/x"),
        ("http://h?q=/:@", "h", 80, "h", "/?q=/:@"), ("http://[::1]:81/x", "[::1]", 81, "[::1]:81", "/x"),
        ("http://[::1]", "[::1]", 80, "[::1]", "/"), ("http://10.0.0.1//a//b", "10.0.0.1", 80, "10.0.0.1", "//a//b"),
        ("http://h/http://other/", "h", 80, "h", "/http://other/"), ("http://h/x#y?z", "h", 80, "h", "/x"),
        ("http://h#x/y", "h", 80, "h", "/"), ("http://h?a#b", "h", 80, "h", "/?a"),
        ("http://u:p@h:81/x", "h", 81, "h:81", "/x"),
        ("http://a@b@c/@d", "c", 80, "c", "/@d"), ("http://%65xample.com/", "example.com", 80, "example.com", "/"),
        ("http://h:080/", "h", 80, "h:080", "/"), ("http://u@[::1]:81/", "[::1]", 81, "[::1]:81", "/"),
    ])
    func `an absolute URI has a host, a port and an origin form`(
        text: String, host: String, port: Int, authority: String, origin: String
    ) throws {
        let target = try Self.read(text)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.authority == authority)
        #expect(HTTPFixture.text(target.originForm(method: Array("GET".utf8)[...])) == origin)
    }

    @Test func `OPTIONS without a path is about the server`() throws {
        let options = Array("OPTIONS".utf8)[...]
        #expect(HTTPFixture.text(try Self.read("http://h").originForm(method: options)) == "*")
        #expect(HTTPFixture.text(try Self.read("http://h/").originForm(method: options)) == "/")
        #expect(HTTPFixture.text(try Self.read("http://h?x").originForm(method: options)) == "/?x")
    }

    @Test(
        arguments: [
            ("/", .meantForServer), ("/a?b", .meantForServer), ("*", .unusableTarget), ("h:80", .unusableTarget),
            ("http://", .noHost), ("http:///x", .noHost), ("http://:80/", .noHost), ("http://@/", .noHost),
            ("http://h:65536/", .port), ("http://h:8a/", .port), ("http://h:+80/", .port), ("http://h:80:80/", .port),
            ("http://h:0/", .port), ("http://h\\x/", .unusableTarget), ("http://a%00b/", .unusableTarget),
            ("http://a%2fb/", .unusableTarget), ("http://a%40b/", .unusableTarget), ("http://a%/", .unusableTarget),
            ("http://a.test\\@b/", .unusableTarget), ("http://h\u{e4}/", .foreignName),
            ("http://h%c3%a4/", .foreignName),
            ("http://[fe80::1%25eth0]/", .zone), ("http://[fe80::1%eth0]/", .zone), ("http:/h/", .unusableTarget),
            ("https://h/", .otherScheme("https")), ("HTTPS://h/", .otherScheme("https")),
            ("ftp://h/", .otherScheme("ftp")),
            ("ws://h/", .otherScheme("ws")), ("git+ssh://h/", .otherScheme("git+ssh")), ("<a>://h/", .unusableTarget),
            ("://h/", .unusableTarget), ("mailto:a@b", .unusableTarget),
        ] as [(String, RequestFault)])
    func `everything else is refused for what it is`(text: String, fault: RequestFault) {
        #expect(throws: fault) { try Self.read(text) }
    }

    @Test(arguments: [
        ("http://u:p@h/", "u:p"), ("http://u@h/", "u:"), ("http://:p@h/", ":p"), ("http://@h/", nil),
        ("http://:@h/", nil),
        ("http://h/u:p@x", nil), ("http://a%40b:c%3Ad@h/", "a@b:c:d"), ("http://u:100%@h/", "u:100%"),
        ("http://a@b@h/", "a@b:"),
        ("http://u:p:q@h/", "u:p:q"),
    ])
    func `a name and a password are decoded`(text: String, credentials: String?) throws {
        #expect(try Self.read(text).credentials.map { HTTPFixture.text($0) } == credentials)
    }

    @Test func `mutated targets never trap`() {
        var random = SeededRandomness(seed: 60)
        for text in ["http://example.com:8080/a?b", "http://[::1]:80/", "http://u:%41@h%41:8/#f"] {
            for _ in 0..<5000 {
                let bytes = Mutation.of(Array(text.utf8), &random)
                guard let target = try? AbsoluteTarget(bytes[...]) else { continue }
                if target.host.contains("@") || target.host.contains("/") { Issue.record("\(target)") }
            }
        }
    }
}
