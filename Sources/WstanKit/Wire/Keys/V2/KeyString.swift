import WstanBase

/// A key of version 2 as text: `wstan2:` and the base64url of `kind(1) || payload || realm(0 to 32) || check(4)`, without padding.
package struct KeyString: Sendable, Equatable, Redacted {
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// 32 bytes, from which the server's private key and the user's secret follow: one string for both ends.
        case shared = 1
        /// The server's public key and the user's secret: for a client, which cannot play the server.
        case client = 2
        /// The server's private key: for a server, whose users are in its ring.
        case server = 3

        var payloadSize: Int {
            switch self {
            case .shared, .server: 32
            case .client: 64
            }
        }
    }

    package static let prefix = "wstan2:"
    private static let checkSize = 4
    /// kind, payload, realm, check.
    private static let lengths = 1 + 32 + checkSize...1 + 64 + Realm.mostBytes + checkSize

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
        return Self.prefix + Base64.encodeUnpadded(bytes)
    }

    /// Copies are made of the text on the way; see `Erasure`.
    ///
    /// - Throws: what is wrong with it, without a byte of what may be a key.
    package init(text: String) throws(Problem) {
        guard text.utf8.starts(with: Self.prefix.utf8) else { throw Problem(ofPrefix: text) }
        let body = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard !body.isEmpty else { throw .empty }
        if let place = body.firstIndex(where: { !Self.isSymbol($0) }) {
            throw .character(place: text.utf8.distance(from: text.startIndex, to: place) + 1, body[place])
        }
        guard body.count <= (Self.lengths.upperBound * 4 + 2) / 3 else { throw .tooLong }
        guard var bytes = Base64.decodeUnpadded(body) else { throw .damaged }
        defer { bytes.withUnsafeMutableBytes { Erasure.erase($0) } }
        guard bytes.count >= Self.lengths.lowerBound else { throw .tooShort }
        let isWhole = bytes.withUnsafeBytes { bytes in
            Self.check(of: UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.checkSize)))
                .elementsEqual(bytes.suffix(Self.checkSize))
        }
        guard isWhole else { throw .damaged }
        guard let kind = Kind(rawValue: bytes[0]) else { throw .unknownKind(bytes[0]) }
        let rest = bytes[1..<(bytes.count - Self.checkSize)]
        guard rest.count >= kind.payloadSize, let realm = Realm(rest.dropFirst(kind.payloadSize)) else {
            throw .length(kind)
        }
        self.init(kind, SecretBytes(rest.prefix(kind.payloadSize)), realm)
    }

    private static func check(of body: UnsafeRawBufferPointer) -> ArraySlice<UInt8> {
        let label = KeyLabels.check
        let labelled = SecretBytes(count: label.count + body.count) { room in
            room.copyBytes(from: label)
            UnsafeMutableRawBufferPointer(rebasing: room[label.count...]).copyMemory(from: body)
        }
        return labelled.withBytes { SHA256.digest($0) }.prefix(checkSize)
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
