/// The effective values of one configuration: the file's and the command line's over the defaults.
///
/// A value type without behaviour; a reload makes a new one and compares.
public struct Settings: Sendable, Equatable {
    public enum Mode: String, Sendable, CaseIterable {
        case client
        case server

        package static let standard = Mode.client
    }

    /// Ordered by how much is said: `error` is the least.
    public enum LogLevel: String, Sendable, CaseIterable {
        case error
        case warning
        case notice
        case info
        case debug
    }

    public enum LogFormat: String, Sendable, CaseIterable {
        /// By what stderr is: the journal's socket, a terminal, or a file or pipe.
        case automatic = "auto"
        case text
        case json
        case journal
    }

    /// Where a client's requests of version 2 ride (protocol-v2.md section 4.2).
    public enum Carrier: String, Sendable, CaseIterable {
        /// The first that the server answers to: cookie, path, protocol.
        case auto
        case cookie
        case path
        /// `Sec-WebSocket-Protocol`.
        case subprotocol = "protocol"
    }

    /// What a server says to everything that is no request of a tunnel.
    public enum PlainAnswer: Sendable, Equatable {
        public enum Status: Int, Sendable, CaseIterable {
            case ok = 200
            /// A Python client takes this one for "wrong key".
            case badRequest = 400
            case notFound = 404

            /// Of RFC 9110.
            package var reason: String {
                switch self {
                case .ok: "OK"
                case .badRequest: "Bad Request"
                case .notFound: "Not Found"
                }
            }
        }

        case status(Status)

        package var status: Status {
            switch self {
            case .status(let status): status
            }
        }
    }

    public var mode: Mode
    /// Never empty; a server has exactly one, and a client tries them in this order.
    public var uris: [ServerURI]
    public var key: KeySource
    public var compatible = false
    /// nil: one per core.
    public var threads: Int?
    public var drainTimeout: Duration
    /// Of the other end of a tunnel in use, after which it is pinged.
    public var pingInterval = Duration.seconds(45)
    /// Bytes of all buffers together; nil: from the control group's limit or the machine's memory.
    public var memoryLimit: Int?
    public var logLevel = LogLevel.notice
    public var logFormat = LogFormat.automatic
    /// From the root; nil: nothing outlives the process.
    public var stateDirectory: String?
    /// Never empty.
    public var listen: [ListenAddress]

    /// Bytes of the user agent's first data that ride in the request; 0 turns it off.
    public var earlyData = 4096
    public var earlyDataWait = Duration.milliseconds(30)
    /// A user agent is told of success before the target has answered; nil: unless that target has just failed.
    public var earlyReply: Bool?
    /// The path of a file of `name:hash` lines; nil: no authentication.
    public var usersFile: String?
    /// Who may use the client; empty: everybody.
    public var allowUID: [LocalUser] = []
    /// What is reached without the tunnel.
    public var direct: [TargetPattern] = []
    public var proxy = ProxyChoice.automatic
    /// Where to connect instead of the URI's host and port.
    public var connectTo: TargetAddress?
    /// The Host field instead of the URI's host and port.
    public var hostHeader: String?
    public var headers: [ExtraHeader] = []
    /// Version 2 only.
    public var carrier = Carrier.auto
    /// A SOCKS5 UDP association ends after this much idle time.
    public var udpIdle = Duration.seconds(60)

    /// 0 keeps no idle tunnels.
    public var poolSize = 16
    /// Tunnels kept open ahead of need where the server can; never more than `poolSize`.
    public var poolMin = 1
    /// 0 keeps no idle tunnels.
    public var poolMaxIdle = Duration.seconds(300)
    public var poolPing = Duration.seconds(20)

    /// What clients use, for the lines that wstanctl prints; nil: it is made of the URI and this host's address.
    public var publicURI: ServerURI?
    /// Trusted proxies tell the client's address in `X-Forwarded-For`.
    public var xForward = false
    /// Trusted proxies begin every connection with a PROXY header.
    public var proxyProtocol = false
    public var trustedProxies = TrustedProxies.loopback
    /// How far the time of a request may be from ours.
    public var requestTTL = Duration.seconds(60)
    /// Under TLS too, requests expire and are remembered.
    public var replayUnderTLS = true
    /// Clients with a key of version 1 are served.
    public var acceptV1 = true
    /// A datagram without a tag may open an association on a tunnel of a Python client's pool.
    public var allowBareDGM = false
    public var allow: [TargetPattern] = []
    /// Stronger than `allow`.
    public var deny: [TargetPattern] = []
    /// Targets of the server's own networks, without being named by `allow`.
    public var allowPrivate = false
    /// 0: no limit.
    public var maxTunnels = 10_000
    /// Of one address of clients, as trusted proxies tell it. 0: no limit.
    public var maxTunnelsPerAddress = 0
    /// Of the keys of one name, per second; twenty seconds' worth at once. 0: no limit.
    public var maxTunnelRate = 500
    /// Never more than a quarter of the descriptors; 0: as many as these.
    public var maxHandshakes = 8_192
    public var handshakeTimeout = Duration.seconds(8)
    public var connectTimeout = Duration.seconds(10)
    /// A tunnel on whose connection nothing has moved for this time is ended; zero: none is.
    public var idleTimeout = Duration.zero
    public var plainAnswer = PlainAnswer.status(.notFound)

    public var tls = TLSSettings()
    /// A client's static forwards, in the order of the file.
    public var forwards: [Forward] = []

    /// The path of the control socket, from the root; nil: there is none.
    public var controlSocket: String?
    /// A group's name or number, not looked up yet.
    public var controlGroup = defaultControlGroup
    package static let defaultControlGroup = "wstan"

    /// The server, or the first of them.
    public var uri: ServerURI { uris[0] }

    /// Every other value at its default, which for some depends on the mode. What depends on the instance is nil.
    public init(mode: Mode, uri: ServerURI, key: KeySource) {
        self.mode = mode
        uris = [uri]
        self.key = key
        switch mode {
        case .client:
            drainTimeout = .zero
            listen = [.tcp(host: "localhost", port: 1080)]
        case .server:
            drainTimeout = .seconds(1)
            listen = [.tcp(host: uri.host, port: uri.port)]
        }
    }
}

extension Settings {
    /// Whether `listen` says nothing of its own: a server listens where its URI says, a client on its usual port.
    package var listensByDefault: Bool { listen == Settings(mode: mode, uri: uri, key: key).listen }

    /// Whether TLS ends elsewhere: the URI is for it, and there is no certificate to speak it with.
    package var leavesTLSToFront: Bool { mode == .server && uri.scheme == .wss && tls.certificate == nil }

    /// Nothing but defaults. A URI and a key have none, so these stand for any.
    package static func standard(_ mode: Mode) -> Settings {
        Settings(mode: mode, uri: ServerURI(scheme: .ws, host: "localhost", port: 80, path: "/"), key: .file(""))
    }

    package mutating func adopt(_ places: InstancePlaces) {
        stateDirectory = places.stateDirectory
        controlSocket = places.controlSocket
    }
}
