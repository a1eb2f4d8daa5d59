import COpenSSL

enum SHA256 {
    static let size = 32

    /// 32 bytes.
    static func digest(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { digest($0) } }

    static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { digest, count in
            precondition(
                EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, nil, method, nil) == 1,
                "OpenSSL has no SHA-256")
            count = size
        }
    }

    /// Fetched once: `EVP_sha256()` would be looked up, under a lock, at every use.
    private nonisolated(unsafe) static let method = EVP_MD_fetch(nil, "SHA256", nil)
}
