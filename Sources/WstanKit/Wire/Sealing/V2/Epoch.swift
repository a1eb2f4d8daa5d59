import WstanBase

/// The keys of one direction between two REKEYs, and which record is next.
///
///     key = HKDF-Expand(chain, "key" || cipher, ...)      iv = HKDF-Expand(chain, "iv", 12)
///     record n: nonce = iv XOR (00000000 || n as u64)      next chain = HKDF-Expand(chain, "next", 32)
///
/// What makes two epochs different comes out of HKDF, so no nonce repeats under a key. Not a value, since a copy would repeat
/// them. Confined to its tunnel.
final class Epoch {
    private struct Keys {
        let aead: AEAD
        let iv: AEADNonce
    }

    let cipher: RecordCipher
    private var chain: SecretBytes
    /// Nil without a cipher, where records are counted all the same.
    private var keys: Keys?
    /// The number of the next record.
    private(set) var next: UInt64

    /// - Parameters:
    ///   - chain: 32 bytes.
    ///   - next: the number of the next record, in an epoch that has begun.
    init(cipher: RecordCipher, chain: SecretBytes, next: UInt64 = 0, by hmac: HMAC = HMAC()) {
        self.cipher = cipher
        self.chain = chain
        self.next = next
        keys = Self.keys(cipher, chain, by: hmac)
    }

    private static func keys(_ cipher: RecordCipher, _ chain: SecretBytes, by hmac: HMAC) -> Keys? {
        guard case .sealed(let aead) = cipher else { return nil }
        let key = HKDF.expand(prk: chain, info: Array("key".utf8) + [cipher.byte], length: aead.keySize, by: hmac)
        let iv = HKDF.expand(prk: chain, info: Array("iv".utf8), length: AEADNonce.size, by: hmac)
        return Keys(aead: AEAD(aead, key: key), iv: AEADNonce(iv))
    }

    /// Behind a REKEY. The old chain and the old key are erased.
    func begin() {
        let hmac = HMAC()
        chain = HKDF.expand(prk: chain, info: Array("next".utf8), length: chain.count, by: hmac)
        keys = Self.keys(cipher, chain, by: hmac)
        next = 0
    }

    var isOver: Bool { next >= LimitsV2.recordsInEpoch }

    /// Seals the first `plaintextLength` bytes where they are; the tag goes behind them.
    func seal(_ buffer: UnsafeMutableRawBufferPointer, plaintextLength: Int) {
        // Going on would use a nonce that the peer refuses.
        precondition(!isOver, "an epoch ends with a REKEY")
        if let keys {
            keys.aead.seal(inPlace: buffer, plaintextLength: plaintextLength, nonce: keys.iv ^ AEADNonce(counter: next))
        }
        next += 1
    }

    /// Opens a whole record where it lies.
    ///
    /// - Returns: whether it is the next one, as it was sealed.
    func open(_ record: UnsafeMutableRawBufferPointer) -> Bool {
        guard !isOver else { return false }
        if let keys, !keys.aead.open(inPlace: record, nonce: keys.iv ^ AEADNonce(counter: next)) { return false }
        next += 1
        return true
    }
}
