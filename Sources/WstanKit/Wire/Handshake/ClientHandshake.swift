/// A client's side of the opening handshake: the request that asks a server for a tunnel, and what its answer makes of
/// it. Heads and bytes come in and go out: no I/O, no clock, and randomness is an argument.
package enum ClientHandshake {
    case v1(ClientHandshakeV1)

    /// How a server is addressed in HTTP.
    package struct Server: Equatable, Sendable {
        /// Begins and ends with a slash.
        var pathPrefix: String
        /// Behind the request, without the `?`.
        var query: String?
        /// As it belongs in the `Host` header.
        var host: String
        /// Fields besides those of every handshake, each as it goes into its line.
        var fields: [String] = []

        package init(pathPrefix: String, query: String? = nil, host: String, fields: [String] = []) {
            self.pathPrefix = pathPrefix
            self.query = query
            self.host = host
            self.fields = fields
        }
    }

    /// Why an answer opens no tunnel.
    package enum Failure: Error, Equatable {
        /// No status line.
        case notHTTP
        /// Another status than 101.
        case status(Int)
        /// A 101 that does not say that the protocol changes to WebSocket.
        case notUpgraded
        /// A 101 for another `Sec-WebSocket-Key` than the one that was sent.
        case otherKey
        /// A 101 that switches on an extension, though none was asked for.
        case unaskedExtension
        /// The same with a subprotocol.
        case unaskedSubprotocol
    }

    /// The whole head of the request. It is sent once: a second time it would be a replay.
    package var request: [UInt8] {
        switch self {
        case .v1(let handshake): handshake.request
        }
    }

    /// Judges the head of the answer.
    ///
    /// - Returns: both directions of the tunnel that is open now.
    package func open(_ answer: HTTPHead) throws(Failure) -> (sealer: Sealer, opener: Opener) {
        switch self {
        case .v1(let handshake): try handshake.open(answer)
        }
    }
}

extension ClientHandshake.Failure {
    /// What keeps an answer from being a 101 that accepts a key: all that a client must fail on (RFC 6455 section 4.1), whatever the
    /// version. No handshake of ours asks for an extension or a subprotocol.
    ///
    /// - Parameter accept: the value of `Sec-WebSocket-Accept` that belongs to the key that was sent.
    init?(_ answer: HTTPHead, expecting accept: String) {
        if answer.status == nil {
            self = .notHTTP
        } else if let status = answer.status, status != 101 {
            self = .status(status)
        } else if !WebSocketHandshake.changesProtocol(answer) {
            self = .notUpgraded
        } else if !WebSocketHandshake.hasAccept(answer, accept) {
            self = .otherKey
        } else if WebSocketHandshake.names(something: "Sec-WebSocket-Extensions", in: answer) {
            self = .unaskedExtension
        } else if WebSocketHandshake.names(something: "Sec-WebSocket-Protocol", in: answer) {
            self = .unaskedSubprotocol
        } else {
            return nil
        }
    }
}
