@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// Text in place of a key: what is read is written as it was.
    static let keyString = FuzzTarget(
        "key-string",
        seeds: [
            "wstan2:AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fJzFQ6A", "wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg",
            "wstan3:AA", "wstan2:A=",
        ].map { Array($0.utf8) }
    ) { input in
        var bytes = input.rest()
        // With a right check, or the fuzzer would never get behind it.
        if bytes.first.map({ $0 < 8 }) == true {
            bytes = Array("wstan2:".utf8)
                + Array(Base64.encodeUnpadded(bytes + SHA256.digest(Array("wstan2 key".utf8) + bytes).prefix(4)).utf8)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(KeyString.Problem) {
            let key = try KeyString(text: text)
            require(key.text == text, "one text for each key")
            require((key.userKey == nil) == (key.kind == .server), "only a server's has no user")
            require((key.serverKey == nil) == (key.kind == .client), "only a client's has no private key of the server")
        } catch {
            require(!error.description.isEmpty, "it is said what is wrong")
        }
    }

    /// The head of any request: there is at most one candidate, which stands in it.
    static let requestCandidate = FuzzTarget(
        "request-candidate",
        seeds: [
            "GET /x/\(String(repeating: "A", count: 140)) HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nCookie: \(FuzzHandshake.keys.current.publicKey.cookieName)=\(String(repeating: "A", count: 136))\r\n\r\n",
            "GET / HTTP/1.1\r\nCookie: a=b; \(FuzzHandshake.keys.current.publicKey.cookieName).1=\(String(repeating: "A", count: 99)); "
                + "\(FuzzHandshake.keys.current.publicKey.cookieName).0=\(String(repeating: "B", count: 99))\r\n\r\n",
            "GET /?a HTTP/1.1\r\nSec-WebSocket-Protocol: \(String(repeating: "A", count: 140))\r\n\r\n",
        ].map { Array($0.utf8) }, maxLength: 4096
    ) { input in
        let bytes = input.rest()
        guard let head = try? HTTPHead(bytes), let candidate = RequestCandidate(in: head, for: FuzzHandshake.keys) else { return }
        require((135...7600).contains(candidate.text.count), "of a length that M1 may have")
        if let decoded = candidate.decoded {
            require(Array(Base64.encodeUnpadded(decoded).utf8) == candidate.text, "one text for each M1")
        }
    }

    /// M1 of anybody, or P1 sealed by a user: only what a user has made is accepted, and then both ends agree.
    static let handshakeRequestV2 = FuzzTarget(
        "handshake-request-v2",
        seeds: [
            [0] + FuzzHandshake.payload([0, 0]), [0] + FuzzHandshake.payload([0x10, 0, 0, 3, 1, 97, 0, 80, 71]),
            [0] + FuzzHandshake.payload([0x90, 0, 2, 0, 4, 0x80, 0x55, 0, 0, 1, 127, 0, 0, 1, 0, 80, 65, 0, 0]),
            [0, 0, 2, 0, 14, 0, 1, 0, 2, 1, 2, 0x80, 0x77, 0, 0, 0, 6, 0, 0, 0, 9, 9], [1] + [UInt8](repeating: 0x5a, count: 101),
        ], maxLength: 4096
    ) { input in
        let isSealed = input.byte() & 1 == 0
        let bytes = input.rest()
        let client = isSealed ? FuzzHandshake.client(bytes) : nil
        let request = client?.request.bytes ?? bytes
        let candidate = RequestCandidate(.cookie, Array(Base64.encodeUnpadded(request).utf8))
        let circumstances = ServerHandshakeV2.Circumstances(now: FuzzHandshake.now)
        do throws(HandshakeRefusal) {
            let judged = try FuzzHandshake.server.judge(candidate, in: circumstances) { _ in false }
            require(isSealed, "only what a user has sealed")
            let (reply, secrets) = judged.reply(
                at: FuzzHandshake.now, padding: 3, ephemeralKey: SecretBytes([UInt8](repeating: 3, count: 32)))
            do throws(ReplyRefusal) {
                let answer = try client?.open(reply.bytes)
                require(answer?.secrets.clientToServer == secrets.clientToServer, "both ends have one key")
            } catch {
                // The client of the fuzzer offers what the bytes do not say.
                require(error == .cipherNotOffered(judged.cipher.byte), "the answer holds, and is not \(error)")
            }
            require(judged.payload.request?.type != .incoming, "only a server sends it")
        } catch {
            require(isSealed || ["length", "not-ours"].contains(error.code), "a stranger gets no further")
        }
        do throws(HandshakeRefusal) {
            _ = try FuzzHandshake.server.judge(candidate, in: circumstances) { _ in true }
            require(false, "what is remembered is refused")
        } catch {}
    }

    /// M2 of anybody, or P2 sealed by the server.
    static let handshakeReplyV2 = FuzzTarget(
        "handshake-reply-v2",
        seeds: [
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 0, 0, 2, 0, 6, 0, 8, 0, 2, 1, 9, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 4, 0x80, 0x77, 0, 0], [1] + [UInt8](repeating: 0, count: 62),
        ], maxLength: 4096
    ) { input in
        let isSealed = input.byte() & 1 == 0
        let bytes = input.rest()
        guard let client = FuzzHandshake.client(FuzzHandshake.payload([0])) else { return require(false, "a payload that fits") }
        var message = bytes
        if isSealed {
            guard bytes.count <= HandshakeBounds.mostReply - 48, bytes.count >= ReplyPayload.leastSize else { return }
            let candidate = RequestCandidate(.cookie, Array(Base64.encodeUnpadded(client.request.bytes).utf8))
            let circumstances = ServerHandshakeV2.Circumstances(now: FuzzHandshake.now)
            guard let judged = try? FuzzHandshake.server.judge(candidate, in: circumstances, isRemembered: { _ in false }) else {
                return require(false, "a good request")
            }
            message = judged.reply(bytes, ephemeralKey: SecretBytes([UInt8](repeating: 3, count: 32))).reply.bytes
        }
        guard let answer = try? client.open(message) else { return }
        require(isSealed, "only what the server has sealed")
        require([1, 2].contains(answer.payload.cipher), "only a cipher that was offered")
        // Values are read, whatever they are.
        _ = (answer.payload.options.timers, answer.payload.options.pool, answer.payload.options.notice, answer.payload.options.shape)
    }
}

