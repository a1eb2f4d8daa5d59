import COpenSSL
import WstanBase

/// A key pair of X25519 (RFC 7748).
final class X25519KeyPair: @unchecked Sendable {
    static let size = 32

    /// 32 bytes.
    let publicKey: [UInt8]
    /// OpenSSL's, which nothing changes any more; threads may share it.
    private let pair: OpaquePointer

    /// Costs as much as an exchange, since the public key is computed.
    ///
    /// - Parameter privateKey: 32 random bytes.
    init(privateKey: SecretBytes) {
        precondition(privateKey.count == Self.size, "a private key has 32 bytes")
        let pair = KeyMemory.keeping {
            privateKey.withBytes {
                EVP_PKEY_new_raw_private_key(
                    EVP_PKEY_X25519, nil, $0.assumingMemoryBound(to: UInt8.self).baseAddress, $0.count)
            }
        }
        guard let pair else { preconditionFailure("OpenSSL has no X25519") }
        self.pair = pair
        publicKey = [UInt8](unsafeUninitializedCapacity: Self.size) { key, count in
            count = Self.size
            precondition(EVP_PKEY_get_raw_public_key(pair, key.baseAddress, &count) == 1 && count == Self.size)
        }
    }

    deinit {
        EVP_PKEY_free(pair)
    }

    /// The secret that both sides compute.
    ///
    /// - Parameter publicKey: the other side's 32 bytes.
    /// - Returns: 32 bytes; nil where they would all be zero (RFC 7748 section 6.1), as a public key of small order makes them.
    func sharedSecret(with publicKey: [UInt8]) -> SecretBytes? {
        precondition(publicKey.count == Self.size, "a public key has 32 bytes")
        guard let peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, publicKey.count) else {
            preconditionFailure("OpenSSL has no X25519")
        }
        defer { EVP_PKEY_free(peer) }
        var isComputed = false
        let secret = SecretBytes(count: Self.size) { room in
            isComputed = KeyMemory.keeping { derive(with: peer, into: room) }
        }
        let bits = secret.withBytes { $0.reduce(0) { $0 | $1 } }
        return isComputed && bits != 0 ? secret : nil
    }

    private func derive(with peer: OpaquePointer, into room: UnsafeMutableRawBufferPointer) -> Bool {
        guard let context = EVP_PKEY_CTX_new(pair, nil) else { preconditionFailure("out of memory") }
        defer { EVP_PKEY_CTX_free(context) }
        // Any 32 bytes are a public key: there is nothing to validate.
        let isReady = EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1
        precondition(isReady, "OpenSSL has no X25519")
        var count = room.count
        guard EVP_PKEY_derive(context, room.assumingMemoryBound(to: UInt8.self).baseAddress, &count) == 1 else {
            // TLS on this thread looks at the same list of errors.
            ERR_clear_error()
            return false
        }
        return count == room.count
    }
}
