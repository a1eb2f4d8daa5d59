import WstanBase

/// M1: what a client asks with.
///
///     salt(16) || box(64) || the rest of Noise's first message
struct HandshakeRequest: Equatable, Sendable {
    /// Of a length that M1 may have.
    let bytes: [UInt8]

    /// - Returns: nil for a length that no M1 has.
    init?(_ bytes: [UInt8]) {
        guard HandshakeBounds.requests.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    var salt: [UInt8] { Array(bytes[..<HandshakeBounds.salt]) }
    var box: ArraySlice<UInt8> { bytes[HandshakeBounds.salt..<Self.ciphertextStart] }
    var ciphertext: [UInt8] { Array(bytes[Self.ciphertextStart...]) }

    private static let ciphertextStart = HandshakeBounds.salt + RequestHeader.boxSize

    /// Judged where a request carries nothing that could be one, so that it costs the same.
    static let madeUp = HandshakeRequest(checked: [UInt8](repeating: 0x5a, count: HandshakeBounds.leastRequest))

    private init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// M2: what a server answers with.
///
///     (e XOR mask)(32) || the rest of Noise's second message
struct HandshakeReply: Equatable, Sendable {
    let bytes: [UInt8]

    /// - Returns: nil for a length that no M2 has.
    init?(_ bytes: [UInt8]) {
        guard HandshakeBounds.replies.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    var maskedKey: ArraySlice<UInt8> { bytes[..<HandshakeBounds.publicKey] }
    var ciphertext: [UInt8] { Array(bytes[HandshakeBounds.publicKey...]) }
}
