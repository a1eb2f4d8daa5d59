@testable import WstanBase
@testable import WstanCore

/// The head of a WebSocket request, with every part free.
struct RequestHead {
    var method = "GET"
    var path = "/"
    var version = "HTTP/1.1"
    var key = Nonce(high: 1, low: 2).base64
    var cookie: String?
    /// Fields that are left out.
    var without: [String] = []
    var extra = ""

    /// A request of our own making.
    ///
    /// - Parameters:
    ///   - nonce: where the key stream begins; without one nothing is encrypted.
    init(_ key: Key, nonce: Nonce?, prefix: String = "/", _ seal: (Sealer) -> [UInt8]) {
        let stream = nonce.map { KeyStream(key: key, nonce: $0) }
        path = prefix + Base64.encode(seal(Sealer(authenticator: Authenticator(key: key), stream: stream)), .url)
        if let nonce { self.key = nonce.base64 }
    }

    init(_ vector: Vectors.RequestVector, prefix: String = "/") {
        path = prefix + vector.path
        if let nonce = vector.nonce.flatMap({ Nonce(prefixOf: Hexadecimal($0).bytes) }) { key = nonce.base64 }
    }

    var bytes: [UInt8] {
        let fields = [
            "Host: example.com", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: \(key)",
        ]
        let kept = fields.filter { field in !without.contains { field.hasPrefix($0 + ":") } }
        let cookies = cookie.map { ["Cookie: \($0)"] } ?? []
        let lines = ["\(method) \(path) \(version)"] + kept + cookies
        return Array((lines.joined(separator: "\r\n") + "\r\n" + extra + "\r\n").utf8)
    }

    func head() throws -> HTTPHead { try HTTPHead(bytes) }

    func with(_ change: (inout RequestHead) -> Void) -> RequestHead {
        var changed = self
        change(&changed)
        return changed
    }
}
