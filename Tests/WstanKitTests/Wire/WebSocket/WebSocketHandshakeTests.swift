import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct HandshakeTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    /// RFC 6455 section 1.3.
    private static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    private static func request(_ change: (String) -> String = { $0 }) throws -> HTTPHead {
        let bytes = WebSocketHandshake.request(path: "/x", host: "h:1", key: key, cookie: "_A=b")
        return try HTTPHead(Array(change(String(decoding: bytes, as: UTF8.self)).utf8))
    }

    @Test func `the example of the RFC is accepted`() throws {
        let accept = Base64.encode(Nonce.accept(forKey: Self.key.utf8))
        #expect(accept == Self.accept)
        let head = try HTTPHead(WebSocketHandshake.response(accept: accept, server: "s", date: "d"), as: .answer)
        #expect(head.status == 101)
        #expect(WebSocketHandshake.isAccepted(head, expecting: Self.accept))
        #expect(!WebSocketHandshake.isAccepted(head, expecting: Self.accept.lowercased()))
    }

    @Test func `a request that we make is one that we take`() throws {
        let head = try Self.request()
        #expect(WebSocketHandshake.key(in: head).map { Array($0) } == Array(Self.key.utf8))
        #expect(head.value(of: "cookie").map { Array($0) } == Array("_A=b".utf8))
        #expect(head.value(of: "host").map { Array($0) } == Array("h:1".utf8))
    }

    @Test func `tokens have no case and come in lists`() throws {
        let head = try Self.request {
            $0.replacing("Connection: Upgrade", with: "connection: keep-alive,\tUPGRADE ")
                .replacing("Upgrade: websocket", with: "UPGRADE: WebSocket")
        }
        #expect(WebSocketHandshake.key(in: head) != nil)
    }

    @Test(arguments: [
        ("Upgrade: websocket\r\n", ""), ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade", "Connection: close"),
        ("Version: 13", "Version: 8"), ("Version: 13", "Version: 13, 8"), ("Sec-WebSocket-Key", "Sec-WebSocket-Kex"),
        ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"),
        ("Cookie: ", "Sec-WebSocket-Key: "), ("Upgrade: websocket", "Upgrade: websockets"),
    ])
    func `a request that lacks something has no key`(old: String, new: String) throws {
        let head = try Self.request { $0.replacing(old, with: new) }
        #expect(WebSocketHandshake.key(in: head) == nil)
    }
}
