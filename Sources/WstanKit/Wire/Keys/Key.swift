import COpenSSL
import WstanBase

/// The secret that client and server share: AES key and HMAC key in one, as version 1 has it.
package struct Key: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// 16 bytes (AES-128), or 32 when it came from a passphrase (AES-256).
    package let bytes: [UInt8]

    init?(bytes: [UInt8]) {
        guard bytes.count == 16 || bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// The base64 of exactly 16 bytes is that key; any other text is a passphrase and takes about 50 ms to derive.
    ///
    /// - Returns: nil for an empty text.
    package init?(text: String) {
        guard !text.isEmpty else { return nil }
        if let bytes = Base64.decode(Array(text.utf8)), bytes.count == 16 {
            self.init(unchecked: bytes)
        } else {
            self.init(passphrase: text)
        }
    }

    /// Takes about 50 ms.
    ///
    /// - Returns: nil when there is not enough memory.
    package init?(passphrase: String) {
        guard let derived = Self.derive(fromPassphrase: passphrase) else { return nil }
        bytes = derived
    }

    package static func random() -> Key {
        var bytes = [UInt8](repeating: 0, count: 16)
        precondition(RAND_bytes(&bytes, 16) == 1, "the system has no randomness")
        return Key(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    package var base64: String { Base64.encode(bytes) }

    package var description: String { "<key>" }
    package var debugDescription: String { "<key>" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The salt is fixed by the protocol, since both sides must come to the same key without talking.
    private static let salt: [UInt8] = [
        0x6a, 0xbf, 0x20, 0x09, 0x3b, 0xd5, 0xc6, 0xc6, 0x76, 0x68, 0x07, 0xc1, 0xd6, 0xb2, 0x82, 0x2f,
    ]

    private static func derive(fromPassphrase text: String) -> [UInt8]? {
        let passphrase = Array(text.utf8)
        var key = [UInt8](repeating: 0, count: 32)
        let done = passphrase.withUnsafeBytes { bytes in
            EVP_PBE_scrypt(
                bytes.bindMemory(to: CChar.self).baseAddress, bytes.count, salt, salt.count, 1 << 14, 8, 1, 1 << 26,
                &key, key.count)
        }
        return done == 1 ? key : nil
    }
}
