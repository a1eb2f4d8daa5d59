/// Why a connection got the plain answer. The peer is never told which.
enum Refusal: Error, Equatable {
    /// Plain HTTP, or something else altogether.
    case notARequest
    /// Left without a word.
    case silent
    case wire(WireError)
    /// Too many tunnels, or too many requests remembered.
    case overLimit
    /// The server is about to end.
    case draining
    case timedOut
    /// No TLS, so no answer either.
    case tls(TLSFailure)

    /// The reason code for log lines.
    var code: String {
        switch self {
        case .notARequest: "not-a-request"
        case .silent: "silent"
        case .wire(.malformed): "malformed"
        case .wire(.badAuthentication): "bad-authentication"
        case .wire(.sealedForOtherScheme): "sealed-for-other-scheme"
        case .wire(.expired): "expired"
        case .wire(.replayed): "replayed"
        case .wire(.tooLarge): "too-large"
        case .wire(.unexpectedCommand): "unexpected-command"
        case .overLimit: "over-limit"
        case .draining: "draining"
        case .timedOut: "timed-out"
        case .tls(let failure): failure.code
        }
    }
}

/// A request that has passed every check; only `Authentication` makes one.
struct VerifiedRequest {
    let opening: Opening
    /// The value for the 101.
    let accept: String
    let sealer: Sealer
    let opener: Opener

    /// Of the key that has opened the tunnel.
    var keyID: KeyID { opener.keyID }

    fileprivate init(opening: Opening, accept: String, sealer: Sealer, opener: Opener) {
        self.opening = opening
        self.accept = accept
        self.sealer = sealer
        self.opener = opener
    }
}

/// Decides whether the head of an HTTP request opens a tunnel. Confined to its worker.
struct Authentication {
    private(set) var options: ServerOptions
    let keys: ServerKeys
    private let replayGuard: ReplayGuard
    private let whenFull: () -> Void

    /// - Parameter whenFull: no more requests can be remembered, and this one is refused.
    init(options: ServerOptions, replayGuard: ReplayGuard, whenFull: @escaping () -> Void = {}) {
        self.options = options
        self.replayGuard = replayGuard
        self.whenFull = whenFull
        keys = ServerKeys(options.keys.map { LiveKey(key: $0) })
    }

    /// Others are in force from now on; the keys have a way of their own.
    mutating func apply(_ options: ServerOptions) {
        self.options = options
    }

    /// The order matters: the tag before anything that was decrypted is looked at, and the request is remembered only
    /// when all else has held, or one capture under fresh nonces would fill the memory.
    ///
    /// - Parameter now: seconds since the epoch.
    func verify(_ head: HTTPHead, now: Double) throws(Refusal) -> VerifiedRequest {
        guard let line = head.requestLine, line.method.elementsEqual("GET".utf8),
            line.version.last == UInt8(ascii: "1"),
            let keyText = WebSocketHandshake.key(in: head)
        else { throw .notARequest }
        guard let message = Base64.decode(request(in: line.target), .url) else { throw .notARequest }

        let nonces = try nonces(head, keyText, message, now: now)
        guard
            let (authenticator, nonce) = nonces.first(where: { authenticator, _ in
                message.withUnsafeBytes { authenticator.isAuthentic($0) }
            })
        else { throw .wire(.badAuthentication) }

        let key = authenticator.key
        let stream = options.usesCipher ? KeyStream(key: key, nonce: nonce) : nil
        var plaintext = Array(message.dropLast(Authenticator.tagSize))
        stream?.apply(to: &plaintext)
        let opening = try read(plaintext)
        try check(opening.time, now: now)
        if options.usesCipher || options.replayUnderTLS {
            // Under TLS the nonce has no part in the request: there its tag tells one from another.
            let token =
                options.usesCipher
                ? nonce : Nonce(prefixOf: message.suffix(Authenticator.tagSize) + [0, 0, 0, 0, 0, 0])
            try remember(token, of: opening.time, under: authenticator.keyID, now: now)
        }

        let accept = Nonce.accept(forKey: keyText)
        let answering = options.compatible ? nonce.ofServerInCompatibleMode : Nonce.ofServer(accept: accept)
        guard let answering else { throw .wire(.malformed) }
        keys.used(authenticator.keyID, now: now)
        return VerifiedRequest(
            opening: opening, accept: Base64.encode(accept),
            sealer: Sealer(
                authenticator: authenticator,
                stream: options.usesCipher ? KeyStream(key: key, nonce: answering) : nil),
            opener: Opener(authenticator: authenticator, stream: stream))
    }

