import COpenSSL

/// The ciphers with a tag that seal records, as the wire numbers them.
enum AEADCipher: UInt8, CaseIterable, Sendable {
    case aes128GCM = 1
    case chaCha20Poly1305 = 2
    case aes256GCM = 3

    /// In bytes.
    var keySize: Int {
        switch self {
        case .aes128GCM: 16
        case .chaCha20Poly1305, .aes256GCM: 32
        }
    }

    var method: OpaquePointer? {
        switch self {
        case .aes128GCM: Self.aes128
        case .chaCha20Poly1305: Self.chaCha20
        case .aes256GCM: Self.aes256
        }
    }

    // Fetched once: a fetch costs more than making a context.
    private nonisolated(unsafe) static let aes128 = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    private nonisolated(unsafe) static let aes256 = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    private nonisolated(unsafe) static let chaCha20 = EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)
}
