public enum CheckConfiguration: ControlMethod {
    public static let name = ControlInterface.name + ".CheckConfiguration"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var text: String?

        public init(text: String? = nil) {
            self.text = text
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var diagnostics: [Control.Diagnostic]

        public init(diagnostics: [Control.Diagnostic]) {
            self.diagnostics = diagnostics
        }
    }
}

public enum Reload: ControlMethod {
    public static let name = ControlInterface.name + ".Reload"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        /// Only says what it would come to.
        public var dryRun: Bool?

        public init(dryRun: Bool? = nil) {
            self.dryRun = dryRun
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var changed: [String]
        public var requiresRestart: [String]
        public var warnings: [String]?

        public init(changed: [String], requiresRestart: [String], warnings: [String]? = nil) {
            self.changed = changed
            self.requiresRestart = requiresRestart
            self.warnings = warnings
        }
    }
}

/// With `more`: again while tunnels end, until none is left or the time is over.
public enum Drain: ControlMethod {
    public static let name = ControlInterface.name + ".Drain"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var timeoutUSec: Int?
        public var exit: Bool?

        public init(timeoutUSec: Int? = nil, exit: Bool? = nil) {
            self.timeoutUSec = timeoutUSec
            self.exit = exit
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var tunnelsActive: Int

        public init(tunnelsActive: Int) {
            self.tunnelsActive = tunnelsActive
        }
    }
}

public enum Undrain: ControlMethod {
    public static let name = ControlInterface.name + ".Undrain"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public init() {}
    }

    public struct Reply: Codable, Sendable, Equatable {
        public init() {}
    }
}

public enum SetLogLevel: ControlMethod {
    public static let name = ControlInterface.name + ".SetLogLevel"
    public static let right = Control.Right.group

    public struct Parameters: Codable, Sendable, Equatable {
        public var level: Control.LogLevel

        public init(level: Control.LogLevel) {
            self.level = level
        }
    }

    public struct Reply: Codable, Sendable, Equatable {
        public var former: Control.LogLevel

        public init(former: Control.LogLevel) {
            self.former = former
        }
    }
}
