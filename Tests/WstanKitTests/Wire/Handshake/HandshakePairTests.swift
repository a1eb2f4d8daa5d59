import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct HandshakePairTests {
    private static func key() throws -> Key { try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw==")) }
    private static func otherKey() throws -> Key { try #require(Key(text: "AAECAwQFBgcICQoLDA0ODw==")) }

    /// What one end seals, the other one opens, a message of each kind.
    private static func expectTalk(_ sealer: Sealer, _ opener: Opener) throws {
        var opener = opener
        var heard = HeardMessages()
        try heard.hear(sealer.seal(data: [7, 8, 9]), piecesOf: .max, &opener)
        try heard.hear(sealer.seal(reset: .targetBroken, padding: 40), piecesOf: .max, &opener)
        #expect(heard.all == [.data([7, 8, 9]), .reset(.targetBroken)])
    }

    @Test(arguments: HandshakePair.modes, HandshakePair.openings)
    func `both sides have one tunnel, whatever it was opened for`(mode: HandshakeModeV1, opening: Opening) throws {
        let pair = HandshakePair(key: try Self.key(), mode: mode)
        let client = pair.client(opening)
        let candidate = try #require(try pair.judge(HTTPHead(client.request)))
        #expect(candidate.opening == opening)
        #expect(candidate.keyID == pair.key.id)
        let (sealer, opener) = try client.open(HTTPHead(HandshakePair.answer(candidate.accept)))
        try Self.expectTalk(sealer, candidate.opener)
        try Self.expectTalk(candidate.sealer, opener)
    }

    @Test(arguments: HandshakePair.modes)
    func `a request has the server's fields, and a cookie in compatible mode only`(mode: HandshakeModeV1) throws {
        let head = try HTTPHead(HandshakePair(key: try Self.key(), mode: mode).client().request)
        func value(_ name: String) -> String? { head.value(of: name).map { String(decoding: $0, as: UTF8.self) } }
        #expect(value("Host") == "front.test")
        #expect(value("X-A") == "b")
        let nonces = HandshakePair.nonces
        #expect(value("Cookie") == (mode.isCompatible ? "_K=\(nonces[0].base64)" : nil))
        #expect(value("Sec-WebSocket-Key") == nonces[mode.isCompatible ? 1 : 0].base64)
    }

    @Test(arguments: HandshakePair.modes, ["x=y", "a=%20&b", "?", "a=/b/c==", ""])
    func `a query follows the request, and a server does not look at it`(mode: HandshakeModeV1, query: String) throws {
        let pair = HandshakePair(key: try Self.key(), mode: mode)
        let request = try HTTPHead(pair.client(query: query).request)
        let target = String(decoding: try #require(request.requestLine).target, as: UTF8.self)
        #expect(target.hasSuffix("?" + query))
        #expect(try pair.judge(request) != nil)
        // A front may take the query away, or add one.
        let bare = try HTTPHead(pair.client().request)
        #expect(String(decoding: try #require(bare.requestLine).target, as: UTF8.self) + "?" + query == target)
    }

    @Test func `an encoded letter of the path is the letter, and what is no encoding stays`() throws {
        for (path, segment) in [
            ("a/%41%2f%7e", "A/~"), ("%4", "%4"), ("%", "%"), ("%%41", "%A"), ("%zz", "%zz"), ("%+5", "%+5"), ("%-0", "%-0"),
            ("%5+", "%5+"),
        ] {
            let head = try HTTPHead(Array("GET /\(path) HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n".utf8))
            #expect(try #require(ServerHandshake.Request(head)).segment == Array(segment.utf8))
        }
    }

    /// Python's servers would eat the beginning of such a nonce.
    @Test func `a nonce in a cookie does not begin with the letter of its name`() throws {
        let pair = HandshakePair(key: try Self.key(), mode: HandshakeModeV1(isCompatible: true))
        let eaten = try #require(Nonce(base64: Array("KAAAAAAAAAAAAAAAAAAAAA==".utf8)))
        let head = try HTTPHead(pair.client(nonces: [eaten, eaten] + HandshakePair.nonces).request)
        #expect(head.value(of: "Cookie").map { Array($0) } == Array("_K=\(HandshakePair.nonces[0].base64)".utf8))
        // As a key it may.
        let plain = HandshakePair(key: pair.key).client(nonces: [eaten])
        #expect(
            try HTTPHead(plain.request).value(of: "Sec-WebSocket-Key").map { Array($0) } == Array(eaten.base64.utf8))
    }

    // MARK: Identity

    @Test(arguments: HandshakePair.modes)
    func `a request is known again by what a replay cannot change`(mode: HandshakeModeV1) throws {
        let pair = HandshakePair(key: try Self.key(), mode: mode)
        func identity(_ opening: Opening, _ nonces: [Nonce]) throws -> Nonce? {
            try pair.judge(HTTPHead(pair.client(opening, nonces: nonces).request))?.identity
        }
        let first = try identity(HandshakePair.openings[0], HandshakePair.nonces)
        let otherNonces = [Nonce(high: 3, low: 3), Nonce(high: 4, low: 4)]
        let underOther = try identity(HandshakePair.openings[0], otherNonces)
        if mode.usesCipher {
            #expect(first == HandshakePair.nonces[0])
            #expect(underOther == otherNonces[0])
        } else {
            // Under TLS whoever has seen the request may send it under any nonce.
            #expect(first == underOther)
            #expect(first != (try identity(HandshakePair.openings[2], HandshakePair.nonces)))
        }
    }

    // MARK: Several versions

    @Test func `one connection is judged by one version after the other`() throws {
        let plain = HandshakePair(key: try Self.key())
        let compatible = HandshakePair(key: try Self.otherKey(), mode: HandshakeModeV1(isCompatible: true))
        for versions in [[plain.server, compatible.server], [compatible.server, plain.server]] {
            for pair in [plain, compatible] {
                let candidate = try versions.judge(try HTTPHead(pair.client().request))
                #expect(candidate?.keyID == pair.key.id)
            }
        }
        #expect(try [ServerHandshake]().judge(try HTTPHead(plain.client().request)) == nil)
    }

    @Test func `the refusal is that of the version for which it got furthest`() throws {
        let key = try Self.key()
        let sealed = try HTTPHead(HandshakePair(key: key).client().request)
        let tls = HandshakePair(key: key, mode: HandshakeModeV1(usesCipher: false)).server
        let stranger = HandshakePair(key: try Self.otherKey()).server
        let compatible = HandshakePair(key: key, mode: HandshakeModeV1(isCompatible: true)).server
        for (versions, refusal) in [
            ([compatible], nil), ([compatible, stranger], WireError.badAuthentication),
            ([stranger, compatible], .badAuthentication), ([stranger, tls], .sealedForOtherScheme),
            ([tls, stranger, compatible], .sealedForOtherScheme),
        ] as [([ServerHandshake], WireError?)] {
            var thrown: WireError?
            do throws(WireError) { #expect(try versions.judge(sealed) == nil) } catch { thrown = error }
            #expect(thrown == refusal)
        }
        // A key of another size is not even a nonce.
        let shortened = try HTTPHead(
            Array(String(decoding: sealed.bytes, as: UTF8.self).replacing("Key: AQID", with: "Key: ").utf8))
        for (versions, refusal) in [([stranger], WireError.malformed), ([stranger, tls], .malformed)] {
            #expect(throws: refusal) { try versions.judge(shortened) }
        }
    }

    // MARK: Python's

    @Test(arguments: [false, true])
    func `requests are Python's, bit for bit, and Python's are taken`(isCompatible: Bool) throws {
        for vector in Vectors.all.requests {
            let key = try #require(Vectors.keysByText[vector.key])
            let mode = HandshakeModeV1(usesCipher: !vector.tls, isCompatible: isCompatible)
            let nonce = try vector.nonce.map { try #require(Nonce(prefixOf: Hexadecimal($0).bytes)) }
            let opening: Opening =
                vector.udp ? .association(try vector.associationRequest()) : .request(try vector.request())
            // One that Python would not have drawn for a cookie.
            guard !isCompatible || nonce?.base64.first != CompatibleMode.cookieName(for: key).last else { continue }
            let pair = HandshakePair(key: key, mode: mode)
            let head = try HTTPHead(
                pair.client(opening, nonces: (nonce.map { [$0] } ?? []) + HandshakePair.nonces).request)
            #expect(head.requestLine.map { Array($0.target) } == Array("/t/\(vector.path)".utf8))
            #expect(try pair.judge(head)?.opening == opening)
        }
    }

    @Test func `a recorded session goes on behind its handshake`() throws {
        for session in Vectors.all.sessions {
            let pair = HandshakePair(key: try #require(Vectors.keysByText[session.key]))
            let nonce = try #require(Nonce(prefixOf: Hexadecimal(session.clientNonce).bytes))
            let first = try #require(session.toServer.first)
            let client = pair.client(.request(try first.request()), nonces: [nonce])
            let head = try HTTPHead(client.request)
            let path = Base64.encode(Hexadecimal(first.message).bytes, .url)
            #expect(head.requestLine.map { Array($0.target) } == Array("/t/\(path)".utf8))
            let candidate = try #require(try pair.judge(head))
            let (_, opener) = try client.open(HTTPHead(HandshakePair.answer(candidate.accept)))
            for (messages, opener) in [
                (session.toServer.dropFirst(), candidate.opener), (session.toClient[...], opener),
            ] {
                var opener = opener
                var heard = HeardMessages()
                for message in messages {
                    try heard.hear(Hexadecimal(message.message).bytes, piecesOf: .max, &opener, expecting: .datagrams)
                }
                #expect(heard.all.isEmpty == messages.isEmpty)
            }
        }
    }
}
