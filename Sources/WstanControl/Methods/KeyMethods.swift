public enum RotateKey: ControlMethod {
    public static let name = ControlInterface.name + ".RotateKey"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var name: String?
        public var key: String?
        public var graceUSec: Int?
        public var runtimeOnly: Bool?
        public var version: Int?

        public init(
            name: String? = nil, key: String? = nil, graceUSec: Int? = nil, runtimeOnly: Bool? = nil, version: Int? = nil
        ) {
            self.name = name
            self.key = key
            self.graceUSec = graceUSec
            self.runtimeOnly = runtimeOnly
            self.version = version
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var id: String
        /// Only when it was made by the daemon.
        public var key: String?
        public var persisted: Bool
        public var warnings: [String]?
        /// The key file that still has the former key, since the daemon may not write it. The first warning says so.
        public var keyFile: String?
        /// A server's: the URI that clients use.
        public var clientURI: String?
        /// Its host is a guess: the server's own address, or `HOST`.
        public var clientURIGuessed: Bool?
        /// It listens on loopback only: clients reach it through what forwards to it, which has another URI.
        public var clientURILoopback: Bool?
        /// The former keys of the name that are still accepted, with their ends. Absent from a daemon of 0.1.0.
        public var formerKeys: [Control.Key]?
        /// What belongs into the key file, if that is not the new key.
        public var keyFileKey: String?
        /// A client's: the ID of the key that it sent before.
        public var replacedKey: String?

        public init(
            id: String, key: String? = nil, persisted: Bool, warnings: [String]? = nil, keyFile: String? = nil,
            clientURI: String? = nil, clientURIGuessed: Bool? = nil, clientURILoopback: Bool? = nil,
            formerKeys: [Control.Key]? = nil, keyFileKey: String? = nil, replacedKey: String? = nil
        ) {
            self.id = id
            self.key = key
            self.persisted = persisted
            self.warnings = warnings
            self.keyFile = keyFile
            self.clientURI = clientURI
            self.clientURIGuessed = clientURIGuessed
            self.clientURILoopback = clientURILoopback
            self.formerKeys = formerKeys
            self.keyFileKey = keyFileKey
            self.replacedKey = replacedKey
        }
    }
}

public enum AddKey: ControlMethod {
    public static let name = ControlInterface.name + ".AddKey"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var name: String
        public var key: String?
        public var version: Int?

        public init(name: String, key: String? = nil, version: Int? = nil) {
            self.name = name
            self.key = key
            self.version = version
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var id: String
        /// Only when it was made by the daemon.
        public var key: String?
        public var persisted: Bool
        public var warnings: [String]?
        /// The URI that clients use.
        public var clientURI: String?
        /// Its host is a guess: the server's own address, or `HOST`.
        public var clientURIGuessed: Bool?
        /// It listens on loopback only: clients reach it through what forwards to it, which has another URI.
        public var clientURILoopback: Bool?
        /// The keys that the name has besides.
        public var otherKeys: [Control.Key]?

        public init(
            id: String, key: String? = nil, persisted: Bool, warnings: [String]? = nil, clientURI: String? = nil,
            clientURIGuessed: Bool? = nil, clientURILoopback: Bool? = nil, otherKeys: [Control.Key]? = nil
        ) {
            self.id = id
            self.key = key
            self.persisted = persisted
            self.warnings = warnings
            self.clientURI = clientURI
            self.clientURIGuessed = clientURIGuessed
            self.clientURILoopback = clientURILoopback
            self.otherKeys = otherKeys
        }
    }
}

public enum RetireKey: ControlMethod {
    public static let name = ControlInterface.name + ".RetireKey"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var id: String
        public var close: Bool?

        public init(id: String, close: Bool? = nil) {
            self.id = id
            self.close = close
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var closed: Int
        public var warnings: [String]?
        /// The key file that still has a key which is retired, since the daemon may not write it. The first warning says so.
        public var keyFile: String?
        /// What belongs there; for root only.
        public var keyFileKey: String?

        public init(closed: Int, warnings: [String]? = nil, keyFile: String? = nil, keyFileKey: String? = nil) {
            self.closed = closed
            self.warnings = warnings
            self.keyFile = keyFile
            self.keyFileKey = keyFileKey
        }
    }
}

public enum GetClientConfiguration: ControlMethod {
    public static let name = ControlInterface.name + ".GetClientConfiguration"
    public static let right = Control.Right.owner

    public struct Parameters: Codable, Sendable, Equatable {
        public var keyName: String?
        public var version: Int?

        public init(keyName: String? = nil, version: Int? = nil) {
            self.keyName = keyName
            self.version = version
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var text: String
        /// The key alone.
        public var key: String?
        /// A server's: the URI that clients use.
        public var clientURI: String?
        /// Its host is a guess: the server's own address, or `HOST`.
        public var clientURIGuessed: Bool?
        /// It listens on loopback only: clients reach it through what forwards to it, which has another URI.
        public var clientURILoopback: Bool?
        /// That the server refuses this key.
        public var warnings: [String]?

        public init(
            text: String, key: String? = nil, clientURI: String? = nil, clientURIGuessed: Bool? = nil,
            clientURILoopback: Bool? = nil, warnings: [String]? = nil
        ) {
            self.text = text
            self.key = key
            self.clientURI = clientURI
            self.clientURIGuessed = clientURIGuessed
            self.clientURILoopback = clientURILoopback
            self.warnings = warnings
        }
    }
}
