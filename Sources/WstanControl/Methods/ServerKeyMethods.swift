/// The keys, in pages: has to be called with `more`.
public enum ListKeys: ControlMethod {
    public static let name = ControlInterface.name + ".ListKeys"
    public static let right = Control.Right.group
    /// Keys in one reply.
    public static let pageSize = 256

    public struct Parameters: Codable, Sendable, Equatable {
        public init() {}
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var keys: [Control.Key]

        public init(keys: [Control.Key]) {
            self.keys = keys
        }
    }
}

public enum RotateServerKey: ControlMethod {
    public static let name = ControlInterface.name + ".RotateServerKey"
    public static let right = Control.Right.group
    /// How long the former key is accepted if nothing else is asked for: 30 days, in microseconds.
    public static let defaultGrace = 30 * 86_400_000_000

    public struct Parameters: Codable, Sendable, Equatable {
        public var graceUSec: Int?
        public var force: Bool?
        public var runtimeOnly: Bool?

        public init(graceUSec: Int? = nil, force: Bool? = nil, runtimeOnly: Bool? = nil) {
            self.graceUSec = graceUSec
            self.force = force
            self.runtimeOnly = runtimeOnly
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var id: String
        public var persisted: Bool
        public var warnings: [String]?
        /// The key file that still has the former key, since the daemon may not write it. The first warning says so.
        public var keyFile: String?
        /// What belongs there.
        public var keyFileKey: String?
        /// The former key, if it is still accepted.
        public var formerKeys: [Control.Key]?

        public init(
            id: String, persisted: Bool, warnings: [String]? = nil, keyFile: String? = nil, keyFileKey: String? = nil,
            formerKeys: [Control.Key]? = nil
        ) {
            self.id = id
            self.persisted = persisted
            self.warnings = warnings
            self.keyFile = keyFile
            self.keyFileKey = keyFileKey
            self.formerKeys = formerKeys
        }
    }
}
