import COpenSSL

/// One direction's AES-CTR key stream (NIST SP 800-38A section 6.5), which runs on through every message of a tunnel.
///
/// Confined to the tunnel that made it.
final class KeyStream {
    private let context: OpaquePointer
    private let nonce: Nonce
    /// Bytes used so far.
    private var position: UInt64 = 0

    init(key: Key, nonce: Nonce) {
        self.nonce = nonce
        let cipher = key.count == 16 ? Self.aes128 : Self.aes256
        // The first keys of the schedule are the key itself.
        context = KeyMemory.keeping {
            guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
            let done = key.withBytes {
                EVP_EncryptInit_ex2(context, cipher, $0.assumingMemoryBound(to: UInt8.self).baseAddress, nonce.bytes, nil)
            }
            precondition(done == 1, "AES-CTR cannot be initialised")
            return context
        }
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Encrypts or decrypts in place: in counter mode they are the same.
    func apply(to bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        position &+= UInt64(bytes.count)
        var offset = 0
        while offset < bytes.count {
            let count = Int32(truncatingIfNeeded: min(bytes.count - offset, 1 << 30))
            var written: Int32 = 0
            let done = EVP_EncryptUpdate(context, start + offset, &written, start + offset, count)
            // Going on would send plain text. Nothing that a peer sends can bring this about.
            precondition(done == 1 && written == count, "AES-CTR failed")
            offset += Int(count)
        }
    }

    func apply(to bytes: inout [UInt8], from start: Int = 0) {
        bytes.withUnsafeMutableBytes { buffer in
            guard start < buffer.count else { return }
            apply(to: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
        }
    }

    /// The nonce of the stream that begins `count` bytes back; nil when that is within a block of the cipher, where none
    /// begins.
    func nonce(before count: Int) -> Nonce? {
        guard let back = UInt64(exactly: count), back <= position, (position - back) % 16 == 0 else { return nil }
        return nonce.advanced(by: (position - back) / 16)
    }

    /// Whether a block of the cipher begins behind the next `count` bytes.
    func isAtBlock(after count: Int) -> Bool {
        (position &+ UInt64(truncatingIfNeeded: count)) % 16 == 0
    }

    // Fetched once: a fetch costs more than making a context.
    private nonisolated(unsafe) static let aes128 = EVP_CIPHER_fetch(nil, "AES-128-CTR", nil)
    private nonisolated(unsafe) static let aes256 = EVP_CIPHER_fetch(nil, "AES-256-CTR", nil)
}
