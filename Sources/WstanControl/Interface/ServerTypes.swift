extension Control {
    /// A server that a client may use.
    public struct Server: Codable, Sendable, Equatable {
        public var uri: String
        public var state: ServerState
        /// New connections go to it.
        public var used: Bool
        /// A try has not been answered yet.
        public var trying: Bool
        public var sinceTimestampUSec: Int?
        public var lastSuccessTimestampUSec: Int?
        public var lastFailureTimestampUSec: Int?
        public var code: String?
        public var cause: String?
        public var advice: String?
        /// Open to it.
        public var tunnels: Int
        public var rttUSec: Int?
        public var certificateEndTimestampUSec: Int?
        /// Of version 2.
        public var carrier: Carrier?
        /// Why the client has left another carrier for it.
        public var carrierCause: String?
        /// The server has another key for this client.
        public var keyReplaced: Bool?
        /// When the server says that this client's key expires.
        public var keyEndTimestampUSec: Int?

        public init(
            uri: String, state: ServerState, used: Bool, trying: Bool = false, sinceTimestampUSec: Int? = nil,
            lastSuccessTimestampUSec: Int? = nil, lastFailureTimestampUSec: Int? = nil, code: String? = nil,
            cause: String? = nil, advice: String? = nil, tunnels: Int = 0, rttUSec: Int? = nil,
            certificateEndTimestampUSec: Int? = nil, carrier: Carrier? = nil, carrierCause: String? = nil,
            keyReplaced: Bool? = nil, keyEndTimestampUSec: Int? = nil
        ) {
            self.uri = uri
            self.state = state
            self.used = used
            self.trying = trying
            self.sinceTimestampUSec = sinceTimestampUSec
            self.lastSuccessTimestampUSec = lastSuccessTimestampUSec
            self.lastFailureTimestampUSec = lastFailureTimestampUSec
            self.code = code
            self.cause = cause
            self.advice = advice
            self.tunnels = tunnels
            self.rttUSec = rttUSec
            self.certificateEndTimestampUSec = certificateEndTimestampUSec
            self.carrier = carrier
            self.carrierCause = carrierCause
            self.keyReplaced = keyReplaced
            self.keyEndTimestampUSec = keyEndTimestampUSec
        }

        /// Without the path, which may be what keeps strangers from finding the server.
        public var withoutPath: Server {
            var server = self
            // scheme, nothing, host and port, path
            server.uri =
                uri.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
                .joined(separator: "/") + "/"
            return server
        }
    }

    /// The certificate that this end shows.
    public struct Certificate: Codable, Sendable, Equatable {
        public var file: String?
        public var names: [String]
        public var endTimestampUSec: Int?
        /// The URI's host, if the certificate is not for it.
        public var mismatchedHost: String?
        /// Why the files as they are now cannot be used.
        public var refusal: String?

        public init(
            file: String? = nil, names: [String], endTimestampUSec: Int? = nil, mismatchedHost: String? = nil,
            refusal: String? = nil
        ) {
            self.file = file
            self.names = names
            self.endTimestampUSec = endTimestampUSec
            self.mismatchedHost = mismatchedHost
            self.refusal = refusal
        }
    }
}
