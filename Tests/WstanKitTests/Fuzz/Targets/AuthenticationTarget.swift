@testable import WstanBase
@testable import WstanCore

extension HandshakeTrial {
    /// All of it at once.
    ///
    /// - Returns: nil when it is a request of no version.
    mutating func judge() throws(WireError) -> ServerHandshake.Candidate? {
        while true {
            var budget = Int.max
            switch try go(on: &budget) {
            case .more: continue
            case .notARequest: return nil
            case .found(let candidate): return candidate
            }
        }
    }
}

extension Authentication {
    /// All that an acceptor asks of it.
    func verify(_ head: HTTPHead, now: Moment) throws(Refusal) -> VerifiedRequest {
        let source = ClientAddress(ipv4: IPv4Address(0xc000_0201), port: 1).source
        guard let request = ServerHandshake.Request(head) else { throw .notARequest }
        var trial = trial(request, from: source, now: now.wall)
        let found: ServerHandshake.Candidate?
        do throws(WireError) { found = try trial.judge() } catch { throw .wire(error) }
        guard let candidate = found else { throw .notARequest }
        return try verify(candidate, from: source, now: now)
    }
}

extension FuzzTarget {
    /// The head of a request, from anybody or from a holder of the key: only a whole, fresh, authentic one opens a
    /// tunnel, once.
    static let authentication = FuzzTarget(
        "authentication",
        seeds: [
            [1, 0, 0x41, 0xda, 0x47, 0x3d, 0xd0, 0, 0, 0, 0, 0, 1, 127, 0, 0, 1, 0, 80, 65, 66],
            [0x21, 2, 0x41, 0xda, 0x47, 0x3d, 0xd0, 0, 0, 0], [4, 0, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
            [2]
                + Array(
                    "GET /A HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: 1\r\n\r\n"
                        .utf8),
            [8] + Array("X: y\r\nCookie: _A=AAAAAAAAAAAAAAAAAAAAAA==\r\n".utf8),
        ]
    ) { input in
        let mode = input.byte()
        let usesCipher = mode & 1 == 1
        var options = ServerOptions(keys: [FuzzKey.other, FuzzKey.known])
        options.usesCipher = usesCipher
        options.compatible = mode & 32 != 0
        let authentication = Authentication(options: options, replayGuard: ReplayGuard(capacity: 10))
        let now = 1_763_683_200.0
        let bytes: [UInt8]
        let isSealed: Bool
        if mode & 2 != 0 {
            bytes = input.rest()
            isSealed = false
        } else {
            let extra = mode & 8 != 0 ? input.take(40) : []
            var message = input.rest()
            let stream = usesCipher ? KeyStream(key: FuzzKey.known, nonce: FuzzKey.nonce) : nil
            stream?.apply(to: &message)
            isSealed = mode & 4 == 0
            if isSealed { message += message.withUnsafeBytes { Authenticator(key: FuzzKey.known).tag(over: $0) } }
            let cookie = CompatibleMode.cookie(CompatibleMode.cookieName(for: FuzzKey.known), FuzzKey.nonce)
            let fields = WebSocketHandshake.request(
                path: (mode & 16 == 0 ? "/" : "/a//") + Base64.encode(message, .url), host: "a.test",
                key: FuzzKey.nonce.base64,
                cookie: options.compatible ? cookie : nil)
            bytes = fields.dropLast(2) + extra + [13, 10]
        }
        guard let head = try? HTTPHead(bytes) else { return }
        do throws(Refusal) {
            let verified = try authentication.verify(head, now: Moment(wall: now, boot: 1000))
            require(isSealed, "only what a holder of the key has sealed")
            require(abs(verified.opening.time - now) <= 60, "only what is fresh")
            require(Base64.decode(Array(verified.accept.utf8))?.count == 20, "the value for the 101")
        } catch {
            return
        }
        do throws(Refusal) {
            _ = try authentication.verify(head, now: Moment(wall: now + 1, boot: 1001))
            require(false, "only once")
        } catch {
            let isExpected = error == .wire(.replayed) || error.traits.code == "expired"
            require(isExpected, "refused as a replay, not as \(error.traits.code)")
        }
    }
}
