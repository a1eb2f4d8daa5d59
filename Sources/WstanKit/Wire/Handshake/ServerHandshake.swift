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

    /// - Returns: nil when it is not a request of this version.
    /// - Throws: why it opens nothing, though it looks like one.
    func judge(_ request: Request) throws(WireError) -> Candidate? {
        switch self {
        case .v1(let handshake): try handshake.judge(request)
        }
    }
}

extension [ServerHandshake] {
    /// Judges by one version after the other.
    ///
    /// - Returns: nil when it is a request of none of them.
    /// - Throws: the refusal of the version for which the request got furthest.
    func judge(_ head: HTTPHead) throws(WireError) -> ServerHandshake.Candidate? {
        guard let request = ServerHandshake.Request(head) else { return nil }
        guard request.lacking.isEmpty else {
            // Only of a request that a holder of a key has made it is known that something was taken out.
            if isAuthentic(request) { throw .incompleteUpgrade(lacking: request.lacking) }
            return nil
        }
        return try judge(request)
    }

    private func isAuthentic(_ request: ServerHandshake.Request) -> Bool {
        do throws(WireError) {
            return try judge(request) != nil
        } catch {
            return error.stage == 2
        }
    }

    private func judge(_ request: ServerHandshake.Request) throws(WireError) -> ServerHandshake.Candidate? {
        var refusal: WireError?
        for handshake in self {
            do throws(WireError) {
                if let candidate = try handshake.judge(request) { return candidate }
            } catch {
                if refusal.map({ $0.stage < error.stage }) ?? true { refusal = error }
            }
        }
        if let refusal { throw refusal }
        return nil
    }
}

extension WireError {
    /// How far a request got that was refused so: its form, its tag, what it says.
    fileprivate var stage: Int {
        switch self {
        case .malformed, .tooLarge: 0
        case .badAuthentication: 1
        case .sealedForOtherScheme, .unexpectedCommand, .expired, .replayed, .incompleteUpgrade: 2
        }
    }
}
