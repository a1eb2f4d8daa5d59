import WstanBase

/// A client's side of the handshake of version 2: M1 is made, and M2 is checked once. No I/O, no clock, and randomness is an
/// argument.
struct ClientHandshakeV2 {
    /// M1. It is sent once: a second time it would be a replay.
    let request: HandshakeRequest
    private let noise: NoiseNKpsk0.Initiator
    private let secrets: RequestSecrets
    private let ciphers: [UInt8]
    private let hasBinding: Bool

    /// What has to be fresh with each request.
    struct Randomness {
        /// 16 bytes.
        let salt: [UInt8]
        /// 32 bytes.
        let ephemeralKey: SecretBytes
    }

    /// What M2 says, once it has held.
    struct Answer {
        let secrets: TunnelChains
        let payload: ReplyPayload
    }

    /// - Parameters:
    ///   - time: the server's, as far as it is known.
    ///   - options: of P1. Ciphers are among them, and a binding where that of the client's TLS connection is known.
    ///   - message: the plaintext of a NOP or a request; `RequestPayload.room` says how long it may be.
    ///   - padding: in bytes; fewer are added where no more fit.
    /// - Returns: nil when the server's key is not valid: no secret can be agreed with it.
    init?(
        _ credentials: ClientKey, at time: WireTime, options: Options, message: [UInt8], padding: Int,
        _ randomness: Randomness
    ) {
        let payload = RequestPayload.encode(options, message: message, padding: padding)
        self.init(credentials, at: time, payload: payload, options: options, randomness)
    }

    /// - Parameter payload: P1, in which the options are.
    init?(
        _ credentials: ClientKey, at time: WireTime, payload: [UInt8], options: Options, _ randomness: Randomness
    ) {
        precondition(randomness.salt.count == HandshakeBounds.salt, "a salt has 16 bytes")
        ciphers = options.ciphers
        hasBinding = options.has(.binding)
        let hmac = HMAC()
        let (server, salt) = (credentials.server, randomness.salt)
        let ephemeral = X25519KeyPair(privateKey: randomness.ephemeralKey)
        let header = RequestHeader(keyID: credentials.user.id, time: time, ephemeralKey: ephemeral.publicKey)
        secrets = RequestSecrets(salt: salt, server: server, by: hmac)
        var noise = NoiseNKpsk0.Initiator(
            psk: credentials.user.psk, prologue: HandshakePrologue.of(header, salt: salt, realm: credentials.realm),
            responder: server.point, ephemeral: ephemeral, by: hmac)
        guard let ciphertext = noise.writeFirst(payload) else { return nil }
        self.noise = noise
        guard let request = HandshakeRequest(salt + header.sealed(with: secrets) + ciphertext) else {
            preconditionFailure("a payload that fits into no request")
        }
        self.request = request
    }

    /// Judges M2.
    ///
    /// - Parameter message: the first binary message behind the 101.
    /// - Throws: why it is an impostor's.
    func open(_ message: [UInt8]) throws(ReplyRefusal) -> Answer {
        guard let reply = HandshakeReply(message) else { throw .length }
        var noise = noise
        guard let bytes = noise.readSecond(ephemeral: secrets.masked(reply.maskedKey), reply.ciphertext) else {
            throw .notAuthentic
        }
        let payload: ReplyPayload
        do throws(Violation) { payload = try ReplyPayload.read(bytes) } catch { throw .malformed(error) }
        if let critical = payload.options.unknownCritical { throw .unknownOption(critical) }
        // Section 4.8: this client offers none.
        guard !payload.options.has(.kem) else { throw .kemNotOffered }
        guard ciphers.contains(payload.cipher), let cipher = RecordCipher(byte: payload.cipher),
            cipher != .none || hasBinding
        else { throw .cipherNotOffered(payload.cipher) }
        return Answer(secrets: TunnelChains(noise.state, cipher: cipher), payload: payload)
    }
}
