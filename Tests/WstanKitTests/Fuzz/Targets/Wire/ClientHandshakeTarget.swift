@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// The head of an answer, from anybody or from a server without the key: only a 101 for the key that was sent opens
    /// a tunnel.
    static let clientHandshake = FuzzTarget(
        "client-handshake",
        seeds: [
            [3] + Array("X: y\r\n".utf8), [1],
            [0]
                + Array(
                    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
                        .utf8),
            [4] + Array("HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n".utf8),
        ]
    ) { input in
        let choice = input.byte()
        let mode = HandshakeModeV1(usesCipher: choice & 2 != 0, isCompatible: choice & 4 != 0)
        let client = ClientHandshake.v1(
            ClientHandshakeV1(
                Authenticator(key: FuzzKey.known), mode,
                asking: ClientHandshake.Server(pathPrefix: "/", host: "a.test"),
                for: .idle(time: 1)
            ) { FuzzKey.nonce })
        let accept = Base64.encode(Nonce.accept(forKey: FuzzKey.nonce.base64.utf8))
        let good = WebSocketHandshake.response(accept: accept, server: "s", date: "d")
        let bytes = choice & 1 == 0 ? input.rest() : good.dropLast(2) + input.rest() + [13, 10]
        guard let head = try? HTTPHead(bytes, as: .answer) else { return }
        do throws(ClientHandshake.Failure) {
            _ = try client.open(head)
            require(head.status == 101, "only a 101")
            require(WebSocketHandshake.isAccepted(head, expecting: accept), "only for the key that was sent")
        } catch {
            if case .status(let status) = error { require(status == head.status && status != 101, "as it says") }
        }
    }
}
