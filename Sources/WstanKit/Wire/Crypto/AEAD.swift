import COpenSSL
import WstanBase

/// A cipher with a tag (RFC 5116) under one key: the context is made once, and only the nonce is set for each message.
///
/// Confined to the tunnel that made it.
final class AEAD {
    static let tagSize = 16

    private let context: OpaquePointer

    init(_ cipher: AEADCipher, key: SecretBytes) {
        precondition(key.count == cipher.keySize, "a key of another cipher")
        context = KeyMemory.keeping {
            guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
            let done = key.withBytes {
                EVP_EncryptInit_ex2(
                    context, cipher.method, $0.assumingMemoryBound(to: UInt8.self).baseAddress, nil, nil)
            }
            precondition(done == 1, "OpenSSL lacks a cipher")
            return context
        }
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Encrypts the first `plaintextLength` bytes in place and writes the tag behind them.
    ///
    /// - Parameter associated: is authenticated, and not part of the message.
    func seal(
        inPlace buffer: UnsafeMutableRawBufferPointer, plaintextLength: Int, nonce: AEADNonce,
        associated: UnsafeRawBufferPointer? = nil
    ) {
        precondition(buffer.count >= plaintextLength + Self.tagSize, "no room for the tag")
        guard let start = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        var done = withUnsafeBytes(of: nonce) {
            EVP_EncryptInit_ex2(context, nil, nil, $0.assumingMemoryBound(to: UInt8.self).baseAddress, nil) == 1
        }
        var written: Int32 = 0
        if let associated {
            done = done
                && EVP_EncryptUpdate(
                    context, nil, &written, associated.assumingMemoryBound(to: UInt8.self).baseAddress,
                    Self.length(associated.count)) == 1
        }
        if plaintextLength > 0 {
            done = done && EVP_EncryptUpdate(context, start, &written, start, Self.length(plaintextLength)) == 1
        }
        let end = start + plaintextLength
        done = done && EVP_EncryptFinal_ex(context, end, &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagSize), end) == 1
        // Going on would send plain text. Nothing that a peer sends can bring this about.
        precondition(done, "the cipher failed")
    }

    /// Decrypts in place all but the last 16 bytes, which are the tag.
    ///
    /// - Returns: whether the tag holds. If not, the buffer is erased: nothing of what is not authentic can be used.
    func open(
        inPlace buffer: UnsafeMutableRawBufferPointer, nonce: AEADNonce, associated: UnsafeRawBufferPointer? = nil
    ) -> Bool {
        let count = buffer.count - Self.tagSize
        guard count >= 0, let start = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return false }
        let tag = start + count
        var done = withUnsafeBytes(of: nonce) {
            EVP_DecryptInit_ex2(context, nil, nil, $0.assumingMemoryBound(to: UInt8.self).baseAddress, nil) == 1
        }
        done = done && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagSize), tag) == 1
        var written: Int32 = 0
        if let associated {
            done = done
                && EVP_DecryptUpdate(
                    context, nil, &written, associated.assumingMemoryBound(to: UInt8.self).baseAddress,
                    Self.length(associated.count)) == 1
        }
        if count > 0 { done = done && EVP_DecryptUpdate(context, start, &written, start, Self.length(count)) == 1 }
        precondition(done, "the cipher failed")
        guard EVP_DecryptFinal_ex(context, tag, &written) == 1 else {
            // TLS on this thread looks at the same list of errors.
            ERR_clear_error()
            Erasure.erase(buffer)
            return false
        }
        return true
    }

    private static func length(_ count: Int) -> Int32 {
        guard let length = Int32(exactly: count) else { preconditionFailure("a message of more than 2 GiB") }
        return length
    }
}
