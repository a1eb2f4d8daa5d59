/// What a server works by.
struct ServerOptions: Sendable {
    var keys: [Key]
    /// Whether wstan seals messages itself: ws://. Behind a front that ends TLS the URI says wss:// and it does not.
    var usesCipher = true
    /// What the listeners begin with; nil: a front ends TLS, or there is none.
    var tls: TLSServerContext?
    /// Begins and ends with a slash.
    var pathPrefix: String
    var compatible = false
    /// Whether trusted proxies tell the client's address in `X-Forwarded-For`.
    var readsForwardedFor = false
    /// Whether trusted proxies begin every connection with a PROXY header.
    var expectsProxyHeader = false
    var trustedProxies = TrustedProxies.loopback
    /// Whether a datagram without a tag may open an association on a tunnel of a Python client's pool.
    var allowsBareDatagrams = false
    /// How far a request's time may be from ours.
    var requestLifetime: Duration = .seconds(60)
    /// Under TLS too, requests expire and are remembered.
    var replayUnderTLS = true
    var rules = TargetRules()
    var plainStatus = 404
    var handshakeTimeout: Duration = .seconds(8)
    var connectTimeout: Duration = .seconds(10)
    /// Per worker; 0: no limit.
    var maxTunnels = 10_000
    /// Over all workers; 0: no limit.
    var maxTunnelsPerAddress = 0
    /// Per worker; 0: no limit.
    var maxHandshakes = 1024
    /// A connection on which nothing has moved for so long is ended; zero: none is.
    var idleTimeout = Duration.zero
    var pings = Tunnel.Pings()
}

/// Every bound on what somebody unknown may make a server hold.
enum ServerLimits {
    /// A Python client puts the whole head of a plain HTTP request into the path: a 60 KB cookie makes an 80 KB line.
    static let requestHead = 96 * 1024
    /// A PROXY header of version 2 may have 64 KiB; addresses, and what fronts add about TLS, have some hundred bytes.
    static let proxyHeader = 4096
    /// Requests remembered; beyond that, new ones are refused until old ones have expired.
    static let seenRequests = 1 << 18
    /// See `ServerService.waitForPythonClient`.
    static let resetAfterOpening: Duration = .milliseconds(20)
    /// An association that is not used for so long ends, though its client has not ended it.
    static let associationIdle: Duration = .seconds(300)
    /// What the plain answer calls this server: the most common name there is.
    static let serverName = "nginx"
}
