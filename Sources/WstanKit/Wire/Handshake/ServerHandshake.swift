/// A server's side of the opening handshake by one version of the protocol: what a request asks for, if a holder of a key
/// has made it, and what seals the tunnel then. No I/O and no clock: whether a request is in time, and new, is another's
/// to judge.
enum ServerHandshake {
    case v1(ServerHandshakeV1)

    /// A request for a WebSocket, which may be one for a tunnel.
    struct Request {
        let head: HTTPHead
        /// As its first line has it.
        let target: ArraySlice<UInt8>
        /// The value of `Sec-WebSocket-Key`.
        let key: ArraySlice<UInt8>

        /// - Returns: nil when the head asks for no WebSocket.
        init?(_ head: HTTPHead) {
            guard let line = head.requestLine, line.method.elementsEqual("GET".utf8),
                line.version.last == UInt8(ascii: "1"), let key = WebSocketHandshake.key(in: head)
            else { return nil }
            self.head = head
            target = line.target
            self.key = key
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
        case .sealedForOtherScheme, .unexpectedCommand, .expired, .replayed: 2
        }
    }
}
