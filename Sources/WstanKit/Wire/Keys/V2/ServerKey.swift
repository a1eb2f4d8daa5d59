import WstanBase

/// What clients have of a server's key (spk of section 3), and what follows from it: its holders can tell this server's requests
/// from noise, and cannot open them.
package struct ServerPublicKey: Sendable, Equatable, Redacted {
    let point: X25519PublicKey
    /// Names it to administrators; no request has it.
    package let id: KeyID
    /// From which the keys follow that hide a request's header and the answer's ephemeral key.
    let mask: SecretBytes
    /// What the cookie is called that carries a request.
    let cookieName: String

    init(_ bytes: [UInt8]) {
        point = X25519PublicKey(bytes)
        id = KeyID(label: "wstan server key", bytes)
        let hmac = HMAC()
        mask = HKDF.extract(salt: KeyLabels.maskSalt, ikm: bytes, by: hmac)
        let choice = HKDF.expand(prk: mask, info: Array("cookie".utf8), length: 1, by: hmac).withBytes { $0[0] }
        cookieName = Self.cookieNames[Int(choice) % Self.cookieNames.count]
    }

    /// 32 of them.
    package var bytes: [UInt8] { point.bytes }

    static let cookieNames = [
        "session", "token", "auth", "jwt", "sid", "auth_token", "access_token", "id_token", "refresh_token", "session_token",
        "user_session", "app_session", "remember_token", "login_token", "sess", "identity",
    ]
}

/// The key pair of a server (ssk and spk of section 3).
package struct ServerKey: Sendable, Equatable, Redacted {
    /// 32 random bytes.
    let privateKey: SecretBytes
    let pair: X25519KeyPair
    package let publicKey: ServerPublicKey

    init(privateKey: SecretBytes) {
        self.privateKey = privateKey
        pair = X25519KeyPair(privateKey: privateKey)
        publicKey = ServerPublicKey(pair.publicKey)
    }

    /// The salt of a request that the server's own doctor makes. It looks random, as others do. Only who has the server's key can
    /// make it.
    func ownSalt(for ephemeralKey: [UInt8]) -> [UInt8] {
        HKDF.expand(prk: privateKey, info: KeyLabels.doctor + ephemeralKey, length: HandshakeBounds.salt, by: HMAC())
            .withBytes { Array($0) }
    }

    package static func random() -> ServerKey { ServerKey(privateKey: .random(count: X25519KeyPair.size)) }

    package static func == (a: ServerKey, b: ServerKey) -> Bool { a.privateKey == b.privateKey }
}

/// The keys of a server that clients may have: the current one and, while they change to it, the former one. Requests are tried
/// under them in this order.
package struct LiveServerKeys: Sendable, Equatable, Redacted {
    package var current: ServerKey
    package var former: ServerKey?

    var live: [ServerKey] { [current] + (former.map { [$0] } ?? []) }
}
