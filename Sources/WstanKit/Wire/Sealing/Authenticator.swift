import COpenSSL

/// Makes and checks the 10-byte tags of requests and resets: HMAC-SHA1 (RFC 2104) cut to 80 bits, over the bytes as
/// sent.
///
/// It holds a context that every call uses again, so each worker has its own.
package final class Authenticator {
    static let tagSize = 10

    let key: Key
    let keyID: KeyID
    private let context: OpaquePointer
    private let digest = UnsafeMutablePointer<UInt8>.allocate(capacity: Authenticator.digestSize)
    private static let digestSize = 20

    package init(key: Key) {
        self.key = key
        keyID = key.id
        let hmac = Self.hmac
        context = KeyMemory.keeping {
            guard let context = EVP_MAC_CTX_new(hmac) else { preconditionFailure("OpenSSL has no HMAC") }
            Self.begin(context, key)
            return context
        }
    }

    private static func begin(_ context: OpaquePointer, _ key: Key) {
        var digestName = Array("SHA1".utf8CString)
        // A parameter keeps a pointer to its name: one that Swift makes of a string lives only as long as the call
        // that takes it.
        let done = OSSL_MAC_PARAM_DIGEST.withCString { parameter in
            digestName.withUnsafeMutableBufferPointer { name in
                var parameters = [
                    OSSL_PARAM_construct_utf8_string(parameter, name.baseAddress, 0), OSSL_PARAM_construct_end(),
                ]
                return key.withBytes {
                    EVP_MAC_init(context, $0.assumingMemoryBound(to: UInt8.self).baseAddress, $0.count, &parameters)
                }
            }
        }
        precondition(done == 1, "HMAC-SHA1 cannot be initialised")
    }

    deinit {
        EVP_MAC_CTX_free(context)
        digest.deallocate()
    }

    /// The tag of `bytes`, 10 bytes.
    func tag(over bytes: UnsafeRawBufferPointer) -> [UInt8] {
        compute(over: bytes)
        return Array(UnsafeBufferPointer(start: digest, count: Self.tagSize))
    }

    /// Leaves it in `digest`: where there are many keys, an array for each would cost more than its tag.
    private func compute(over bytes: UnsafeRawBufferPointer) {
        var count = 0
        // Without a key the context starts over with the one it has, whose pads it has hashed already.
        let done = KeyMemory.keeping {
            EVP_MAC_init(context, nil, 0, nil) == 1
                && EVP_MAC_update(context, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count) == 1
                && EVP_MAC_final(context, digest, &count, Self.digestSize) == 1
        }
        precondition(done && count == Self.digestSize, "HMAC-SHA1 failed")
    }

    /// Whether the last 10 bytes of `message` are the tag of those before; in constant time.
    func isAuthentic(_ message: UnsafeRawBufferPointer) -> Bool {
        let count = message.count - Self.tagSize
        guard count > 0 else { return false }
        compute(over: UnsafeRawBufferPointer(rebasing: message[..<count]))
        let given = UnsafeRawBufferPointer(rebasing: message[count...])
        return CRYPTO_memcmp(digest, given.baseAddress, Self.tagSize) == 0
    }

    private nonisolated(unsafe) static let hmac = EVP_MAC_fetch(nil, "HMAC", nil)
}
