import WstanBase

extension RequestCarrier {
    /// The head of a request that carries M1 in this place (section 4.1).
    ///
    /// - Parameters:
    ///   - server: whose cookie's name follows from its key.
    ///   - key: random, for `Sec-WebSocket-Key`. Fronts replace it: it means nothing here.
    func head(
        of request: HandshakeRequest, asking site: ClientHandshake.Server, of server: ServerPublicKey, key: Nonce
    ) -> [UInt8] {
        let text = Base64.encodeUnpadded(request.bytes)
        let query = site.query.map { "?\($0)" } ?? ""
        var fields = site.fields
        if self == .subprotocol { fields.append("Sec-WebSocket-Protocol: \(text)") }
        return WebSocketHandshake.request(
            path: site.pathPrefix + (self == .path ? text : "") + query, host: site.host, key: key.base64,
            cookie: self == .cookie ? RequestCookie.field(text, name: server.cookieName) : nil, fields: fields)
    }
}
