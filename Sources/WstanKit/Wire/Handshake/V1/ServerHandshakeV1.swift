import WstanBase

/// A server's side of the opening handshake of version 1. The order matters: the tag comes before anything that was
/// decrypted is looked at.
struct ServerHandshakeV1 {
    struct AcceptedKey {
        let authenticator: Authenticator
        /// In compatible mode.
        let cookieName: String

        init(_ key: Key) {
            authenticator = Authenticator(key: key)
            cookieName = CompatibleMode.cookieName(for: key)
        }
    }

    let mode: HandshakeModeV1
    /// In the order in which they are tried.
    let keys: [AcceptedKey]

    /// An empty request: a command, a time and the tag. A shorter segment is not a request of wstan.
    private static let shortest = 1 + 8 + Authenticator.tagSize

    func judge(_ request: ServerHandshake.Request) throws(WireError) -> ServerHandshake.Candidate? {
        guard let message = Base64.decode(request.segment, .url), message.count >= Self.shortest,
            let nonces = try nonces(for: request)
        else { return nil }
        let match = nonces.first { authenticator, _ in message.withUnsafeBytes { authenticator.isAuthentic($0) } }
        guard let (authenticator, nonce) = match else { throw .badAuthentication }

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

    /// For each key the nonce under which its request would be sealed; nil when the request is for none of them.
    private func nonces(for request: ServerHandshake.Request) throws(WireError) -> [(Authenticator, Nonce)]? {
        guard mode.isCompatible else {
            guard let nonce = Nonce(base64: request.key) else { throw .malformed }
            return keys.map { ($0.authenticator, nonce) }
        }
        let cookies = CompatibleMode.cookies(of: request.head)
        let found = keys.compactMap { key in
            CompatibleMode.nonce(in: cookies, key.cookieName).map { (key.authenticator, $0) }
        }
        return found.isEmpty ? nil : found
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
