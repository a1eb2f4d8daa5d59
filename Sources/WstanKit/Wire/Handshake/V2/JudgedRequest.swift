import WstanBase

/// A request that a user has made for this server, in time, for which a cipher was found. Only `ServerHandshakeV2` makes it.
///
/// What stands between it and its answer is step 8 of section 4.4: it is remembered under `identity`, and refused
/// when it was there. Nothing is said to the peer before that has held.
final class JudgedRequest {
    let user: RingUser
    /// Its key has expired: it is answered, and then told so.
    let isExpired: Bool
    let identity: HandshakeIdentity
    /// Of the server's key that it was made for.
    let serverKey: KeyID
    /// Its user's key, or the server's, is a former one.
    let isInGrace: Bool
    /// The server's doctor has made it, in the name of a user.
    let isOwn: Bool
    /// When it was made, by its maker's clock.
    let time: WireTime
    let payload: RequestPayload
    let cipher: RecordCipher
    private let noise: NoiseNKpsk0.Responder
    private let secrets: RequestSecrets

    init(
        user: RingUser, isExpired: Bool, identity: HandshakeIdentity, serverKey: KeyID, isInGrace: Bool, isOwn: Bool,
        time: WireTime, payload: RequestPayload, cipher: RecordCipher, noise: NoiseNKpsk0.Responder, secrets: RequestSecrets
    ) {
        self.user = user
        self.isExpired = isExpired
        self.identity = identity
        self.serverKey = serverKey
        self.isInGrace = isInGrace
        self.isOwn = isOwn
        self.time = time
        self.payload = payload
        self.cipher = cipher
        self.noise = noise
        self.secrets = secrets
    }

    /// Makes M2.
    ///
    /// - Parameters:
    ///   - options: of P2.
    ///   - padding: in bytes; fewer are added where no more fit.
    ///   - ephemeralKey: 32 random bytes, fresh with each answer.
    func reply(
        at now: WireTime, options: Options = Options(), padding: Int, ephemeralKey: SecretBytes
    ) -> (reply: HandshakeReply, secrets: TunnelChains) {
        let payload = ReplyPayload(
            time: now, cipher: cipher.byte, flags: isInGrace ? ReplyPayload.graceFlag : 0, options: options)
        return reply(payload.encoded(padding: padding), ephemeralKey: ephemeralKey)
    }

    /// - Parameter payload: P2.
    func reply(_ payload: [UInt8], ephemeralKey: SecretBytes) -> (reply: HandshakeReply, secrets: TunnelChains) {
        var noise = noise
        let ephemeral = X25519KeyPair(privateKey: ephemeralKey)
        guard let ciphertext = noise.writeSecond(payload, ephemeral: ephemeral),
            let reply = HandshakeReply(secrets.masked(ephemeral.publicKey) + ciphertext)
        else { preconditionFailure("a payload that fits into no reply") }
        return (reply, TunnelChains(noise.state, cipher: cipher))
    }
}
