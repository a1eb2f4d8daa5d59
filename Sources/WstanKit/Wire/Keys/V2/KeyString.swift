import WstanBase
import WstanControl

/// A key of version 2 as text: `wstan2:` and the base64url of `kind(1) || payload || realm(0 to 32) || check(4)`, without padding.
package struct KeyString: Sendable, Equatable, Redacted {
    package typealias Kind = KeyStringText.Kind
    package typealias Problem = KeyStringText.Problem

    package let kind: Kind
    package let realm: Realm
    private let payload: SecretBytes

    /// Of kind 1.
    package static func randomShared() -> KeyString { KeyString(shared: .random(count: Kind.shared.payloadSize)) }

    init(shared secret: SecretBytes, realm: Realm = .none) {
        self.init(.shared, secret, realm)
    }

    package init(client server: ServerPublicKey, _ user: UserKey, realm: Realm = .none) {
        let payload = SecretBytes(count: Kind.client.payloadSize) { room in
            room.copyBytes(from: server.bytes)
            user.secret.withBytes { UnsafeMutableRawBufferPointer(rebasing: room[32...]).copyMemory(from: $0) }
        }
        self.init(.client, payload, realm)
    }

    package init(server key: ServerKey, realm: Realm = .none) {
        self.init(.server, key.privateKey, realm)
    }

    private init(_ kind: Kind, _ payload: SecretBytes, _ realm: Realm) {
        precondition(payload.count == kind.payloadSize, "a key of another length")
        self.kind = kind
        self.payload = payload
        self.realm = realm
    }

    // MARK: What it holds

    /// The server's key as a client has it.
    var serverPublicKey: ServerPublicKey {
        switch kind {
        case .shared, .server: derivedServerKey.publicKey
        case .client: ServerPublicKey(payload.withBytes { Array($0.prefix(32)) })
        }
    }

    /// Nil for a client's.
    var serverKey: ServerKey? { kind == .client ? nil : derivedServerKey }

    /// Nil for a server's.
    var userKey: UserKey? {
        switch kind {
        case .shared: UserKey(secret: HKDF.expand(prk: sharedPRK, info: Array("user".utf8), length: UserKey.size))
        case .client: UserKey(secret: payload.part(32..<64))
        case .server: nil
        }
    }

    private var derivedServerKey: ServerKey {
        ServerKey(
            privateKey: kind == .server
                ? payload : HKDF.expand(prk: sharedPRK, info: Array("server".utf8), length: X25519KeyPair.size))
    }

    private var sharedPRK: SecretBytes { HKDF.extract(salt: KeyLabels.salt, ikm: payload) }

    // MARK: As text

    /// A copy; see `Erasure`.
    package var text: String {
        var bytes = [kind.rawValue] + payload.withBytes { Array($0) } + realm.bytes
        bytes += bytes.withUnsafeBytes { Self.check(of: $0) }
        return KeyStringText.prefix + Base64.encodeUnpadded(bytes)
    }

    /// Copies are made of the text on the way; see `Erasure`.
    ///
    /// - Throws: what is wrong with it, without a byte of what may be a key.
    package init(text: String) throws(Problem) {
        var string = try KeyStringText(text, check: Self.check)
        defer { string.bytes.withUnsafeMutableBytes { Erasure.erase($0) } }
        guard let realm = Realm(string.realm) else { throw .length(string.kind) }
        self.init(string.kind, SecretBytes(string.payload), realm)
    }

    private static func check(of body: UnsafeRawBufferPointer) -> ArraySlice<UInt8> {
        let label = KeyStringText.checkLabel
        let labelled = SecretBytes(count: label.count + body.count) { room in
            room.copyBytes(from: label)
            UnsafeMutableRawBufferPointer(rebasing: room[label.count...]).copyMemory(from: body)
        }
        return labelled.withBytes { SHA256.digest($0) }.prefix(KeyStringText.checkSize)
    }
}
