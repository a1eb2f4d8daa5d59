/// How version 1 seals a tunnel, and where the client's nonce travels. Nothing on the wire tells: both ends are configured
/// alike.
package struct HandshakeModeV1: Equatable, Sendable {
    /// Whether wstan seals messages itself: ws://. Under wss:// TLS does.
    package var usesCipher = true
    /// The nonce travels in a cookie; else it is the `Sec-WebSocket-Key`.
    package var isCompatible = false

    package init(usesCipher: Bool = true, isCompatible: Bool = false) {
        self.usesCipher = usesCipher
        self.isCompatible = isCompatible
    }

    /// The client's direction.
    func stream(_ key: Key, _ nonce: Nonce) -> KeyStream? {
        usesCipher ? KeyStream(key: key, nonce: nonce) : nil
    }

    /// The server's direction.
    ///
    /// - Parameters:
    ///   - nonce: the client's.
    ///   - accept: the 20 bytes of `Sec-WebSocket-Accept`.
    func answeringStream(_ key: Key, to nonce: Nonce, accept: [UInt8]) -> KeyStream? {
        guard usesCipher else { return nil }
        guard let answering = isCompatible ? nonce.ofServerInCompatibleMode : Nonce.ofServer(accept: accept) else {
            preconditionFailure("a SHA-1 of less than 16 bytes")
        }
        return KeyStream(key: key, nonce: answering)
    }
}
