/// What seals the records of a tunnel (protocol-v2.md section 4.6).
enum RecordCipher: Hashable, Sendable {
    case sealed(AEADCipher)
    /// 128: TLS does it, and both ends have proven that they sit on the same TLS connection (4.7). A plaintext is the record.
    case none

    init?(byte: UInt8) {
        if byte == Self.none.byte {
            self = .none
        } else {
            guard let cipher = AEADCipher(rawValue: byte) else { return nil }
            self = .sealed(cipher)
        }
    }

    var byte: UInt8 {
        switch self {
        case .sealed(let cipher): cipher.rawValue
        case .none: 128
        }
    }

    /// Bytes behind the plaintext.
    var tagSize: Int {
        switch self {
        case .sealed: LimitsV2.tag
        case .none: 0
        }
    }
}
