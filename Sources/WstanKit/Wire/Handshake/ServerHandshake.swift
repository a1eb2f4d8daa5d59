import WstanBase

/// A server's side of the opening handshake by one version of the protocol: what a request asks for, if a holder of a key
/// has made it, and what seals the tunnel then. No I/O and no clock: whether a request is in time, and new, is another's
/// to judge.
enum ServerHandshake {
    case v1(ServerHandshakeV1)

    /// A request for a WebSocket, which may be one for a tunnel.
    struct Request {
        let head: HTTPHead
        /// The last segment of the path, which is all that counts: fronts add, remove and rewrite what stands before it, double its
        /// slash, and append a query. The target may be of any form (RFC 9112 section 3.2).
        let segment: [UInt8]
        /// The value of `Sec-WebSocket-Key`.
        let key: ArraySlice<UInt8>
        /// What is missing for a WebSocket, since something on the way has taken it out.
        let lacking: [String]

        /// - Returns: nil when the head is nothing like a request for a WebSocket.
        init?(_ head: HTTPHead) {
            guard let line = head.requestLine, line.method.elementsEqual("GET".utf8),
                let key = head.value(of: "Sec-WebSocket-Key")
            else { return nil }
            self.head = head
            segment = Self.lastSegment(of: line.target)
            self.key = key
            lacking = WebSocketHandshake.lacking(in: head)
        }

        private static func lastSegment(of target: ArraySlice<UInt8>) -> [UInt8] {
            let slash = UInt8(ascii: "/")
            let path = target.prefix { $0 != UInt8(ascii: "?") }
            guard let last = path.lastIndex(where: { $0 != slash }) else { return [] }
            let start = path[...last].lastIndex(of: slash).map { $0 + 1 } ?? path.startIndex
            return percentDecoded(path[start...last])
        }

        /// RFC 3986 section 6.2.2.2: an encoded letter is the letter. What is no encoding stays as it is.
        private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
            guard text.contains(UInt8(ascii: "%")) else { return Array(text) }
            var decoded: [UInt8] = []
            var rest = text
            while let byte = rest.popFirst() {
                let digits = rest.prefix(2)
                if byte == UInt8(ascii: "%"), digits.count == 2, let value = Hex.decode(digits)?.first {
                    decoded.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    decoded.append(byte)
                }
            }
            return decoded
        }
    }

    /// A request that a holder of a key has made. It may be old, and a replay.
    struct Candidate {
        let opening: Opening
        /// Tells it from all other requests of its key: the same once more is a replay.
        let identity: Nonce
        /// The value for the 101.
        let accept: String
        let sealer: Sealer
        let opener: Opener

        /// Of the key that it was made with.
        var keyID: KeyID { opener.keyID }
    }

    /// Keys that are looked through for the one that a request was made with.
    enum Search {
        case v1(KeySearchV1)
    }

    /// - Returns: nil when it is not a request of this version.
    func search(_ request: Request) -> Search? {
        switch self {
        case .v1(let handshake): KeySearchV1(request, by: handshake).map { .v1($0) }
        }
    }
}
