import Testing

@testable import WstanBase
@testable import WstanCore

/// Where M1 is looked for, and in which order.
@Suite struct RequestCarrierTests {
    private static let keys = LiveServerKeys(current: HandshakeFixture.serverKey)
    private static let name = keys.current.publicKey.cookieName
    private static let (a, b, c) = (text("a"), text("b"), text("c"))

    private static func text(_ letter: Character, _ count: Int = 200) -> String { String(repeating: letter, count: count) }

    private struct Found: Equatable {
        let carrier: RequestCarrier
        let text: String
    }

    private static func candidate(
        _ target: String = "/", _ fields: [String] = [], keys: LiveServerKeys = keys
    ) throws -> Found? {
        let text = (["GET \(target) HTTP/1.1"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        return RequestCandidate(in: try HTTPHead(Array(text.utf8)), for: keys).map {
            Found(carrier: $0.carrier, text: String(decoding: $0.text, as: UTF8.self))
        }
    }

    private static func expect(
        _ carrier: RequestCarrier, _ expected: String, _ target: String = "/", _ fields: [String] = [],
        keys: LiveServerKeys = keys, location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try candidate(target, fields, keys: keys)
        #expect(found == Found(carrier: carrier, text: expected), sourceLocation: location)
    }

    @Test func `a cookie comes before the path, and the path before the subprotocol`() throws {
        let (path, cookie, proto) = ("/x/\(Self.b)", "Cookie: \(Self.name)=\(Self.a)", "Sec-WebSocket-Protocol: \(Self.c)")
        try Self.expect(.cookie, Self.a, path, [proto, cookie])
        try Self.expect(.path, Self.b, path, [proto])
        try Self.expect(.subprotocol, Self.c, "/", [proto])
        #expect(try Self.candidate() == nil)
        // What is too short or too long is no candidate, and the next place counts.
        try Self.expect(.path, Self.b, path, [proto, "Cookie: \(Self.name)=\(Self.text("a", 134))"])
        try Self.expect(.subprotocol, Self.c, "/\(Self.text("b", 134))", [proto, "Cookie: \(Self.name)=\(Self.text("a", 7601))"])
        #expect(try Self.candidate("/", ["Sec-WebSocket-Protocol: \(Self.text("c", 134))"]) == nil)
        for count in [135, 7600] {
            try Self.expect(.cookie, Self.text("a", count), path, ["Cookie: \(Self.name)=\(Self.text("a", count))"])
        }
    }

    @Test func `all Cookie fields count, and the first cookie of a name`() throws {
        let (name, a, b) = (Self.name, Self.a, Self.b)
        try Self.expect(.cookie, a, "/", ["Cookie: x=\(b);  \(name)=\(a) ;\(name)=\(b)"])
        try Self.expect(.cookie, a, "/", ["Cookie: x=1", "Cookie: y", "Cookie: ;; \(name)=\(a)", "Cookie: \(name)=\(b)"])
        // Names are of one case, and a name is not the end of another.
        #expect(try Self.candidate("/", ["Cookie: \(name.uppercased())=\(a); my\(name)=\(a); \(name)x=\(a)"]) == nil)
        // The first one counts, be it of no use.
        #expect(try Self.candidate("/", ["Cookie: \(name)=; \(name)=\(a)"]) == nil)
        // Quotes are no base64url: it is a candidate, which is refused.
        try Self.expect(.cookie, "\"\(a)\"", "/", ["Cookie: \(name)=\"\(a)\""])
        try Self.expect(.cookie, "a=b\(a)", "/", ["Cookie: \(name)=a=b\(a)"])
    }

    @Test func `two cookies are put together, in whatever order, and one of the plain name comes before them`() throws {
        let (name, a, b, c) = (Self.name, Self.a, Self.b, Self.c)
        try Self.expect(.cookie, a + b, "/", ["Cookie: \(name).0=\(a); \(name).1=\(b)"])
        try Self.expect(.cookie, a + b, "/", ["Cookie: \(name).1=\(b)", "Cookie: \(name).0=\(a)"])
        try Self.expect(.cookie, a, "/", ["Cookie: \(name).0=\(a)"])
        try Self.expect(.cookie, c, "/", ["Cookie: \(name).0=\(a); \(name).1=\(b); \(name)=\(c)"])
        #expect(try Self.candidate("/", ["Cookie: \(name).1=\(b)"]) == nil)
        #expect(try Self.candidate("/", ["Cookie: \(name).0=\(a); \(name)=1"]) == nil)
    }

    @Test func `the former key's cookie counts only where the current one's is not there`() throws {
        var random = SeededRandomness(seed: 4)
        var former: ServerKey
        repeat { former = ServerKey(privateKey: SecretBytes(random.bytes(32))) } while former.publicKey.cookieName == Self.name
        let keys = LiveServerKeys(current: Self.keys.current, former: former)
        let (name, old, a, b) = (Self.name, former.publicKey.cookieName, Self.a, Self.b)
        try Self.expect(.cookie, a, "/", ["Cookie: \(old)=\(a)"], keys: keys)
        try Self.expect(.cookie, b, "/", ["Cookie: \(old)=\(a); \(name)=\(b)"], keys: keys)
        try Self.expect(.cookie, b, "/", ["Cookie: \(old)=\(a); \(name).0=\(b)"], keys: keys)
        #expect(try Self.candidate("/", ["Cookie: \(old)=\(a); \(name)=1"], keys: keys) == nil)
    }

    @Test func `in the path it follows the last slash, whatever stands before it and behind the question mark`() throws {
        let b = Self.b
        for target in ["/\(b)", "//\(b)", "/x/y/\(b)", "/\(b)?a=/b", "http://h/\(b)", "http://h:80/x/\(b)?q", "/\(Self.a)/\(b)"] {
            try Self.expect(.path, b, target)
        }
        for target in ["/\(b)/", "/?\(b)", b, "*", "/x?/\(b)", "/\(Self.text("b", 7601))"] {
            #expect(try Self.candidate(target) == nil)
        }
    }

    @Test func `the text is cut where a cookie would be longer than browsers allow`() throws {
        for count in [135, 3799, 3800, 3801, 6144] {
            let text = Self.text("q", count)
            let field = RequestCookie.field(text, name: Self.name)
            #expect(field.contains(".0=") == (count > 3800))
            for cookie in field.split(separator: "; ") {
                #expect(try #require(cookie.split(separator: "=").last).utf8.count <= 3800)
            }
            try Self.expect(.cookie, text, "/", ["Cookie: \(field)"])
        }
    }

    @Test func `a request of any length is found where it was put, and opens a tunnel`() throws {
        let site = ClientHandshake.Server(pathPrefix: "/t/", query: "q=/1", host: "front.test", fields: ["X-A: b"])
        for message in [HandshakeFixture.nop, HandshakeFixture.connect(), HandshakeFixture.connect([UInt8](repeating: 7, count: 4096))] {
            let client = try HandshakeFixture.client(message: message)
            for carrier in RequestCarrier.allCases {
                let bytes = carrier.head(
                    of: client.request, asking: site, of: Self.keys.current.publicKey, key: Nonce(high: 1, low: 2))
                let head = try HTTPHead(bytes)
                #expect(WebSocketHandshake.lacking(in: head).isEmpty)
                #expect(head.value(of: "X-A").map { Array($0) } == Array("b".utf8))
                let candidate = try #require(RequestCandidate(in: head, for: Self.keys))
                #expect(candidate.carrier == carrier && candidate.decoded == client.request.bytes)
                let circumstances = ServerHandshakeV2.Circumstances(now: HandshakeFixture.now)
                let judged = try HandshakeFixture.server().judge(candidate, in: circumstances) { _ in false }
                #expect((judged.payload.request == nil) == (message == HandshakeFixture.nop))
            }
        }
    }
}
