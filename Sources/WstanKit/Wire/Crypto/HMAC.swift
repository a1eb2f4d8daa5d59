import COpenSSL
import WstanBase

/// HMAC-SHA256 (RFC 2104), under one key after the other. What it made of the last key is erased when it goes.
///
/// Confined to what made it.
final class HMAC {
    static let size = SHA256.size

    private let context: OpaquePointer

    init() {
        let method = Self.method
        context = KeyMemory.keeping {
            guard let context = EVP_MAC_CTX_new(method) else { preconditionFailure("OpenSSL has no HMAC") }
            return context
        }
        var digestName = Array("SHA256".utf8CString)
        // A parameter keeps a pointer to its name: one that Swift makes of a string lives only as long as the call that takes it.
        let done = OSSL_MAC_PARAM_DIGEST.withCString { parameter in
            digestName.withUnsafeMutableBufferPointer { name in
                EVP_MAC_CTX_set_params(
                    context,
                    [OSSL_PARAM_construct_utf8_string(parameter, name.baseAddress, 0), OSSL_PARAM_construct_end()])
            }
        }
        precondition(done == 1, "OpenSSL has no HMAC-SHA256")
    }

    deinit {
        EVP_MAC_CTX_free(context)
    }

    /// Starts a message under another key, which is not empty.
    func begin(key: UnsafeRawBufferPointer) {
        precondition(key.count > 0, "an empty key would be the one before")
        let done = KeyMemory.keeping {
            EVP_MAC_init(context, key.assumingMemoryBound(to: UInt8.self).baseAddress, key.count, nil)
        }
        precondition(done == 1, "HMAC-SHA256 cannot be initialised")
    }

    /// Starts another message under the same key, whose pads are hashed already.
    func begin() {
        let done = KeyMemory.keeping { EVP_MAC_init(context, nil, 0, nil) }
        precondition(done == 1, "HMAC-SHA256 cannot be initialised")
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        let done = EVP_MAC_update(context, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count)
        precondition(done == 1, "HMAC-SHA256 failed")
    }

    /// - Parameter tag: room for 32 bytes.
    func finish(into tag: UnsafeMutableRawBufferPointer) {
        var count = 0
        let done = EVP_MAC_final(context, tag.assumingMemoryBound(to: UInt8.self).baseAddress, &count, tag.count)
        precondition(done == 1 && count == Self.size, "HMAC-SHA256 failed")
    }

    private nonisolated(unsafe) static let method = EVP_MAC_fetch(nil, "HMAC", nil)
}
