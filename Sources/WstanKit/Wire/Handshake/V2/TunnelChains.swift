import WstanBase

/// What a handshake yields: the cipher, and for each direction the chain from which the keys of its epochs follow (section 4.6).
struct TunnelChains: Sendable, Redacted {
    let cipher: RecordCipher
    /// chain_0 of the client's direction: 32 bytes.
    let clientToServer: SecretBytes
    let serverToClient: SecretBytes

    /// - Parameter state: Noise's after both messages.
    init(_ state: NoiseState, cipher: RecordCipher) {
        self.cipher = cipher
        let info = KeyLabels.chain + state.hash
        let (initiator, responder) = state.split()
        clientToServer = HKDF.expand(prk: initiator, info: info, length: 32, by: state.hmac)
        serverToClient = HKDF.expand(prk: responder, info: info, length: 32, by: state.hmac)
    }
}
