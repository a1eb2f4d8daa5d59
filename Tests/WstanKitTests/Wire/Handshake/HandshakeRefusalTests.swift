import Testing

@testable import WstanBase
@testable import WstanCore

/// Heads that were cut, changed or made by others.
@Suite struct HandshakeRefusalTests {
    private static func pair(_ mode: HandshakeModeV1) throws -> HandshakePair {
        HandshakePair(key: try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw==")), mode: mode)
    }

    /// nil for what is no head, is not a request, or is refused.
    private static func candidate(_ bytes: [UInt8], _ pair: HandshakePair) -> ServerHandshake.Candidate? {
        guard let head = try? HTTPHead(bytes) else { return nil }
        return (try? pair.judge(head)) ?? nil
    }

    private static func flips(of bytes: [UInt8], in range: Range<Int>? = nil) -> some Sequence<[UInt8]> {
        (range ?? bytes.indices).lazy.flatMap { place in
            (0..<8).lazy.map { bit in
                var changed = bytes
                changed[place] ^= 1 << bit
                return changed
            }
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).map(
            String.init)
    }

    // MARK: Requests

    @Test(arguments: HandshakePair.modes)
    func `a request with any bit of its message flipped, or any of it cut off, is refused`(mode: HandshakeModeV1) throws
    {
        let pair = try Self.pair(mode)
        let bytes = pair.client().request
        let start = "GET /t/".utf8.count
        let end = try #require(bytes.dropFirst(start).firstIndex(of: UInt8(ascii: " ")))
        for changed in Self.flips(of: bytes, in: start..<end) { #expect(Self.candidate(changed, pair) == nil) }
        for place in start..<end {
            #expect(Self.candidate(Array(bytes[..<place] + bytes[end...]), pair) == nil)
            if place > start { #expect(Self.candidate(Array(bytes[..<start] + bytes[place...]), pair) == nil) }
        }
    }

    /// Under TLS the nonce has no part in the request.
    @Test(arguments: HandshakePair.modes.filter(\.usesCipher))
    func `a request under another nonce is refused`(mode: HandshakeModeV1) throws {
        let pair = try Self.pair(mode)
        let bytes = pair.client().request
        let nonce = Array(HandshakePair.nonces[0].base64.utf8)
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: nonce) })
        for changed in Self.flips(of: bytes, in: start..<(start + nonce.count)) {
            #expect(Self.candidate(changed, pair) == nil)
        }
    }

    @Test(arguments: HandshakePair.modes)
    func `a head with any other bit flipped is refused, or means the same`(mode: HandshakeModeV1) throws {
        let pair = try Self.pair(mode)
        let bytes = pair.client().request
        let good = try #require(Self.candidate(bytes, pair))
        var count = 0
        for changed in Self.flips(of: bytes) {
            guard let candidate = Self.candidate(changed, pair) else { continue }
            count += 1
            #expect(candidate.opening == good.opening)
            #expect(candidate.identity == good.identity)
            let key = try HTTPHead(changed).value(of: "Sec-WebSocket-Key") ?? []
            #expect(candidate.accept == Base64.encode(Nonce.accept(forKey: key)))
        }
        #expect(count > 0)
    }

    @Test(arguments: HandshakePair.modes)
    func `a head without one of its lines is refused where the line matters`(mode: HandshakeModeV1) throws {
        let pair = try Self.pair(mode)
        let lines = Self.lines(pair.client().request)
        let needless = ["Host", "Pragma", "Cache-Control", "X-A"]
        for number in lines.indices.dropLast(2) {
            var changed = lines
            let line = changed.remove(at: number)
            let candidate = Self.candidate(Array(changed.joined(separator: "\r\n").utf8), pair)
            #expect((candidate != nil) == needless.contains { line.hasPrefix($0 + ":") }, "\(line)")
        }
    }

