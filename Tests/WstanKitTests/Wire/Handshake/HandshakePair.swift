@testable import WstanBase
@testable import WstanCore

/// Both sides of a handshake of version 1, with a key, a time and nonces of their own.
struct HandshakePair {
    static let now = 1_763_683_200.0
    static let target = Address(host: .name("example.com"), port: 443)
    static let nonces = [
        Nonce(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10), Nonce(high: 5, low: 6),
    ]
    static let openings: [Opening] = [
        .request(Request(time: now, target: target, data: [1, 2, 3])),
        .association(AssociationRequest(time: now, first: Datagram(address: target, data: [4, 5]))),
        .idle(time: now),
    ]
    /// Every way in which two ends may be configured.
    static let modes = [false, true].flatMap { usesCipher in
        [false, true].map { HandshakeModeV1(usesCipher: usesCipher, isCompatible: $0) }
    }

    let key: Key
    var mode = HandshakeModeV1()

    func client(
        _ opening: Opening = openings[0], nonces: [Nonce] = nonces, query: String? = nil
    ) -> ClientHandshake {
        var nonces = nonces[...]
        let server = ClientHandshake.Server(pathPrefix: "/t/", query: query, host: "front.test", fields: ["X-A: b"])
        return .v1(
            ClientHandshakeV1(Authenticator(key: key), mode, asking: server, for: opening) {
                nonces.popFirst() ?? Nonce(high: 0, low: 0)
            })
    }

    var server: ServerHandshake {
        .v1(ServerHandshakeV1(mode: mode, keys: [ServerHandshakeV1.AcceptedKey(key)]))
    }

    func judge(_ head: HTTPHead) throws(WireError) -> ServerHandshake.Candidate? {
        try [server].judge(head)
    }

    static func answer(_ accept: String) -> [UInt8] {
        WebSocketHandshake.response(accept: accept, server: "s", date: HTTPDate.format(Int64(now)))
    }
}

extension [ServerHandshake] {
    func judge(_ head: HTTPHead) throws(WireError) -> ServerHandshake.Candidate? {
        guard let request = ServerHandshake.Request(head) else { return nil }
        var trial = HandshakeTrial(of: request, by: self)
        return try trial.judge()
    }
}
