/// The types of the interface `org.wstan.control`, by their names there.
///
/// Times that end in `TimestampUSec` are microseconds since 1970, others that end in `USec` are microseconds.
public enum Control {
    public enum DaemonState: String, Codable, Sendable, CaseIterable {
        case starting, running, reloading, draining, stopping
    }

    public enum Mode: String, Codable, Sendable, CaseIterable {
        case client, server
    }

    public enum KeyState: String, Codable, Sendable, CaseIterable {
        case current, previous
    }

    public enum KeySource: String, Codable, Sendable, CaseIterable {
        case configuration, credential, state
    }

    public enum KeyKind: String, Codable, Sendable, CaseIterable {
        case v1, v2, server
    }

    public enum TunnelState: String, Codable, Sendable, CaseIterable {
        case connecting, using, resetting, idle
    }

    public enum TunnelEvent: String, Codable, Sendable, CaseIterable {
        case listed, added, changed, removed, synchronized
    }

    /// `protocol` in the interface's fields.
    public enum TransportProtocol: String, Codable, Sendable, CaseIterable {
        case tcp, udp
    }

    public enum Severity: String, Codable, Sendable, CaseIterable {
        case error, warning
    }

    public enum ServerState: String, Codable, Sendable, CaseIterable {
        case reachable, unreachable, unknown
    }

    /// What requests of version 2 ride in.
    public enum Carrier: String, Codable, Sendable, CaseIterable {
        case cookie, path, `protocol`
    }

    public enum LogLevel: String, Codable, Sendable, CaseIterable {
        case debug, info, notice, warning, error
    }
}
