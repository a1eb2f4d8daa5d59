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
        ("http://h/http://other/", "h", 80, "h", "/http://other/"),
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
            ("http://", .unusableTarget), ("http:///x", .unusableTarget), ("http://:80/", .unusableTarget),
            ("http://h:65536/", .unusableTarget), ("http://h:8a/", .unusableTarget), ("http://h:+80/", .unusableTarget),
            ("http://h:80:80/", .unusableTarget), ("http://h/#f", .unusableTarget), ("http://h\\x/", .unusableTarget),
            ("http://a%00b/", .unusableTarget), ("http://h\u{e4}/", .unusableTarget), ("http:/h/", .unusableTarget),
            ("http://u@h/", .userInformation), ("http://u:p@h:80/", .userInformation), ("http://@h/", .userInformation),
            ("https://h/", .otherScheme(isHTTPS: true)), ("HTTPS://h/", .otherScheme(isHTTPS: true)),
            ("ftp://h/", .otherScheme(isHTTPS: false)),
        ] as [(String, RequestFault)])
    func `everything else is refused for what it is`(text: String, fault: RequestFault) {
        #expect(throws: fault) { try Self.read(text) }
    }

    @Test func `mutated targets never trap`() {
        var random = SeededRandomness(seed: 60)
        for text in ["http://example.com:8080/a?b", "http://[::1]:80/"] {
            for _ in 0..<5000 {
                let bytes = Mutation.of(Array(text.utf8), &random)
                guard let target = try? AbsoluteTarget(bytes[...]) else { continue }
                if target.host.contains("@") || target.host.contains("/") { Issue.record("\(target)") }
            }
        }
    }
}
