import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct AuthenticationTests {
    private static let now = 1_763_683_200.0
    private static let nonce = Nonce(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)
    private static let target = Address(host: .name("example.com"), port: 443)

    private static func key() throws -> Key { try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw==")) }
    private static func otherKey() throws -> Key { try #require(Key(text: "AAECAwQFBgcICQoLDA0ODw==")) }

    private static func options(_ change: (inout ServerOptions) throws -> Void = { _ in }) throws -> ServerOptions {
        var options = ServerOptions(keys: [try key()])
        try change(&options)
        return options
    }

    private static func authentication(_ options: ServerOptions, capacity: Int = 100) -> Authentication {
        Authentication(options: options, replayGuard: ReplayGuard(capacity: capacity))
    }

    private static func request(
        _ key: Key? = nil, time: Double = now, nonce: Nonce? = nonce, prefix: String = "/"
    ) throws -> RequestHead {
        RequestHead(try key ?? self.key(), nonce: nonce, prefix: prefix) {
            $0.seal(request: Request(time: time, target: target, data: [1, 2, 3]))
        }
    }

    /// nil when the request was let in.
    private static func refusal(
        _ head: RequestHead, _ authentication: Authentication, now: Double = now
    ) throws -> Refusal? {
        let head = try head.head()
        do throws(Refusal) {
            _ = try authentication.verify(head, now: now)
            return nil
        } catch {
            return error
        }
    }

    /// What was accepted in the first minute is forgotten after its lifetime and a margin of two minutes.
    @Test func `a longer lifetime lets in nothing that may have been forgotten`() throws {
        let replayGuard = ReplayGuard(capacity: 10, lifetime: 60, now: Moment(Self.now))
        let authentication = Authentication(options: try Self.options(), replayGuard: replayGuard)
        let first = try Self.request()
        #expect(try Self.refusal(first, authentication) == nil)
        let later = Self.now + 300
        let second = try Self.request(time: later, nonce: Nonce(high: 1, low: 2))
        #expect(try Self.refusal(second, authentication, now: later) == nil)
        replayGuard.apply(lifetime: 600, now: later)
        authentication.apply(try Self.options { $0.requestTTL = .seconds(600) })
        #expect(try Self.refusal(first, authentication, now: later) == .wire(.expired(seconds: -300)))
        #expect(try Self.refusal(second, authentication, now: later) == .wire(.replayed))
        // It lives as long as it is remembered.
        #expect(try Self.refusal(second, authentication, now: later + 200) == .wire(.expired(seconds: -200)))
        // One that can only have been made since then lives longer.
        let third = try Self.request(time: later + 601, nonce: Nonce(high: 1, low: 3))
        #expect(try Self.refusal(third, authentication, now: later + 1200) == nil)
        #expect(try Self.refusal(third, authentication, now: later + 1201) == .wire(.replayed))
    }

    // MARK: Python's requests

    @Test(arguments: [false, true])
    func `Python's requests are let in at their time, once`(compatible: Bool) throws {
        var count = 0
        for vector in Vectors.all.requests where !vector.udp && !(compatible && vector.tls) {
            let key = try #require(Vectors.keysByText[vector.key])
            let options = try Self.options {
                $0.keys = [key]
                $0.usesCipher = !vector.tls
                $0.compatible = compatible
            }
            let authentication = Self.authentication(options)
            var head = RequestHead(vector)
            if compatible {
                head.cookie = "\(CompatibleMode.cookieName(for: key))=\(head.key)"
                head.key = Nonce(high: 9, low: 9).base64
            }
            let verified = try authentication.verify(try head.head(), now: vector.timestamp)
            #expect(verified.opening == .request(try vector.request()))
            #expect(verified.accept == Base64.encode(Nonce.accept(forKey: head.key.utf8)))
            #expect(try Self.refusal(head, authentication, now: vector.timestamp) == .wire(.replayed))
            count += 1
        }
        #expect(count > 3)
    }

    @Test func `Python's requests for datagrams pass, once`() throws {
        for vector in Vectors.all.requests where vector.udp {
            let key = try #require(Vectors.keysByText[vector.key])
            let options = try Self.options {
                $0.keys = [key]
                $0.usesCipher = !vector.tls
            }
            let authentication = Self.authentication(options)
            let verified = try authentication.verify(try RequestHead(vector).head(), now: vector.timestamp)
            #expect(verified.opening == .association(try vector.associationRequest()))
            let again = try Self.refusal(RequestHead(vector), authentication, now: vector.timestamp)
            #expect(again == .wire(.replayed))
        }
    }

    @Test func `the cookie has the name that Python gives it`() throws {
        var count = 0
        for vector in Vectors.all.keys {
            guard let name = vector.cookieName else { continue }
            #expect(CompatibleMode.cookieName(for: try #require(Vectors.keysByText[vector.key])) == name)
            count += 1
        }
        #expect(count > 0)
    }

    // MARK: What is made of a request

    @Test(arguments: [(true, false), (false, false), (true, true)])
    func `both directions go on where the request and the answer have left them`(
        usesCipher: Bool, compatible: Bool
    ) throws {
        let key = try Self.key()
        let authenticator = Authenticator(key: key)
        let sealer = Sealer(
            authenticator: authenticator, stream: usesCipher ? KeyStream(key: key, nonce: Self.nonce) : nil)
        let message = sealer.seal(request: Request(time: Self.now, target: Self.target, data: []))
        var head = try Self.request()
        head.path = "/" + Base64.encode(message, .url)
        if compatible {
            head.cookie = "\(CompatibleMode.cookieName(for: key))=\(Self.nonce.base64)"
            head.key = Nonce(high: 5, low: 5).base64
        }
        let options = try Self.options {
            $0.usesCipher = usesCipher
            $0.compatible = compatible
        }
        let verified = try Self.authentication(options).verify(try head.head(), now: Self.now)

        var opener = verified.opener
        var heard = HeardMessages()
        try heard.hear(sealer.seal(reset: .userAgentBroken, padding: 40), piecesOf: .max, &opener)
        #expect(heard.all == [.reset(.userAgentBroken)])

        let accept = try #require(Base64.decode(Array(verified.accept.utf8)))
        let answering = try #require(compatible ? Self.nonce.ofServerInCompatibleMode : Nonce.ofServer(accept: accept))
        var answers = Opener(
            authenticator: authenticator, stream: usesCipher ? KeyStream(key: key, nonce: answering) : nil)
        var answered = HeardMessages()
        try answered.hear(verified.sealer.seal(reset: .targetBroken, padding: 40), piecesOf: .max, &answers)
        #expect(answered.all == [.reset(.targetBroken)])
    }

    @Test func `an empty request opens an idle tunnel`() throws {
        let head = RequestHead(try Self.key(), nonce: Self.nonce) { $0.seal(idleAt: Self.now) }
        let verified = try Self.authentication(try Self.options()).verify(try head.head(), now: Self.now)
        #expect(verified.opening == .idle(time: Self.now))
    }

    // MARK: Keys

    @Test func `one of several keys is enough, and its own`() throws {
        let options = try Self.options { $0.keys = [try Self.otherKey(), try Self.key()] }
        for (key, number) in [(try Self.key(), 1), (try Self.otherKey(), 2)] {
            for compatible in [false, true] {
                var options = options
                options.compatible = compatible
                var head = try Self.request(key, nonce: Nonce(high: UInt64(number), low: 0))
                if compatible { head.cookie = "\(CompatibleMode.cookieName(for: key))=\(head.key)" }
                #expect(try Self.refusal(head, Self.authentication(options)) == nil)
            }
        }
    }

    @Test func `another key is refused, in compatible mode for the cookie's name already`() throws {
        let key = try Self.otherKey()
        #expect(try Self.refusal(Self.request(key), Self.authentication(Self.options())) == .wire(.badAuthentication))
        let compatible = Self.authentication(try Self.options { $0.compatible = true })
        var head = try Self.request(key)
        head.cookie = "\(CompatibleMode.cookieName(for: key))=\(head.key)"
        #expect(try Self.refusal(head, compatible) == .notARequest)
        head.cookie = "\(CompatibleMode.cookieName(for: try Self.key()))=\(head.key)"
        #expect(try Self.refusal(head, compatible) == .wire(.badAuthentication))
        for cookie in ["", "_K", "_K=", "x=1", "_K=AAAA", "x=1, _K=\(head.key)", "x_K=\(head.key)", nil] {
            head.cookie = cookie
            #expect(try Self.refusal(head, compatible) == .notARequest)
        }
    }

    /// A front adds cookies of its own; one that speaks HTTP/2 to its clients may give each a field of its own.
    @Test(arguments: [
        "x=1; _K=NONCE", "_K=NONCE; x=1", "x=1;_K=NONCE;y", "a=b; _K=; _K=short; _K=NONCE; c",
        "x=1\r\nCookie: _K=NONCE",
        "_K=NONCE\r\nCookie: x=1; y=2",
    ])
    func `the cookie of compatible mode may have others beside it`(cookies: String) throws {
        let key = try Self.key()
        let authentication = Self.authentication(try Self.options { $0.compatible = true })
        var head = try Self.request()
        let text = cookies.replacing("NONCE", with: head.key)
        head.cookie = text.replacing("_K=", with: "\(CompatibleMode.cookieName(for: key))=")
        head.key = Nonce(high: 9, low: 9).base64
        #expect(try Self.refusal(head, authentication) == nil)
    }

    // MARK: Time

    @Test(arguments: [-61.0, 61, -1e6, 1e6, 1e300, -1e300])
    func `a time further away than allowed is refused, and says how far the client is ahead`(offset: Double) throws {
        for usesCipher in [true, false] {
            let time = Self.now + offset
            let head = try Self.request(time: time, nonce: usesCipher ? Self.nonce : nil)
            let authentication = Self.authentication(try Self.options { $0.usesCipher = usesCipher })
            #expect(try Self.refusal(head, authentication) == .wire(.expired(seconds: time - Self.now)))
        }
    }

    @Test func `a time within a minute is good, on both sides`() throws {
        for offset in [-60.0, -59.5, 0, 59.5, 60] {
            #expect(try Self.refusal(Self.request(time: Self.now + offset), Self.authentication(Self.options())) == nil)
        }
    }

    /// A NaN passes `abs(now - time) > 60` in Python.
    @Test(arguments: [Double.nan, .infinity, -.infinity, .signalingNaN])
    func `a time that is no number is refused although its tag is good`(time: Double) throws {
        for options in [try Self.options(), try Self.options { $0.usesCipher = false }] {
            let nonce = options.usesCipher ? Self.nonce : nil
            for head in [
                try Self.request(time: time, nonce: nonce),
                RequestHead(try Self.key(), nonce: nonce) { $0.seal(idleAt: time) },
            ] {
                #expect(try Self.refusal(head, Self.authentication(options)) == .wire(.sealedForOtherScheme))
            }
        }
    }

    @Test func `without a clock the time counts under TLS only when it is asked for`() throws {
        let head = try Self.request(time: 0, nonce: nil)
        let lenient = Self.authentication(
            try Self.options {
                $0.usesCipher = false
                $0.replayUnderTLS = false
            })
        for _ in 0..<2 { #expect(try Self.refusal(head, lenient) == nil) }
        // Under ws:// it always counts.
        let sealed = try Self.request(time: 0)
        let strict = Self.authentication(try Self.options { $0.replayUnderTLS = false })
        #expect(try Self.refusal(sealed, strict) == .wire(.expired(seconds: -Self.now)))
    }

    @Test func `a request that comes as a message expires like any other`() throws {
        let authentication = Self.authentication(try Self.options())
        for (time, isGood) in [(Self.now - 60, true), (Self.now + 61, false), (.nan, false), (.infinity, false)] {
            var wasGood = true
            do { try authentication.admit(RequestStamp(time: time), under: Self.key().id, now: Self.now) } catch {
                wasGood = false
            }
            #expect(wasGood == isGood)
        }
    }

    /// The tag does not cover a message's place in the key stream, and a stream can be begun at any block of it.
    @Test func `a request that came as a message cannot be sent once more in a URI`() throws {
        let authentication = Self.authentication(try Self.options())
        let stamp = RequestStamp(time: Self.now, identity: RequestIdentity(token: Self.nonce))
        try authentication.admit(stamp, under: Self.key().id, now: Self.now)
        #expect(try Self.refusal(try Self.request(), authentication) == .wire(.replayed))
        #expect(throws: Refusal.wire(.replayed)) {
            try authentication.admit(stamp, under: Self.key().id, now: Self.now)
        }
    }

    // MARK: Replays

    @Test(arguments: [true, false])
    func `a replay is refused, whatever else the head says`(usesCipher: Bool) throws {
        let authentication = Self.authentication(try Self.options { $0.usesCipher = usesCipher })
        var head = try Self.request(nonce: usesCipher ? Self.nonce : nil)
        #expect(try Self.refusal(head, authentication) == nil)
        #expect(try Self.refusal(head, authentication) == .wire(.replayed))
        head.extra = "X-Other: 1\r\n"
        #expect(try Self.refusal(head, authentication, now: Self.now + 60) == .wire(.replayed))
        // Under TLS the key has no part in the request, and does not make it a new one.
        if !usesCipher {
            head.key = Nonce(high: 77, low: 77).base64
            #expect(try Self.refusal(head, authentication) == .wire(.replayed))
        }
        #expect(try Self.refusal(head, authentication, now: Self.now + 61) == .wire(.expired(seconds: -61)))
    }

    /// One capture under fresh nonces passes the tag for ever, and would fill the memory.
    @Test func `what was refused is not remembered`() throws {
        let authentication = Self.authentication(try Self.options(), capacity: 1)
        let good = try Self.request()
        let other = try Self.request(try Self.otherKey())
        #expect(try Self.refusal(other, authentication) == .wire(.badAuthentication))
        #expect(try Self.refusal(Self.request(time: Self.now - 70), authentication) == .wire(.expired(seconds: -70)))
        for number in 1...50 {
            let captured = good.with { $0.key = Nonce(high: 0, low: UInt64(number)).base64 }
            #expect(try Self.refusal(captured, authentication) == .wire(.sealedForOtherScheme))
        }
        #expect(try Self.refusal(good, authentication) == nil)
        // Full: closed.
        let next = try Self.request(nonce: Nonce(high: 3, low: 4))
        #expect(try Self.refusal(next, authentication) == .overLimit(.requests))
        let future = Self.now + 71
        let later = try Self.request(time: future, nonce: Nonce(high: 3, low: 5))
        #expect(try Self.refusal(later, authentication, now: future) == nil)
    }

    // MARK: Schemes

    @Test func `a request that was sealed for the other scheme is told from a wrong key`() throws {
        let sealed = try Self.request()
        let plain = try Self.request(nonce: nil)
        let tls = Self.authentication(try Self.options { $0.usesCipher = false })
        #expect(try Self.refusal(sealed, tls) == .wire(.sealedForOtherScheme))
        #expect(try Self.refusal(plain, Self.authentication(Self.options())) == .wire(.sealedForOtherScheme))
    }

    // MARK: Paths

    /// nginx's `proxy_pass` with a slash and Apache's ProxyPass leave two.
    @Test(arguments: [
        "/", "/tunnel/", "/other/", "", "//", "/tunnel//", "///", "/a/b/c/", "/./", "/a/../", "/a;b=c/", "/?/",
        // RFC 9112 section 3.2.2: a server must take the absolute form.
        "http://server.test/", "http://server.test:80//", "HTTPS://u@server.test/tunnel/", "ws://[::1]:80/",
    ])
    func `whatever stands before the last segment of the path, that is the request`(prefix: String) throws {
        let authentication = Self.authentication(try Self.options())
        let refusal = try Self.refusal(Self.request(prefix: prefix), authentication)
        #expect((refusal == nil) == (prefix != "/?/"))
    }

    @Test(arguments: ["?", "?x=1", "?a/b/c", "/", "//", "/?x"])
    func `what a front appends to the path does not count`(suffix: String) throws {
        let good = try Self.request()
        let changed = good.with { $0.path += suffix }
        #expect(try Self.refusal(changed, Self.authentication(Self.options())) == nil)
    }

    @Test func `an encoded letter is the letter`() throws {
        let good = try Self.request()
        let letter = try #require(good.path.utf8.dropFirst().first)
        let changed = good.with {
            $0.path = "/%" + String(letter, radix: 16) + $0.path.dropFirst(2).replacing("=", with: "%3D")
        }
        #expect(try Self.refusal(changed, Self.authentication(Self.options())) == nil)
        for bad in ["%", "%2", "%zz", "%+4"] {
            let head = good.with { $0.path += bad }
            #expect(try Self.refusal(head, Self.authentication(Self.options())) == .notARequest)
        }
    }

    /// The last word of a path such as /api/chat is base64 too.
    @Test(arguments: ["/chat", "/api/chat", "/socket.io/", "/aaaabbbbccccddddeeeeffff", "/"])
    func `what is too short is not a request, and no wrong key`(path: String) throws {
        let head = try Self.request().with { $0.path = path }
        #expect(try Self.refusal(head, Self.authentication(Self.options())) == .notARequest)
    }

    @Test func `a request is base64 in its one canonical form`() throws {
        // Of a length that needs padding.
        let good = try Self.request()
        #expect(good.path.hasSuffix("="))
        let padding = good.path.reversed().prefix { $0 == "=" }.count
        let texts = [
            String(good.path.dropLast(padding)), good.path + "=", good.path + "====",
            good.path + "#", good.path + "/x", "?" + good.path, "/", "/====", "/!" + good.path.dropFirst(2),
        ]
        for text in texts {
            let refusal = try Self.refusal(good.with { $0.path = text }, Self.authentication(try Self.options()))
            #expect(refusal == .notARequest || refusal == .wire(.badAuthentication), "\(text)")
        }
        // The bits that padding leaves unused.
        let symbols = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = Array(good.path)
        let place = text.count - 1 - padding
        let value = try #require(symbols.firstIndex(of: text[place]))
        text[place] = symbols[value | 1]
        #expect(text != Array(good.path))
        let refusal = try Self.refusal(good.with { $0.path = String(text) }, Self.authentication(try Self.options()))
        #expect(refusal == .notARequest)
        // The standard alphabet is another one.
        let standard = good.path.dropFirst().replacing("-", with: "+").replacing("_", with: "/")
        if standard != good.path.dropFirst() {
            let changed = good.with { $0.path = "/" + standard }
            #expect(try Self.refusal(changed, Self.authentication(try Self.options())) != nil)
        }
    }

    @Test(arguments: [
        "", "AAAA", "____", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB==", "AAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `a key that is not the base64 of 16 bytes is refused`(key: String) throws {
        let head = try Self.request().with { $0.key = key }
        #expect(try Self.refusal(head, Self.authentication(Self.options())) == .wire(.malformed))
    }

    // MARK: HTTP

    @Test func `what is not a WebSocket request of HTTP 1.1 is not ours`() throws {
        let good = try Self.request()
        let others = [
            good.with { $0.method = "POST" }, good.with { $0.method = "get" }, good.with { $0.version = "HTTP/2.0" },
            good.with { $0.without = ["Sec-WebSocket-Key"] },
            good.with { $0.extra = "Sec-WebSocket-Key: \($0.key)\r\n" },
        ]
        for head in others {
            let authentication = Self.authentication(try Self.options())
            #expect(try Self.refusal(head, authentication) == .notARequest)
            // And it has left no trace.
            #expect(try Self.refusal(good, authentication) == nil)
        }
    }

    /// As nginx sends it without `proxy_http_version 1.1`, `Upgrade` and `Connection`.
    @Test func `of a request of ours from which a front has taken something, it is told what`() throws {
        let good = try Self.request()
        let others: [(RequestHead, [String])] = [
            (good.with { $0.version = "HTTP/1.0" }, ["HTTP/1.1"]),
            (good.with { $0.without = ["Upgrade"] }, ["Upgrade"]),
            (good.with { $0.without = ["Connection"] }, ["Connection"]),
            (
                good.with {
                    ($0.version, $0.without, $0.extra) = (
                        "HTTP/1.0", ["Upgrade", "Connection"], "Connection: close\r\n"
                    )
                },
                ["HTTP/1.1", "Upgrade", "Connection"]
            ),
            (good.with { $0.without = ["Sec-WebSocket-Version"] }, ["Sec-WebSocket-Version"]),
            (
                good.with { ($0.without, $0.extra) = (["Sec-WebSocket-Version"], "Sec-WebSocket-Version: 8\r\n") },
                ["Sec-WebSocket-Version"]
            ),
            (good.with { ($0.without, $0.extra) = (["Upgrade"], "Upgrade: h2c\r\n") }, ["Upgrade"]),
            (
                good.with { ($0.without, $0.extra) = (["Connection"], "Connection: keep-alive\r\n") },
                ["Connection"]
            ),
        ]
        for (head, lacking) in others {
            let authentication = Self.authentication(try Self.options())
            #expect(try Self.refusal(head, authentication) == .wire(.incompleteUpgrade(lacking: lacking)))
            // And it has left no trace.
            #expect(try Self.refusal(good, authentication) == nil)
            // Of others' nothing is known: any page of theirs may lack it.
            let stranger = try Self.request(Self.otherKey()).with {
                ($0.version, $0.without, $0.extra) = (head.version, head.without, head.extra)
            }
            #expect(try Self.refusal(stranger, authentication) == .notARequest)
        }
        // The key is right, whatever else is wrong with it.
        let sealed = good.with { $0.without = ["Upgrade"] }
        let tls = Self.authentication(try Self.options { $0.usesCipher = false })
        #expect(try Self.refusal(sealed, tls) == .wire(.incompleteUpgrade(lacking: ["Upgrade"])))
    }

    @Test(
        arguments: [
            (["Connection"], "Connection: keep-alive, Upgrade\r\n"),
            (["Connection"], "Connection: keep-alive\r\nConnection: upgrade\r\n"),
            (["Connection"], "CONNECTION:\tUPGRADE , x\r\n"), (["Upgrade"], "Upgrade: h2c, WebSocket\r\n"),
            (["Upgrade"], "upgrade: WEBSOCKET\r\nUpgrade: h2c\r\n"), (["Host"], ""),
            ([], "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n"),
        ] as [([String], String)])
    func `a request may be put in other words`(without: [String], extra: String) throws {
        let head = try Self.request().with { ($0.without, $0.extra) = (without, extra) }
        #expect(try Self.refusal(head, Self.authentication(Self.options())) == nil)
    }

    @Test(arguments: ["\r\n", "\r\n\r\n", "\n"])
    func `empty lines before a request are overlooked`(lines: String) throws {
        let head = try HTTPHead(Array(lines.utf8) + Self.request().bytes)
        _ = try Self.authentication(Self.options()).verify(head, now: Self.now)
    }

    // MARK: Mutations

    /// A few thousand each: what is let in has the request's meaning and the key's answer.
    @Test(arguments: [(true, false), (false, false), (true, true)])
    func `a mutated head never traps and never gets in as something else`(usesCipher: Bool, compatible: Bool) throws {
        let options = try Self.options {
            $0.usesCipher = usesCipher
            $0.compatible = compatible
        }
        var good = try Self.request(nonce: usesCipher ? Self.nonce : nil, prefix: "/t/")
        if compatible {
            good.cookie = "\(CompatibleMode.cookieName(for: try Self.key()))=\(good.key)"
            good.key = Nonce(high: 5, low: 5).base64
        }
        let bytes = good.bytes
        let opening = Opening.request(Request(time: Self.now, target: Self.target, data: [1, 2, 3]))
        var random = SeededRandomness(seed: usesCipher ? 31 : 32)
        var accepted = 0
        for round in 0..<17_000 {
            guard let head = try? HTTPHead(Mutation.of(bytes, &random)),
                let verified = try? Self.authentication(options, capacity: 1).verify(head, now: Self.now)
            else { continue }
            accepted += 1
            let key = head.value(of: "Sec-WebSocket-Key").map { Array($0) } ?? []
            if verified.opening != opening || verified.accept != Base64.encode(Nonce.accept(forKey: key)) {
                Issue.record("round \(round)")
            }
        }
        #expect(accepted > 100)
    }

    // MARK: Version 2

    /// A clock that is set makes its timer late.
    @Test func `a former key of the server ends on time, though it is dropped later`() throws {
        let former = ServerKey.random()
        let identity = ServerIdentity(
            keys: LiveServerKeys(current: .random(), former: former), formerExpiry: CalendarTime(seconds: Self.now),
            users: try UserRing())
        let users = ServerUsers(identity)
        for (now, key) in [(Self.now - 1, former), (Self.now, nil), (Self.now + 1, nil)] as [(Double, ServerKey?)] {
            #expect(users.handshake(lifetime: .seconds(60), now: now)?.keys.former == key)
        }
    }
}
