public enum GetInfo: ControlMethod {
    public static let name = ServiceInterface.name + ".GetInfo"
    public static let right = Control.Right.everyone

    public struct Parameters: Codable, Sendable, Equatable {
        public init() {}
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var vendor: String
        public var product: String
        public var version: String
        public var url: String
        public var interfaces: [String]

        public init(vendor: String, product: String, version: String, url: String, interfaces: [String]) {
            self.vendor = vendor
            self.product = product
            self.version = version
            self.url = url
            self.interfaces = interfaces
        }
    }
}

public enum GetInterfaceDescription: ControlMethod {
    public static let name = ServiceInterface.name + ".GetInterfaceDescription"
    public static let right = Control.Right.everyone

    public struct Parameters: Codable, Sendable, Equatable {
        public var interface: String

        public init(interface: String) {
            self.interface = interface
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var description: String

        public init(description: String) {
            self.description = description
        }
    }
}
