import COpenSSL

/// Stands for a secret that is not to be kept: HMAC-SHA-256 under a random key that lives no longer than the process.
struct Fingerprint: Hashable {
    private let words: [UInt64]

    /// Makes fingerprints that can be compared with each other.
    struct Maker {
        private let key: [UInt8]

        init() {
            var key = [UInt8](repeating: 0, count: 32)
            precondition(RAND_bytes(&key, 32) == 1, "the system has no randomness")
            self.key = key
        }

        /// - Parameter parts: where one ends and the next begins makes a difference.
        func fingerprint(of parts: [[UInt8]]) -> Fingerprint {
            var bytes: [UInt8] = []
            for part in parts {
                bytes.append(integer: UInt64(part.count))
                bytes.append(contentsOf: part)
            }
            var digest = [UInt8](repeating: 0, count: 32)
            var count = 0
            let made = EVP_Q_mac(
                nil, "HMAC", nil, "SHA256", nil, key, key.count, bytes, bytes.count, &digest, digest.count, &count)
            precondition(made != nil && count == digest.count, "OpenSSL has no HMAC-SHA-256")
            OPENSSL_cleanse(&bytes, bytes.count)
            return digest.withUnsafeBytes { raw in
                Fingerprint(words: (0..<4).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) })
            }
        }
    }

    /// One of `count` places, at least one: always the same for the same secret, and nobody can tell which.
    func place(among count: Int) -> Int {
        Int(words[0] % UInt64(count))
    }
}
