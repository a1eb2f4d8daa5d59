import WstanBase

/// What the box at the beginning of M1 holds: whose request it is, when it was made, and the initiator's ephemeral key (section 4.3).
///
///     kid(8) || time(u64) || e(32)
struct RequestHeader: Equatable, Sendable {
    static let boxSize = UserKeyID.size + 8 + HandshakeBounds.publicKey + AEAD.tagSize

    let keyID: UserKeyID
    let time: WireTime
    let ephemeralKey: [UInt8]

    func sealed(with secrets: RequestSecrets) -> [UInt8] {
        var box: [UInt8] = []
        box.reserveCapacity(Self.boxSize)
        box.append(integer: keyID.value)
        box.append(integer: time.milliseconds)
        box += ephemeralKey
        let count = box.count
        box += [UInt8](repeating: 0, count: AEAD.tagSize)
        box.withUnsafeMutableBytes { secrets.box.seal(inPlace: $0, plaintextLength: count, nonce: Self.nonce) }
        return box
    }

    /// - Returns: nil when the box is for another server, or not as it was made.
    static func open(_ box: ArraySlice<UInt8>, with secrets: RequestSecrets) -> RequestHeader? {
        var box = Array(box)
        guard box.withUnsafeMutableBytes({ secrets.box.open(inPlace: $0, nonce: nonce) }) else { return nil }
        return box.withBytes { bytes in
            var reader = ByteReader(bytes)
            guard let id = reader.readInteger(UInt64.self), let time = reader.readInteger(UInt64.self),
                let key = reader.readBytes(HandshakeBounds.publicKey)
            else { return nil }
            return RequestHeader(
                keyID: UserKeyID(value: id), time: WireTime(milliseconds: time), ephemeralKey: Array(key))
        }
    }

    /// The key is fresh with each salt.
    private static let nonce = AEADNonce(counter: 0)
}

/// What follows from a request's salt and the server's public key.
struct RequestSecrets {
    /// Under k_m1.
    let box: AEAD
    private let prk: SecretBytes
    private let hmac: HMAC

    init(salt: [UInt8], server: ServerPublicKey, by hmac: HMAC) {
        self.hmac = hmac
        prk = HKDF.extract(salt: salt, ikm: server.mask, by: hmac)
        box = AEAD(.aes256GCM, key: HKDF.expand(prk: prk, info: Array("m1".utf8), length: 32, by: hmac))
    }

    /// m2_mask: hides the ephemeral key of the answer, which would show as a point of the curve. 32 bytes. A request that is refused
    /// needs none.
    var replyMask: SecretBytes {
        HKDF.expand(prk: prk, info: Array("m2".utf8), length: HandshakeBounds.publicKey, by: hmac)
    }

    /// Hides the key, or shows it.
    func masked(_ ephemeralKey: some Sequence<UInt8>) -> [UInt8] {
        replyMask.withBytes { mask in zip(ephemeralKey, mask).map { $0 ^ $1 } }
    }
}

/// What both sides put before their transcripts (section 4.3).
enum HandshakePrologue {
    static func of(_ header: RequestHeader, salt: [UInt8], realm: Realm) -> [UInt8] {
        var prologue = Array("wstan2".utf8) + [0]
        prologue += salt
        prologue.append(integer: header.keyID.value)
        prologue.append(integer: header.time.milliseconds)
        prologue.append(UInt8(truncatingIfNeeded: realm.bytes.count))
        prologue += realm.bytes
        return prologue
    }
}
