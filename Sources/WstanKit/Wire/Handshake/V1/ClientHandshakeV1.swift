import WstanBase

/// A client's side of the opening handshake of version 1: a sealed request in the path, and a plain 101.
package struct ClientHandshakeV1 {
    let request: [UInt8]

    private let authenticator: Authenticator
    private let mode: HandshakeModeV1
    private let nonce: Nonce
    private let sealer: Sealer
    /// The 20 bytes that the answer has to have in its `Sec-WebSocket-Accept`.
    private let accept: [UInt8]

    /// - Parameter draw: a random nonce each time.
    package init(
        _ authenticator: Authenticator, _ mode: HandshakeModeV1, asking server: ClientHandshake.Server,
        for opening: Opening, _ draw: () -> Nonce
    ) {
        let key: String
        var cookie: String?
        if mode.isCompatible {
            let name = CompatibleMode.cookieName(for: authenticator.key)
            nonce = CompatibleMode.freshNonce(name, draw)
            cookie = CompatibleMode.cookie(name, nonce)
            // A proxy may replace it, so it means nothing.
            key = draw().base64
        } else {
            nonce = draw()
            key = nonce.base64
        }
        self.authenticator = authenticator
        self.mode = mode
        sealer = Sealer(authenticator: authenticator, stream: mode.stream(authenticator.key, nonce))
        accept = Nonce.accept(forKey: key.utf8)
        let segment = Base64.encode(sealer.seal(opening), .url)
        request = WebSocketHandshake.request(
            path: server.pathPrefix + segment + (server.query.map { "?\($0)" } ?? ""), host: server.host, key: key,
            cookie: cookie, fields: server.fields)
    }

    func open(_ answer: HTTPHead) throws(ClientHandshake.Failure) -> (sealer: Sealer, opener: Opener) {
        if let failure = ClientHandshake.Failure(answer, expecting: Base64.encode(accept)) { throw failure }
        let stream = mode.answeringStream(authenticator.key, to: nonce, accept: accept)
        return (sealer, Opener(authenticator: authenticator, stream: stream))
    }
}

extension Sealer {
    fileprivate func seal(_ opening: Opening) -> [UInt8] {
        switch opening {
        case .request(let request): seal(request: request)
        case .association(let request): seal(association: request)
        case .idle(let time): seal(idleAt: time)
        }
    }
}