private enum FuzzHandshake {
    static let serverKey = ServerKey(privateKey: SecretBytes([UInt8](repeating: 1, count: 32)))
    static let keys = LiveServerKeys(current: serverKey)
    static let user = UserKey(secret: SecretBytes([UInt8](repeating: 2, count: 32)))
    static let now = WireTime(milliseconds: 1_795_000_000_000)
    static let server: ServerHandshakeV2 = {
        guard let ring = try? UserRing([RingUser(name: .configured, key: user)]) else { fatalError("one key is no two") }
        return ServerHandshakeV2(
            keys: keys, realm: .none, users: ring, ciphers: CipherChoice(ciphers: [.aes128GCM, .chaCha20Poly1305]))
    }()

    /// P1 that offers AES-128-GCM and ChaCha20-Poly1305.
    static func payload(_ message: [UInt8]) -> [UInt8] { [0, 0, 0, 6, 0, 1, 0, 2, 1, 2] + message }

    /// - Returns: nil for a payload that fits into no M1.
    static func client(_ payload: [UInt8]) -> ClientHandshakeV2? {
        let rest = HandshakeBounds.salt + RequestHeader.boxSize + AEAD.tagSize
        guard HandshakeBounds.requests.contains(payload.count + rest) else { return nil }
        var options = Options()
        options.set(.ciphers, [1, 2])
        return ClientHandshakeV2(
            ClientKey(server: serverKey.publicKey, user: user), at: now, payload: payload, options: options,
            ClientHandshakeV2.Randomness(
                salt: [UInt8](repeating: 4, count: 16), ephemeralKey: SecretBytes([UInt8](repeating: 5, count: 32))))
    }
}
