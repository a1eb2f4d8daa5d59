import CLinux
import COpenSSL

/// Passwords against hashes of crypt(5), as `mkpasswd` and `htpasswd -B` write them.
enum PasswordHash {
    private static let size = MemoryLayout<crypt_data>.size

    /// Takes as long as the hash wants it to, tens of milliseconds or more, and up to some megabytes: not for the thread
    /// of a worker.
    ///
    /// - Returns: false too for what no hash is made of: a password with a 0 in it, which would be compared only up to
    ///   there, and one of more than 511 bytes.
    static func matches(_ password: [UInt8], _ hash: String) -> Bool {
        guard !password.contains(0), password.count < Int(CRYPT_MAX_PASSPHRASE_SIZE) else { return false }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        defer {
            // It holds the password.
            OPENSSL_cleanse(memory, size)
            memory.deallocate()
        }
        let phrase = password.map { CChar(bitPattern: $0) } + [0]
        // crypt_rn, unlike crypt_r, says by nil that it could not.
        guard let made = crypt_rn(phrase, hash, memory, Int32(size)) else { return false }
        let text = Array(hash.utf8)
        var count = 0
        while made[count] != 0 { count += 1 }
        return count == text.count && CRYPTO_memcmp(made, text, count) == 0
    }
}
