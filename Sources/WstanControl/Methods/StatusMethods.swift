/// Aggregate state. With `more`: again after every `intervalUSec` (default one second).
public enum GetStatus: ControlMethod {
    public static let name = ControlInterface.name + ".GetStatus"
    public static let right = Control.Right.everyone

    public struct Parameters: Codable, Sendable, Equatable {
        public var intervalUSec: Int?

        public init(intervalUSec: Int? = nil) {
            self.intervalUSec = intervalUSec
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var version: String
        public var mode: Control.Mode
        public var state: Control.DaemonState
        public var statusText: String?
        public var instance: String?
        public var pid: Int
        public var startTimestampUSec: Int
        public var configurationLoadTimestampUSec: Int
        public var configurationErrors: [String]?
        public var warnings: [String]?
        public var listeners: [Control.Listener]
        public var tunnelsActive: Int
        public var tunnelsTotal: Int
        public var bytesReceived: Int
        public var bytesSent: Int
        public var drainDeadlineTimestampUSec: Int?
        /// While it drains or stops.
        public var drainStartTimestampUSec: Int?
        /// Whether it ends when it has drained, with what is left then.
        public var drainExits: Bool?
        public var pool: Control.Pool?
        public var rejects: Control.Rejects?
        public var keys: [Control.Key]?
        /// Of what is logged, the least that is.
        public var logLevel: Control.LogLevel?
        /// Of a client since the start.
        public var droppedDatagrams: Int?
        /// Whether some of it was left out, since the caller may see no more.
        public var restricted: Bool?
        public var servers: [Control.Server]?
        public var certificate: Control.Certificate?
        public var requiresRestart: [String]?
        public var filesChanged: Bool?
        public var reloadFailureTimestampUSec: Int?
        public var warningCount: Int?
        /// Empty where it may not be told, as `withoutTLS`.
        public var replacedListen: [String]?
        public var withoutTLS: [String]?
        public var trustsFront: Bool?
        /// Where there are more than `keys` has.
        public var keyCount: Int?
        /// Of a client since the start: answers that were not made with the server's key, and WebSockets that no proof of it
        /// followed.
        public var impostors: Int?
        public var unproven: Int?
        /// Names whose keys of version 1 a server refuses; empty where they may not be told.
        public var refusedKeys: [String]?
        /// With `refusedKeys`: whether it accepts no other key.
        public var refusesAllKeys: Bool?

        public init(
            version: String, mode: Control.Mode, state: Control.DaemonState, statusText: String? = nil,
            instance: String? = nil, pid: Int, startTimestampUSec: Int, configurationLoadTimestampUSec: Int,
            configurationErrors: [String]? = nil, warnings: [String]? = nil, listeners: [Control.Listener],
            tunnelsActive: Int, tunnelsTotal: Int, bytesReceived: Int, bytesSent: Int,
            drainDeadlineTimestampUSec: Int? = nil, drainStartTimestampUSec: Int? = nil, drainExits: Bool? = nil,
            pool: Control.Pool? = nil, rejects: Control.Rejects? = nil,
            keys: [Control.Key]? = nil,
            logLevel: Control.LogLevel? = nil, droppedDatagrams: Int? = nil, restricted: Bool? = nil,
            servers: [Control.Server]? = nil,
            certificate: Control.Certificate? = nil, requiresRestart: [String]? = nil, filesChanged: Bool? = nil,
            reloadFailureTimestampUSec: Int? = nil, warningCount: Int? = nil,
            replacedListen: [String]? = nil, withoutTLS: [String]? = nil, trustsFront: Bool? = nil,
            keyCount: Int? = nil, impostors: Int? = nil, unproven: Int? = nil, refusedKeys: [String]? = nil,
            refusesAllKeys: Bool? = nil
        ) {
            self.version = version
            self.mode = mode
            self.state = state
            self.statusText = statusText
            self.instance = instance
            self.pid = pid
            self.startTimestampUSec = startTimestampUSec
            self.configurationLoadTimestampUSec = configurationLoadTimestampUSec
            self.configurationErrors = configurationErrors
            self.warnings = warnings
            self.listeners = listeners
            self.tunnelsActive = tunnelsActive
            self.tunnelsTotal = tunnelsTotal
            self.bytesReceived = bytesReceived
            self.bytesSent = bytesSent
            self.drainDeadlineTimestampUSec = drainDeadlineTimestampUSec
            self.drainStartTimestampUSec = drainStartTimestampUSec
            self.drainExits = drainExits
            self.pool = pool
            self.rejects = rejects
            self.keys = keys
            self.logLevel = logLevel
            self.droppedDatagrams = droppedDatagrams
            self.restricted = restricted
            self.servers = servers
            self.certificate = certificate
            self.requiresRestart = requiresRestart
            self.filesChanged = filesChanged
            self.reloadFailureTimestampUSec = reloadFailureTimestampUSec
            self.warningCount = warningCount
            self.replacedListen = replacedListen
            self.withoutTLS = withoutTLS
            self.trustsFront = trustsFront
            self.keyCount = keyCount
            self.impostors = impostors
            self.unproven = unproven
            self.refusedKeys = refusedKeys
            self.refusesAllKeys = refusesAllKeys
        }
    }
}

/// With `more` only: one reply per tunnel, then one whose event is `synchronized`, then, if wanted, the changes.
public enum ListTunnels: ControlMethod {
    public static let name = ControlInterface.name + ".ListTunnels"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var states: [Control.TunnelState]?
        public var follow: Bool?

        public init(states: [Control.TunnelState]? = nil, follow: Bool? = nil) {
            self.states = states
            self.follow = follow
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var tunnel: Control.Tunnel?
        public var event: Control.TunnelEvent?

        public init(tunnel: Control.Tunnel? = nil, event: Control.TunnelEvent? = nil) {
            self.tunnel = tunnel
            self.event = event
        }
    }
}

public enum CloseTunnel: ControlMethod {
    public static let name = ControlInterface.name + ".CloseTunnel"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var id: Int

        public init(id: Int) {
            self.id = id
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public init() {}
    }
}

/// What a server has refused lately.
public enum ListRejects: ControlMethod {
    public static let name = ControlInterface.name + ".ListRejects"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        /// Also what was no request.
        public var all: Bool?

        public init(all: Bool? = nil) {
            self.all = all
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var sinceTimestampUSec: Int
        /// The newest come first.
        public var refusals: [Control.Refusal]

        public init(sinceTimestampUSec: Int, refusals: [Control.Refusal]) {
            self.sinceTimestampUSec = sinceTimestampUSec
            self.refusals = refusals
        }
    }
}
