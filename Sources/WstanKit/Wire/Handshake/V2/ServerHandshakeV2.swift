import WstanBase

/// A server's side of the handshake of version 2 (section 4.4), up to the step that remembers a request: who has made it, and what it
/// asks for. No I/O and no clock.
///
/// Nothing is kept of a request before it is authentic. All that outsiders send ends after one key schedule and one opening of 64
/// bytes for each key of the server, whatever they send.
struct ServerHandshakeV2: Sendable {
    let keys: LiveServerKeys
    let realm: Realm
    let users: UserRing
    let ciphers: CipherChoice
    /// How far the time of a request may be off, in milliseconds.
    var lifetime = HandshakeBounds.lifetime

    /// What a request is judged by, besides what it says.
    struct Circumstances {
        let now: WireTime
        /// Of the TLS connection that ends here: 32 bytes (section 4.7).
        var binding: [UInt8]?
    }

    /// Steps 1 to 7.
    ///
    /// - Parameters:
    ///   - candidate: what the request carries; nil when nothing in it could be M1. It is refused then, after as much work as others.
    ///   - isRemembered: a glance at the memory of requests, so that a replay costs no exchange.
    ///   - identified: told which user's request it says it is, though it may be refused then.
    func judge(
        _ candidate: RequestCandidate?, in circumstances: Circumstances, isRemembered: (HandshakeIdentity) -> Bool,
        identified: (UserKeyID) -> Void = { _ in }
    ) throws(HandshakeRefusal) -> JudgedRequest {
        let hmac = HMAC()
        // 1. What is no candidate is judged as if it were one.
        let request: HandshakeRequest
        do throws(HandshakeRefusal) {
            request = try HandshakeRequest(candidate)
        } catch {
            _ = openBox(of: .madeUp, by: hmac)
            throw error
        }
        // 2.
        guard let opened = openBox(of: request, by: hmac) else { throw .notOurs }
        let header = opened.header
        let known = users.user(header.keyID, at: circumstances.now)
        if known != nil { identified(header.keyID) }
        // 3.
        try judge(header.time, at: circumstances.now)
        // 4.
        guard let user = known else { throw .unknownUser }
        // 5.
        let identity = HandshakeIdentity(keyID: header.keyID, salt: request.salt)
        guard !isRemembered(identity) else { throw .replayed }
        // 6.
        var noise = NoiseNKpsk0.Responder(
            psk: user.key.psk, prologue: HandshakePrologue.of(header, salt: request.salt, realm: realm),
            key: opened.key.pair, by: hmac)
        guard let bytes = noise.readFirst(ephemeral: header.ephemeralKey, request.ciphertext) else { throw .notAuthentic }
        // 7.
        let payload = try RequestPayload.read(bytes)
        guard payload.options[.kem].map({ $0.count == KEMSizes.encapsulationKey }) ?? true else {
            throw .malformed(.optionLength)
        }
        guard let cipher = ciphers.choose(for: payload.options, binding: circumstances.binding) else {
            throw .noCommonCipher
        }
        return JudgedRequest(
            user: user, isExpired: user.isExpired(at: circumstances.now), identity: identity,
            serverKey: opened.key.publicKey.id, isInGrace: user.expiry != nil || opened.key != keys.current,
            isOwn: opened.key.ownSalt(for: header.ephemeralKey) == request.salt, time: header.time,
            payload: payload, cipher: cipher, noise: noise, secrets: opened.secrets)
    }

    private struct OpenedBox {
        let header: RequestHeader
        let key: ServerKey
        let secrets: RequestSecrets
    }

    /// Tries all live keys, also when one has opened it: else the time would tell which.
    private func openBox(of request: HandshakeRequest, by hmac: HMAC) -> OpenedBox? {
        var opened: OpenedBox?
        for key in keys.live {
            let secrets = RequestSecrets(salt: request.salt, server: key.publicKey, by: hmac)
            guard let header = RequestHeader.open(request.box, with: secrets) else { continue }
            opened = opened ?? OpenedBox(header: header, key: key, secrets: secrets)
        }
        return opened
    }

    private func judge(_ time: WireTime, at now: WireTime) throws(HandshakeRefusal) {
        let distance = time.distance(to: now)
        guard distance <= lifetime else {
            throw .expired(ahead: time > now ? Int64(clamping: distance) : -Int64(clamping: distance))
        }
    }
}

/// What tells a request from all others: it is refused when it comes again.
struct HandshakeIdentity: Hashable, Sendable {
    let keyID: UserKeyID
    /// 16 bytes.
    let salt: [UInt8]
}

/// Of ML-KEM-768 (section 4.8), which is not built yet: a request that asks for it is answered without it.
enum KEMSizes {
    static let encapsulationKey = 1184
    static let ciphertext = 1088
}

extension HandshakeRequest {
    /// Step 1, as far as it is about M1.
    fileprivate init(_ candidate: RequestCandidate?) throws(HandshakeRefusal) {
        guard let candidate else { throw .noCandidate }
        guard let bytes = candidate.decoded else { throw .encoding }
        guard let request = HandshakeRequest(bytes) else { throw .length }
        self = request
    }
}
