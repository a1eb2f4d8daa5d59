/// The two halves of the opening handshake (RFC 6455 section 4), as text.
enum WebSocketHandshake {
    /// - Parameters:
    ///   - path: with the request in it.
    ///   - host: the authority as it belongs in the `Host` header.
    ///   - key: the base64 of 16 bytes.
    ///   - cookie: `name=value`, for compatible mode.
    ///   - fields: more of them, each as it goes into its line.
    static func request(path: String, host: String, key: String, cookie: String?, fields: [String] = []) -> [UInt8] {
        var text = """
            GET \(path) HTTP/1.1\r
            Host: \(host)\r
            Connection: Upgrade\r
            Pragma: no-cache\r
            Cache-Control: no-cache\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: \(key)\r

            """
        if let cookie { text += "Cookie: \(cookie)\r\n" }
        for field in fields { text += "\(field)\r\n" }
        text += "\r\n"
        return Array(text.utf8)
    }

    /// - Parameters:
    ///   - server: what the server calls itself, as in its other answers.
    ///   - date: an HTTP date.
    static func response(accept: String, server: String, date: String) -> [UInt8] {
        Array(
            """
            HTTP/1.1 101 Switching Protocols\r
            Server: \(server)\r
            Date: \(date)\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept: \(accept)\r
            \r

            """.utf8)
    }

    /// Section 4.2.1: whether a request asks for a WebSocket of version 13.
    ///
    /// - Returns: the value of its `Sec-WebSocket-Key`, nil if it does not ask for one in good order.
    static func key(in head: HTTPHead) -> ArraySlice<UInt8>? {
        lacking(in: head).isEmpty ? head.value(of: "Sec-WebSocket-Key") : nil
    }

    /// Section 4.2.1, points 1, 3, 4 and 6: what a request for a WebSocket lacks: the version, or names of fields.
    static func lacking(in head: HTTPHead) -> [String] {
        var parts: [String] = []
        if head.minorVersion == 0 { parts.append("HTTP/1.1") }
        // Upgrade is a list here: a client may offer others.
        if !head.hasToken("websocket", in: "Upgrade") { parts.append("Upgrade") }
        if !head.hasToken("upgrade", in: "Connection") { parts.append("Connection") }
        if head.value(of: "Sec-WebSocket-Version")?.elementsEqual("13".utf8) != true {
            parts.append("Sec-WebSocket-Version")
        }
        return parts
    }

    /// Section 4.1: whether a 101 accepts the key that was sent.
    static func isAccepted(_ head: HTTPHead, expecting accept: String) -> Bool {
        changesProtocol(head) && hasAccept(head, accept)
    }

    /// Section 4.1, points 2 and 3 of what a client fails on: here Upgrade has this value, and Connection this one among others.
    static func changesProtocol(_ answer: HTTPHead) -> Bool {
        guard let upgrade = answer.listItems(of: "Upgrade"), !upgrade.isEmpty else { return false }
        return upgrade.allSatisfy { $0.elementsEqual("websocket".utf8) } && answer.hasToken("upgrade", in: "Connection")
    }

    /// Whether a field is there and not empty.
    static func names(something field: String, in head: HTTPHead) -> Bool {
        head.values(of: field).contains { !$0.isEmpty }
    }

    static func hasAccept(_ head: HTTPHead, _ accept: String) -> Bool {
        head.value(of: "Sec-WebSocket-Accept").map { Array($0) == Array(accept.utf8) } == true
    }
}
