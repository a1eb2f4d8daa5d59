import COpenSSL
import WstanBase

/// The secret that client and server share: AES key and HMAC key in one, as version 1 has it.
package struct Key: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let secret: SecretBytes

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 || bytes.count == 32 else { return nil }
        secret = SecretBytes(bytes)
    }

    /// The base64 of exactly 16 bytes is that key; any other text is a passphrase and takes about 50 ms to derive.
    ///
    /// - Returns: nil for an empty text.
    package init?(text: String) {
        guard !text.isEmpty else { return nil }
        if let bytes = Base64.decode(Array(text.utf8)), bytes.count == 16 {
            self.init(SecretBytes(bytes))
        } else {
            self.init(passphrase: text)
        }
    }

    /// Takes about 50 ms.
    ///
    /// - Returns: nil when there is not enough memory.
    package init?(passphrase: String) {
        guard let derived = Self.derive(fromPassphrase: passphrase) else { return nil }
        secret = derived
    }

    package static func random() -> Key {
        Key(.random(count: 16))
    }

    private init(_ secret: SecretBytes) {
        self.secret = secret
    }

    /// 16 bytes (AES-128), or 32 when it came from a passphrase (AES-256).
    package var count: Int { secret.count }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { secret.withBytes(body) }

    /// A copy; see `Erasure`.
    package var base64: String { Base64.encode(withBytes { Array($0) }) }

    package var description: String { "<key>" }
    package var debugDescription: String { "<key>" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The salt is fixed by the protocol, since both sides must come to the same key without talking.
    private static let salt: [UInt8] = [
        0x6a, 0xbf, 0x20, 0x09, 0x3b, 0xd5, 0xc6, 0xc6, 0x76, 0x68, 0x07, 0xc1, 0xd6, 0xb2, 0x82, 0x2f,
    ]

    private static func derive(fromPassphrase text: String) -> SecretBytes? {
        let passphrase = SecretBytes(Array(text.utf8))
        var done: Int32 = 0
        let key = SecretBytes(count: 32) { key in
            done = passphrase.withBytes { bytes in
                EVP_PBE_scrypt(
                    bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count, salt, salt.count, 1 << 14, 8, 1, 1 << 26,
                    key.assumingMemoryBound(to: UInt8.self).baseAddress, key.count)
            }
        }
        return done == 1 ? key : nil
    }
}
