extension Control {
    /// Idle tunnels: a client's pool, or what clients keep open at a server.
    public struct Pool: Codable, Sendable, Equatable {
        public var size: Int
        public var idle: Int
        public var opening: Int
        public var hits: Int
        public var misses: Int
        public var rttUSec: Int?

        public init(size: Int, idle: Int, opening: Int, hits: Int, misses: Int, rttUSec: Int? = nil) {
            self.size = size
            self.idle = idle
            self.opening = opening
            self.hits = hits
            self.misses = misses
            self.rttUSec = rttUSec
        }
    }

    /// What a server has refused since its start, by cause: a number in each field.
    public struct Rejects: Codable, Sendable, Equatable {
        /// By their names in the interface and in its order.
        public enum Field: String, CodingKey, CaseIterable, Sendable {
            case replay, expired, badAuthentication, malformed, forbiddenTarget, overLimit, droppedDatagrams, draining

            /// Daemons of 0.1.0 do not count it.
            var isOptional: Bool { self == .draining }

            /// The word for the cause, wherever it is counted. What `rejects` says of one refusal holds it too.
            public var label: String {
                switch self {
                case .replay: "replayed"
                case .expired: "expired"
                case .badAuthentication: "wrong key"
                case .malformed: "unreadable"
                case .forbiddenTarget: "forbidden target"
                case .overLimit: "over a limit"
                case .droppedDatagrams: "datagrams dropped"
                case .draining: "while draining"
                }
            }
        }

        /// Every field has one.
        private var counts: [Field: Int]

        /// - Parameter counts: zero where a field is missing.
        public init(_ counts: [Field: Int] = [:]) {
            self.counts = Dictionary(uniqueKeysWithValues: Field.allCases.map { ($0, counts[$0] ?? 0) })
        }

        public subscript(field: Field) -> Int {
            get { counts[field] ?? 0 }
            set { counts[field] = newValue }
        }

        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Field.self)
            counts = try Dictionary(
                uniqueKeysWithValues: Field.allCases.map { field in
                    guard field.isOptional else { return (field, try fields.decode(Int.self, forKey: field)) }
                    return (field, try fields.decodeIfPresent(Int.self, forKey: field) ?? 0)
                })
        }

        public func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: Field.self)
            for field in Field.allCases { try fields.encode(self[field], forKey: field) }
        }
    }

    public struct Listener: Codable, Sendable, Equatable {
        public var name: String
        /// `host:port`, or a path.
        public var address: String
        /// Whether the service manager has passed it in.
        public var activated: Bool

        public init(name: String, address: String, activated: Bool) {
            self.name = name
            self.address = address
            self.activated = activated
        }
    }

    /// A key that is accepted, without the secret.
    public struct Key: Codable, Sendable, Equatable {
        public var name: String
        public var id: String
        public var state: KeyState
        public var source: KeySource
        public var createdTimestampUSec: Int?
        public var retireTimestampUSec: Int?
        public var uses: Int
        public var lastUseTimestampUSec: Int?
        /// Absent from a daemon of 0.1.0, where all are of version 1.
        public var kind: KeyKind?
        public var formerServerKeyTimestampUSec: Int?
        /// The setting by which the server refuses it.
        public var refusedBy: String?
        /// Of version 2: whether its name has not moved from the server's former key.
        public var notMoved: Bool?

        public init(
            name: String, id: String, state: KeyState, source: KeySource, createdTimestampUSec: Int? = nil,
            retireTimestampUSec: Int? = nil, uses: Int, lastUseTimestampUSec: Int? = nil, kind: KeyKind? = nil,
            formerServerKeyTimestampUSec: Int? = nil, refusedBy: String? = nil, notMoved: Bool? = nil
        ) {
            self.name = name
            self.id = id
            self.state = state
            self.source = source
            self.createdTimestampUSec = createdTimestampUSec
            self.retireTimestampUSec = retireTimestampUSec
            self.uses = uses
            self.lastUseTimestampUSec = lastUseTimestampUSec
            self.kind = kind
            self.formerServerKeyTimestampUSec = formerServerKeyTimestampUSec
            self.refusedBy = refusedBy
            self.notMoved = notMoved
        }

        /// The name of the server's own keys.
        public static let ofServer = "(server)"
    }

    public struct Tunnel: Codable, Sendable, Equatable {
        public var id: Int
        public var state: TunnelState
        public var `protocol`: TransportProtocol
        public var peer: String
        public var client: String?
        public var target: String?
        /// The name of the key it was opened with.
        public var key: String?
        public var bytesReceived: Int
        public var bytesSent: Int
        public var startTimestampUSec: Int
        public var lastActivityTimestampUSec: Int
        public var rttUSec: Int?

        public init(
            id: Int, state: TunnelState, `protocol`: TransportProtocol, peer: String, client: String? = nil,
            target: String? = nil, key: String? = nil, bytesReceived: Int, bytesSent: Int, startTimestampUSec: Int,
            lastActivityTimestampUSec: Int, rttUSec: Int? = nil
        ) {
            self.id = id
            self.state = state
            self.protocol = `protocol`
            self.peer = peer
            self.client = client
            self.target = target
            self.key = key
            self.bytesReceived = bytesReceived
            self.bytesSent = bytesSent
            self.startTimestampUSec = startTimestampUSec
            self.lastActivityTimestampUSec = lastActivityTimestampUSec
            self.rttUSec = rttUSec
        }
    }

    /// What one address was refused for one reason.
    public struct Refusal: Codable, Sendable, Equatable {
        /// Or the network of one.
        public var address: String?
        /// A code.
        public var cause: String
        public var text: String
        /// The name of the key that the request had.
        public var key: String?
        public var count: Int
        public var firstTimestampUSec: Int
        public var lastTimestampUSec: Int

        public init(
            address: String? = nil, cause: String, text: String, key: String? = nil, count: Int,
            firstTimestampUSec: Int, lastTimestampUSec: Int
        ) {
            self.address = address
            self.cause = cause
            self.text = text
            self.key = key
            self.count = count
            self.firstTimestampUSec = firstTimestampUSec
            self.lastTimestampUSec = lastTimestampUSec
        }
    }

    /// A finding in a configuration.
    public struct Diagnostic: Codable, Sendable, Equatable {
        public var severity: Severity
        public var file: String?
        public var line: Int?
        public var column: Int?
        public var message: String

        public init(severity: Severity, file: String? = nil, line: Int? = nil, column: Int? = nil, message: String) {
            self.severity = severity
            self.file = file
            self.line = line
            self.column = column
            self.message = message
        }
    }
}
