import WstanBase

/// A server's side of the opening handshake of version 1. The order matters: the tag comes before anything that was
/// decrypted is looked at.
struct ServerHandshakeV1 {
    final class AcceptedKey {
        let authenticator: Authenticator
        /// In compatible mode.
        let cookieName: String
        /// Where there are many keys.
        private(set) lazy var glance = KeyGlance(key: authenticator.key)

        init(_ key: Key) {
            authenticator = Authenticator(key: key)
            cookieName = CompatibleMode.cookieName(for: key)
        }
    }

    let mode: HandshakeModeV1
    /// In the order in which they are tried.
    let keys: [AcceptedKey]

    /// An empty request: a command, a time and the tag. A shorter segment is not a request of wstan.
    static let shortest = 1 + 8 + Authenticator.tagSize

    /// - Parameter message: whose tag has held.
    func candidate(
        _ request: ServerHandshake.Request, _ message: [UInt8], _ authenticator: Authenticator, _ nonce: Nonce
    ) throws(WireError) -> ServerHandshake.Candidate {
        let stream = mode.stream(authenticator.key, nonce)
        let (body, tag) = (message.dropLast(Authenticator.tagSize), message.suffix(Authenticator.tagSize))
        var plaintext = Array(body)
        stream?.apply(to: &plaintext)
        let opening = try read(plaintext)
        // Under TLS the nonce has no part in the request: there its tag tells one from another.
        let identity = mode.usesCipher ? nonce : Nonce(tag: tag)
        guard let identity else { throw .malformed }
        let accept = Nonce.accept(forKey: request.key)
        return ServerHandshake.Candidate(
            opening: opening, identity: identity, accept: Base64.encode(accept),
            sealer: Sealer(
                authenticator: authenticator,
                stream: mode.answeringStream(authenticator.key, to: nonce, accept: accept)),
            opener: Opener(authenticator: authenticator, stream: stream))
    }

    private func read(_ plaintext: [UInt8]) throws(WireError) -> Opening {
        do throws(WireError) {
            return try plaintext.withBytes(Opening.read)
        } catch {
            // The tag held, so a holder of the key sent this: what cannot be read was sealed for the other scheme.
            throw error == .malformed ? .sealedForOtherScheme : error
        }
    }
}
