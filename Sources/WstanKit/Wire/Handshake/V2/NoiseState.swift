import WstanBase

/// What the two sides of a Noise handshake keep alike: the symmetric state of revision 34, section 5.2, with AESGCM and SHA256.
///
/// A value: a copy goes its own way from where it was made. Its secrets are erased when the last copy goes.
struct NoiseState {
    /// h: the hash of all that was said. 32 bytes.
    private(set) var hash: [UInt8]
    /// ck.
    private var chainingKey: SecretBytes
    /// k.
    private var key: SecretBytes?
    /// n.
    private var counter: UInt64 = 0
    let hmac: HMAC

    /// - Parameter name: the protocol's, of at most 32 bytes: a longer one would be hashed.
    init(protocolName name: String, by hmac: HMAC) {
        precondition(name.utf8.count <= SHA256.size, "the name of another protocol")
        hash = Array(name.utf8) + [UInt8](repeating: 0, count: SHA256.size - name.utf8.count)
        chainingKey = SecretBytes(hash)
        self.hmac = hmac
    }

    mutating func mixHash(_ data: [UInt8]) {
        hash = SHA256.digest(hash + data)
    }

    mutating func mixKey(_ material: some KeyMaterial) {
        let output = derive(material, count: 2)
        chainingKey = output[0]
        key = output[1]
        counter = 0
    }

    mutating func mixKeyAndHash(_ psk: SecretBytes) {
        let output = derive(psk, count: 3)
        chainingKey = output[0]
        mixHash(output[1].withBytes { Array($0) })
        key = output[2]
        counter = 0
    }

    mutating func encryptAndHash(_ plaintext: [UInt8]) -> [UInt8] {
        var message = plaintext + [UInt8](repeating: 0, count: AEAD.tagSize)
        let (aead, nonce) = next()
        message.withUnsafeMutableBytes { message in
            hash.withUnsafeBytes {
                aead.seal(inPlace: message, plaintextLength: plaintext.count, nonce: nonce, associated: $0)
            }
        }
        mixHash(message)
        return message
    }

    /// - Returns: nil when the message is not authentic; the handshake is over then.
    mutating func decryptAndHash(_ ciphertext: [UInt8]) -> [UInt8]? {
        guard ciphertext.count >= AEAD.tagSize else { return nil }
        var message = ciphertext
        let (aead, nonce) = next()
        let isAuthentic = message.withUnsafeMutableBytes { message in
            hash.withUnsafeBytes { aead.open(inPlace: message, nonce: nonce, associated: $0) }
        }
        guard isAuthentic else { return nil }
        mixHash(ciphertext)
        message.removeLast(AEAD.tagSize)
        return message
    }

    /// The keys of both directions, the initiator's first: 32 bytes each.
    func split() -> (SecretBytes, SecretBytes) {
        let output = derive([UInt8](), count: 2)
        return (output[0], output[1])
    }

    private mutating func next() -> (AEAD, AEADNonce) {
        guard let key else { preconditionFailure("no key has been mixed") }
        defer { counter += 1 }
        return (AEAD(.aes256GCM, key: key), AEADNonce(counter: counter))
    }

    /// HKDF of section 4.3, which is that of RFC 5869 without a label.
    private func derive(_ material: some KeyMaterial, count: Int) -> [SecretBytes] {
        let prk = HKDF.extract(salt: chainingKey, ikm: material, by: hmac)
        let output = HKDF.expand(prk: prk, info: [], length: count * HMAC.size, by: hmac)
        return (0..<count).map { output.part(($0 * HMAC.size)..<(($0 + 1) * HMAC.size)) }
    }
}
