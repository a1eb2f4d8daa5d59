public enum RotateKey: ControlMethod {
    public static let name = ControlInterface.name + ".RotateKey"

    public struct Parameters: Codable, Sendable, Equatable {
        public var name: String?
        public var key: String?
        public var graceUSec: Int?
        public var runtimeOnly: Bool?

        public init(name: String? = nil, key: String? = nil, graceUSec: Int? = nil, runtimeOnly: Bool? = nil) {
            self.name = name
            self.key = key
            self.graceUSec = graceUSec
            self.runtimeOnly = runtimeOnly
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var id: String
        /// Only when it was made by the daemon.
        public var key: String?
        public var persisted: Bool
        public var warnings: [String]?

        public init(id: String, key: String? = nil, persisted: Bool, warnings: [String]? = nil) {
            self.id = id
            self.key = key
            self.persisted = persisted
            self.warnings = warnings
        }
    }
}

public enum AddKey: ControlMethod {
    public static let name = ControlInterface.name + ".AddKey"

    public struct Parameters: Codable, Sendable, Equatable {
        public var name: String
        public var key: String?

        public init(name: String, key: String? = nil) {
            self.name = name
            self.key = key
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var id: String
        /// Only when it was made by the daemon.
        public var key: String?
        public var persisted: Bool
        public var warnings: [String]?

        public init(id: String, key: String? = nil, persisted: Bool, warnings: [String]? = nil) {
            self.id = id
            self.key = key
            self.persisted = persisted
            self.warnings = warnings
        }
    }
}

public enum RetireKey: ControlMethod {
    public static let name = ControlInterface.name + ".RetireKey"

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

        public init(closed: Int, warnings: [String]? = nil) {
            self.closed = closed
            self.warnings = warnings
        }
    }
}

public enum GetClientConfiguration: ControlMethod {
    public static let name = ControlInterface.name + ".GetClientConfiguration"

    public struct Parameters: Codable, Sendable, Equatable {
        public var keyName: String?

        public init(keyName: String? = nil) {
            self.keyName = keyName
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var text: String

        public init(text: String) {
            self.text = text
        }
    }
}
