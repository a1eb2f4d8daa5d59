import COpenSSL
import WstanBase

/// A key pair of X25519 (RFC 7748).
final class X25519KeyPair: @unchecked Sendable {
    static let size = X25519PublicKey.size

    /// 32 bytes.
    let publicKey: [UInt8]
    /// OpenSSL's exchange, which nothing changes; threads may share it.
    private let exchange: OpaquePointer

    /// Costs as much as an exchange, since the public key is computed.
    ///
    /// - Parameter privateKey: 32 random bytes.
    init(privateKey: SecretBytes) {
        precondition(privateKey.count == Self.size, "a private key has 32 bytes")
        // OpenSSL computes a public key that it is not given, by tables that take longer than an exchange, and an exchange uses
        // none: so it is given another one, and what an exchange yields with the base point is the public key.
        let base = X25519PublicKey.base
        let pair = base.bytes.withUnsafeBytes { base in
            privateKey.withBytes { OpenSSLKey.x25519(publicKey: base, privateKey: $0) }
        }
        defer { EVP_PKEY_free(pair) }
        guard let exchange = EVP_PKEY_CTX_new(pair, nil), EVP_PKEY_derive_init(exchange) == 1 else {
            preconditionFailure("OpenSSL has no X25519")
        }
        self.exchange = exchange
        publicKey = [UInt8](unsafeUninitializedCapacity: Self.size) { room, count in
            count = Self.size
            let isComputed = Self.derive(exchange, with: base, into: UnsafeMutableRawBufferPointer(room))
            precondition(isComputed, "OpenSSL has no X25519")
        }
    }

    deinit {
        EVP_PKEY_CTX_free(exchange)
    }

    /// The secret that both sides compute.
    ///
    /// - Parameter peer: the other side's.
    /// - Returns: 32 bytes; nil where they would all be zero (RFC 7748 section 6.1), as a public key of small order makes them.
    func sharedSecret(with peer: X25519PublicKey) -> SecretBytes? {
        var isComputed = false
        let secret = SecretBytes(count: Self.size) { isComputed = Self.derive(exchange, with: peer, into: $0) }
        let bits = secret.withBytes { $0.reduce(0) { $0 | $1 } }
        return isComputed && bits != 0 ? secret : nil
    }

    /// - Parameter room: for 32 bytes.
    private static func derive(
        _ exchange: OpaquePointer, with peer: X25519PublicKey, into room: UnsafeMutableRawBufferPointer
    ) -> Bool {
        KeyMemory.keeping {
            // A copy costs a tenth of making another one of the key.
            guard let context = EVP_PKEY_CTX_dup(exchange) else { preconditionFailure("out of memory") }
            defer { EVP_PKEY_CTX_free(context) }
            // Any 32 bytes are a public key: there is nothing to validate.
            precondition(EVP_PKEY_derive_set_peer_ex(context, peer.key, 0) == 1, "OpenSSL has no X25519")
            var count = room.count
            guard EVP_PKEY_derive(context, room.assumingMemoryBound(to: UInt8.self).baseAddress, &count) == 1 else {
                // TLS on this thread looks at the same list of errors.
                ERR_clear_error()
                return false
            }
            return count == size
        }
    }
}
