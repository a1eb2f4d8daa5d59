import COpenSSL
import WstanBase

/// A public key of X25519 (RFC 7748), made ready for exchanges.
final class X25519PublicKey: @unchecked Sendable, Equatable {
    static let size = 32

    /// 32 of them.
    let bytes: [UInt8]
    /// OpenSSL's, which nothing changes; threads may share it.
    let key: OpaquePointer

    init(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.size, "a public key has 32 bytes")
        self.bytes = bytes
        key = bytes.withUnsafeBytes { OpenSSLKey.x25519(publicKey: $0) }
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// The point whose secret with a private key is that one's public key (section 6.1).
    static let base = X25519PublicKey([9] + [UInt8](repeating: 0, count: size - 1))

    static func == (a: X25519PublicKey, b: X25519PublicKey) -> Bool { a.bytes == b.bytes }
}

/// Makes OpenSSL's objects of keys.
enum OpenSSLKey {
    /// - Parameters:
    ///   - publicKey: 32 bytes.
    ///   - privateKey: 32 bytes, of which OpenSSL takes a copy.
    static func x25519(publicKey: UnsafeRawBufferPointer, privateKey: UnsafeRawBufferPointer? = nil) -> OpaquePointer {
        // A parameter keeps a pointer to its name: one that Swift makes of a string lives only as long as the call that takes it.
        let key = OSSL_PKEY_PARAM_PUB_KEY.withCString { publicName in
            OSSL_PKEY_PARAM_PRIV_KEY.withCString { privateName -> OpaquePointer? in
                var parameters = [parameter(publicName, publicKey)]
                if let privateKey { parameters.append(parameter(privateName, privateKey)) }
                parameters.append(OSSL_PARAM_construct_end())
                return make(&parameters, isPair: privateKey != nil)
            }
        }
        guard let key else { preconditionFailure("OpenSSL has no X25519") }
        return key
    }

    private static func parameter(_ name: UnsafePointer<CChar>, _ bytes: UnsafeRawBufferPointer) -> OSSL_PARAM {
        OSSL_PARAM_construct_octet_string(name, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    private static func make(_ parameters: inout [OSSL_PARAM], isPair: Bool) -> OpaquePointer? {
        precondition(CRYPTO_THREAD_write_lock(turn) == 1, "a lock of OpenSSL's failed")
        defer { CRYPTO_THREAD_unlock(turn) }
        var key: OpaquePointer?
        let done = KeyMemory.keeping {
            EVP_PKEY_fromdata(maker, &key, isPair ? COPENSSL_KEY_PAIR : COPENSSL_PUBLIC_KEY, &parameters)
        }
        return done == 1 ? key : nil
    }

    /// Made once: finding the algorithm by its name takes OpenSSL nearly as long as making a key of it. One thread at a
    /// time may use it.
    private nonisolated(unsafe) static let maker: OpaquePointer? = {
        let context = EVP_PKEY_CTX_new_from_name(nil, "X25519", nil)
        precondition(EVP_PKEY_fromdata_init(context) == 1, "OpenSSL has no X25519")
        return context
    }()
    private nonisolated(unsafe) static let turn = CRYPTO_THREAD_lock_new()
}
