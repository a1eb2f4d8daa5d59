import WstanBase

/// Noise_NKpsk0_25519_AESGCM_SHA256 (revision 34): the responder has a static key that the initiator knows, and both have a secret.
///
///     <- s
///     ...
///     -> psk, e, es
///     <- e, ee
///
/// The ephemeral keys travel apart from the rest of their messages, since this protocol hides them in other places.
enum NoiseNKpsk0 {
    static let name = "Noise_NKpsk0_25519_AESGCM_SHA256"

    /// The state of a side before the first message, its psk mixed in.
    fileprivate static func begin(
        psk: SecretBytes, prologue: [UInt8], responder: [UInt8], by hmac: HMAC
    ) -> NoiseState {
        var state = NoiseState(protocolName: name, by: hmac)
        state.mixHash(prologue)
        state.mixHash(responder)
        state.mixKeyAndHash(psk)
        return state
    }

    struct Initiator {
        private(set) var state: NoiseState
        private let ephemeral: X25519KeyPair
        private let responder: X25519PublicKey

        /// - Parameter responder: the public key of the other side.
        init(psk: SecretBytes, prologue: [UInt8], responder: X25519PublicKey, ephemeral: X25519KeyPair, by hmac: HMAC) {
            state = NoiseNKpsk0.begin(psk: psk, prologue: prologue, responder: responder.bytes, by: hmac)
            self.ephemeral = ephemeral
            self.responder = responder
        }

        /// - Returns: the first message without its ephemeral key; nil when the responder's key is not valid.
        mutating func writeFirst(_ payload: [UInt8]) -> [UInt8]? {
            state.mixEphemeral(ephemeral.publicKey)
            guard let shared = ephemeral.sharedSecret(with: responder) else { return nil }
            state.mixKey(shared)
            return state.encryptAndHash(payload)
        }

        /// - Returns: the payload; nil when the message is not authentic.
        mutating func readSecond(ephemeral key: [UInt8], _ ciphertext: [UInt8]) -> [UInt8]? {
            state.mixEphemeral(key)
            guard let shared = ephemeral.sharedSecret(with: X25519PublicKey(key)) else { return nil }
            state.mixKey(shared)
            return state.decryptAndHash(ciphertext)
        }
    }

    struct Responder {
        private(set) var state: NoiseState
        private let key: X25519KeyPair
        /// The initiator's ephemeral key, once its message has come.
        private var peer: X25519PublicKey?

        init(psk: SecretBytes, prologue: [UInt8], key: X25519KeyPair, by hmac: HMAC) {
            state = NoiseNKpsk0.begin(psk: psk, prologue: prologue, responder: key.publicKey, by: hmac)
            self.key = key
        }

        /// - Returns: the payload; nil when the message is not authentic, or the key of its sender is not valid.
        mutating func readFirst(ephemeral: [UInt8], _ ciphertext: [UInt8]) -> [UInt8]? {
            let peer = X25519PublicKey(ephemeral)
            self.peer = peer
            state.mixEphemeral(ephemeral)
            guard let shared = key.sharedSecret(with: peer) else { return nil }
            state.mixKey(shared)
            return state.decryptAndHash(ciphertext)
        }

        /// - Returns: the second message without its ephemeral key; nil when the initiator's key is not valid, which `readFirst` has seen.
        mutating func writeSecond(_ payload: [UInt8], ephemeral: X25519KeyPair) -> [UInt8]? {
            state.mixEphemeral(ephemeral.publicKey)
            guard let peer, let shared = ephemeral.sharedSecret(with: peer) else { return nil }
            state.mixKey(shared)
            return state.encryptAndHash(payload)
        }
    }
}

extension NoiseState {
    /// Section 9.2: where there is a psk, the ephemeral key goes into the key as well.
    mutating func mixEphemeral(_ key: [UInt8]) {
        mixHash(key)
        mixKey(key)
    }
}