    /// A request that comes as a message on a tunnel expires too, and its key must still be a key.
    ///
    /// - Parameter nonce: under which its bytes would open a tunnel of their own: whoever has seen them pass could send
    ///   them once more, in a URI. Nil when there is none.
    func check(_ time: Double, replayableUnder nonce: Nonce?, key: KeyID, now: Double) throws(Refusal) {
        try check(key, now: now)
        try check(time, now: now)
        if let nonce { try remember(nonce, of: time, under: key, now: now) }
        keys.used(key, now: now)
    }

    /// A tunnel keeps the key that it was opened with; nothing new is asked for with one that is retired or has expired.
    func check(_ key: KeyID, now: Double) throws(Refusal) {
        guard keys.accepts(key, now: now) else { throw .wire(.badAuthentication) }
    }

    /// To be awaited before a request that has held is answered; see `ReplayGuard`.
    ///
    /// - Returns: whether that took any time.
    func settle(_ request: VerifiedRequest, on worker: Worker) async -> Bool {
        guard options.usesCipher || options.replayUnderTLS else { return false }
        return await replayGuard.settle(request.opening.time, under: request.keyID, on: worker)
    }

    private func remember(_ token: Nonce?, of time: Double, under key: KeyID, now: Double) throws(Refusal) {
        let expiry = time + lifetime(ofRequestAt: time)
        guard let token else { throw .wire(.replayed) }
        switch replayGuard.admit(token, of: time, under: key, expiry: expiry, now: now) {
        case .new: break
        case .seen: throw .wire(.replayed)
        case .full:
            whenFull()
            throw .overLimit
        }
    }

    private func check(_ time: Double, now: Double) throws(Refusal) {
        guard options.usesCipher || options.replayUnderTLS else { return }
        let age = now - time
        // False for a NaN, whichever way it came in.
        guard abs(age) <= lifetime(ofRequestAt: time) else { throw .wire(.expired(seconds: -age)) }
    }

    /// In seconds.
    private func lifetime(ofRequestAt time: Double) -> Double {
        min(options.requestTTL.inSeconds, replayGuard.lifetime(ofRequestAt: time))
    }

    /// The path without its prefix, which a front may have taken off.
    private func request(in target: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if target.starts(with: options.pathPrefix.utf8) { return target.dropFirst(options.pathPrefix.utf8.count) }
        return target.dropFirst(target.first == UInt8(ascii: "/") ? 1 : 0)
    }

    /// For each key the nonce under which its request would be sealed.
    private func nonces(
        _ head: HTTPHead, _ keyText: ArraySlice<UInt8>, _ message: [UInt8], now: Double
    ) throws(Refusal) -> [(Authenticator, Nonce)] {
        guard options.compatible else {
            guard let nonce = Nonce(base64: keyText) else { throw .wire(.malformed) }
            return keys.live(at: now).map { ($0.authenticator, nonce) }
        }
        guard let cookie = head.value(of: "Cookie") else { throw .notARequest }
        let found = keys.live(at: now).compactMap { key -> (Authenticator, Nonce)? in
            let prefix = key.cookieName + "="
            guard cookie.starts(with: prefix.utf8), let nonce = Nonce(base64: cookie.dropFirst(prefix.utf8.count))
            else {
                return nil
            }
            return (key.authenticator, nonce)
        }
        guard !found.isEmpty else { throw .notARequest }
        return found
    }

    private func read(_ plaintext: [UInt8]) throws(Refusal) -> Opening {
        do {
            return try plaintext.withBytes { (bytes) throws(WireError) in try Opening.read(bytes) }
        } catch {
            // The tag held, so a holder of the key sent this: what cannot be read was sealed for the other scheme.
            throw .wire(error == .malformed ? .sealedForOtherScheme : error)
        }
    }
}
