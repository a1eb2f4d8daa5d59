import WstanBase

/// The secret of one user or device of version 2 (U of section 3), and what follows from it.
package struct UserKey: Sendable, Equatable, Redacted {
    static let size = 32

    /// 32 random bytes.
    let secret: SecretBytes
    /// Names the key in a request, inside its box.
    package let id: UserKeyID
    /// What Noise mixes in: both ends know it.
    let psk: SecretBytes

    package static func random() -> UserKey { UserKey(secret: .random(count: size)) }

    init(secret: SecretBytes) {
        precondition(secret.count == Self.size, "a user key has 32 bytes")
        self.secret = secret
        let hmac = HMAC()
        let prk = HKDF.extract(salt: KeyLabels.salt, ikm: secret, by: hmac)
        id = UserKeyID(HKDF.expand(prk: prk, info: Array("kid".utf8), length: UserKeyID.size, by: hmac))
        psk = HKDF.expand(prk: prk, info: Array("psk".utf8), length: 32, by: hmac)
    }
}

/// kid: what a server finds a user by, however many there are. No outsider can read it on the wire.
package struct UserKeyID: Hashable, Sendable, CustomStringConvertible {
    static let size = 8

    let value: UInt64

    init(value: UInt64) {
        self.value = value
    }

    fileprivate init(_ bytes: SecretBytes) {
        value = bytes.withBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// 16 hexadecimal digits.
    package var description: String { KeyID(self).description }
}

/// The labels that keep the keys of version 2 apart from all other uses of the same secret.
enum KeyLabels {
    static let salt = Array("wstan2".utf8)
    static let maskSalt = Array("wstan2 mask".utf8)
    static let doctor = Array("wstan2 doctor".utf8)
    static let chain = Array("wstan2 chain".utf8)
}
