import Logging

@testable import WstanCore

extension EventLog {
    /// Says nothing to anybody.
    static var silent: EventLog { EventLog(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) }
}
