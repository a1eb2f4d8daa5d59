import COpenSSL
import CSecrets

/// Has OpenSSL keep what it makes of keys (copies, the states of HMAC, key schedules) where keys are.
package enum KeyMemory {
    /// To be called before OpenSSL is used at all.
    ///
    /// - Returns: whether it is so from now on.
    @discardableResult
    package static func begin() -> Bool {
        CRYPTO_set_mem_functions(wstan_crypto_malloc, wstan_crypto_realloc, wstan_crypto_free) == 1
    }

    /// What OpenSSL takes on this thread meanwhile is memory for keys.
    @inline(__always)
    static func keeping<R>(_ body: () -> R) -> R {
        wstan_vault_begin()
        defer { wstan_vault_end() }
        return body()
    }
}
