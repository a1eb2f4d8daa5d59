/// What systemd says of a service's state (systemctl(1), `show`).
public enum UnitState: Sendable, Equatable {
    /// - Parameter process: nil when systemd names none.
    case running(process: Int32?)
    case stopped
    /// With what systemd says of it; also while it waits to be started again.
    case failed(String)
    /// It starts or stops.
    case changing

    public static let properties = ["ActiveState", "SubState", "Result", "ExecMainStatus", "MainPID"]

    /// - Parameter value: of a property; empty when it has none.
    public init(_ value: (String) -> String) {
        let failure = "\(value("Result")), status \(value("ExecMainStatus"))"
        switch value("ActiveState") {
        case "active", "reloading", "refreshing":
            self = .running(process: Int32(value("MainPID")).flatMap { $0 > 0 ? $0 : nil })
        case "failed": self = .failed(failure)
        case "activating" where value("SubState").hasPrefix("auto-restart"): self = .failed(failure)
        case "activating", "deactivating": self = .changing
        default: self = .stopped
        }
    }

    /// Asks the service manager. It blocks, for seconds at most.
    ///
    /// - Returns: nil if this host has no service manager, or it does not answer.
    public static func of(_ unit: String, isOfUser: Bool) -> UnitState? {
        let command = ["systemctl"] + (isOfUser ? ["--user"] : [])
        let shown = Subprocess.run(
            command + ["show", "--property=" + properties.joined(separator: ","), unit + ".service"], errors: .dropped,
            patience: 5000)
        guard let shown, shown.status == 0 else { return nil }
        let lines = shown.output.split(separator: "\n")
        return UnitState { property in
            lines.first { $0.hasPrefix(property + "=") }.map { String($0.dropFirst(property.utf8.count + 1)) } ?? ""
        }
    }
}