    @Test(arguments: HandshakePair.modes)
    func `no beginning of a head is one`(mode: HandshakeModeV1) throws {
        for (bytes, kind) in [
            (try Self.pair(mode).client().request, HTTPHead.Kind.request), (HandshakePair.answer("x"), .answer),
        ] {
            for count in 0..<bytes.count {
                var gatherer = HeadGatherer(limit: 1 << 16, as: kind)
                #expect(
                    try Array(bytes[..<count]).withBytes { (some) throws(HTTPHead.Failure) in
                        try gatherer.append(some)
                    } == nil)
            }
        }
    }

    // MARK: Answers

    private static func failure(_ client: ClientHandshake, _ bytes: [UInt8]) throws -> ClientHandshake.Failure? {
        let head = try HTTPHead(bytes, as: .answer)
        do throws(ClientHandshake.Failure) {
            _ = try client.open(head)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: HandshakePair.modes)
    func `an answer is a 101 for the key that was sent, or says what it is`(mode: HandshakeModeV1) throws {
        let pair = try Self.pair(mode)
        let client = pair.client()
        let accept = try #require(Self.candidate(client.request, pair)).accept
        let good = HandshakePair.answer(accept)
        #expect(try Self.failure(client, good) == nil)
        let lines = Self.lines(good)
        for (name, failure) in [
            ("Upgrade", ClientHandshake.Failure.notUpgraded), ("Connection", .notUpgraded),
            ("Sec-WebSocket-Accept", .otherKey), ("Server", nil), ("Date", nil),
        ] {
            let changed = lines.filter { !$0.hasPrefix(name + ":") }
            #expect(try Self.failure(client, Array(changed.joined(separator: "\r\n").utf8)) == failure, "\(name)")
        }
        #expect(try Self.failure(client, HandshakePair.answer("")) == .otherKey)
        #expect(try Self.failure(client, HandshakePair.answer(accept.lowercased())) == .otherKey)
        let date = HTTPDate.format(0)
        for (text, failure) in [
            ("HTTP/1.1 404 Not Found\r\nDate: \(date)\r\n\r\n", .status(404)),
            ("HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n", .status(200)),
            ("HTTP/1.1 403\r\n\r\n", .status(403)), ("SSH-2.0-OpenSSH_9.2\r\n\r\n", .notHTTP),
            ("HTTP/1.1 101 X\r\n\r\n", .notUpgraded), ("GET / HTTP/1.1\r\n\r\n", .notHTTP),
        ] as [(String, ClientHandshake.Failure)] {
            #expect(try Self.failure(client, Array(text.utf8)) == failure, "\(text)")
        }
    }

    /// RFC 6455 section 4.1, what a client fails on, and RFC 9110 and 9112 on how it may be written.
    @Test(
        arguments: [
            ("HTTP/1.1 101|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK", nil),
            ("HTTP/1.1 101 |Upgrade: WebSocket|Connection: keep-alive, UPGRADE|Sec-WebSocket-Accept:OK", nil),
            (
                "HTTP/1.1 101 X|UPGRADE:\twebsocket \t|Connection: a|Connection: upgrade|Sec-WebSocket-Accept:  OK  ",
                nil
            ),
            ("HTTP/1.1 101 X|Upgrade: websocket|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK", nil),
            (
                "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK|Sec-WebSocket-Extensions:",
                nil
            ),
            (
                "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK|X: y|Set-Cookie: a=b|Date: x",
                nil
            ),
            ("HTTP/1.1 101 X|Upgrade : websocket|Connection: Upgrade|Sec-WebSocket-Accept:| OK", nil),
            ("HTTP/1.1 101 X|Upgrade: h2c|Connection: Upgrade|Sec-WebSocket-Accept: OK", .notUpgraded),
            ("HTTP/1.1 101 X|Upgrade: websocket, h2c|Connection: Upgrade|Sec-WebSocket-Accept: OK", .notUpgraded),
            ("HTTP/1.1 101 X|Upgrade: websockets|Connection: Upgrade|Sec-WebSocket-Accept: OK", .notUpgraded),
            ("HTTP/1.1 101 X|Upgrade:|Connection: Upgrade|Sec-WebSocket-Accept: OK", .notUpgraded),
            ("HTTP/1.1 101 X|Upgrade: websocket|Connection: close|Sec-WebSocket-Accept: OK", .notUpgraded),
            ("HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade", .otherKey),
            ("HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OKx", .otherKey),
            (
                "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK|Sec-WebSocket-Accept: OK",
                .otherKey
            ),
            (
                "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK|Sec-WebSocket-Extensions: permessage-deflate",
                .unaskedExtension
            ),
            (
                "HTTP/1.1 101 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK|Sec-WebSocket-Protocol: chat",
                .unaskedSubprotocol
            ),
            ("HTTP/1.1 200 X|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: OK", .status(200)),
            ("HTTP/1.1 426 X|Upgrade: websocket|Connection: Upgrade", .status(426)),
        ] as [(String, ClientHandshake.Failure?)])
    func `a 101 is taken in every form that the RFC allows, and in no other`(
        lines: String, failure: ClientHandshake.Failure?
    ) throws {
        let pair = try Self.pair(HandshakeModeV1())
        let client = pair.client()
        let accept = try #require(Self.candidate(client.request, pair)).accept
        let text = lines.replacing("OK", with: accept).replacing("|", with: "\r\n") + "\r\n\r\n"
        #expect(try Self.failure(client, Array(text.utf8)) == failure)
    }

    @Test func `an answer with any bit flipped is refused, or accepts the key all the same`() throws {
        let pair = try Self.pair(HandshakeModeV1())
        let client = pair.client()
        let accept = try #require(Self.candidate(client.request, pair)).accept
        var count = 0
        for changed in Self.flips(of: HandshakePair.answer(accept)) {
            guard let head = try? HTTPHead(changed, as: .answer), (try? client.open(head)) != nil else { continue }
            count += 1
            #expect(head.status == 101 && WebSocketHandshake.isAccepted(head, expecting: accept))
        }
        #expect(count > 0)
    }
}
