/// The effective values of one configuration: the file's and the command line's over the defaults.
///
/// A value type without behaviour; a reload makes a new one and compares.
public struct Settings: Sendable, Equatable {
    public enum Mode: String, Sendable, CaseIterable {
        case client
        case server
    }

    /// Ordered by how much is said: `error` is the least.
    public enum LogLevel: String, Sendable, CaseIterable {
        case error
        case warning
        case notice
        case info
        case debug
    }

    /// What a server says to everything that is no request of a tunnel.
    public enum PlainAnswer: Sendable, Equatable {
        public enum Status: Int, Sendable, CaseIterable {
            case ok = 200
            /// A Python client takes this one for "wrong key".
            case badRequest = 400
            case notFound = 404
        }

        case status(Status)
    }

    public var mode: Mode
    public var uri: ServerURI
    public var key: KeySource
    public var compatible = false
    /// nil: one per core.
    public var threads: Int?
    public var drainTimeout: Duration
    /// Bytes of all buffers together; nil: from the control group's limit or the machine's memory.
    public var memoryLimit: Int?
    public var logLevel = LogLevel.notice
    /// Never empty.
    public var listen: [ListenAddress]

    /// Bytes of the user agent's first data that ride in the request; 0 turns it off.
    public var earlyData = 4096
    public var earlyDataWait = Duration.milliseconds(30)
    public var proxy: ProxyAddress?
    public var udpIdle = Duration.seconds(60)

    /// 0 keeps no idle tunnels.
    public var poolSize = 16
    /// 0 keeps no idle tunnels.
    public var poolMaxIdle = Duration.seconds(300)
    public var poolPing = Duration.seconds(20)

    public var xForward = false
    public var proxyProtocol = false
    public var trustedProxies = TrustedProxies.loopback
    public var requestTTL = Duration.seconds(60)
    public var replayUnderTLS = true
    public var allowBareDGM = false
    /// 0: no limit.
    public var maxTunnels = 10_000
    /// 0: no limit.
    public var maxHandshakes = 1_024
    public var handshakeTimeout = Duration.seconds(8)
    public var connectTimeout = Duration.seconds(10)
    public var plainAnswer = PlainAnswer.status(.notFound)

    /// Every other value at its default, which for some depends on the mode.
    public init(mode: Mode, uri: ServerURI, key: KeySource) {
        self.mode = mode
        self.uri = uri
        self.key = key
        switch mode {
        case .client:
            drainTimeout = .zero
            listen = [ListenAddress(host: "localhost", port: 1080)]
        case .server:
            drainTimeout = .seconds(1)
            listen = [ListenAddress(host: uri.host, port: uri.port)]
        }
    }
}
