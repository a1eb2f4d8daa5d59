/// What a client works by.
struct ClientOptions: Sendable {
    /// In the order in which they are preferred; never empty.
    var servers: [ServerEndpoint]
    var key: Key
    var compatible = false
    /// An HTTP proxy on the way to the server.
    var proxy: Address?
    var earlyData = WireLimits.earlyData
    var earlyDataWait: Duration = .milliseconds(30)
    var poolSize = 16
    /// So many are kept open before they are asked for; 0: none is opened ahead.
    var poolMin = 1
    var poolMaxIdle: Duration = .seconds(300)
    var pings = Tunnel.Pings()
    /// An association that is not used for so long ends.
    var udpIdle: Duration = .seconds(60)
    var connectTimeout: Duration = .seconds(10)
    var handshakeTimeout: Duration = .seconds(8)
}

/// Every bound on what a user agent may make a client hold or wait for.
enum ClientLimits {
    /// The head of an HTTP request to the proxy.
    static let requestHead = 64 * 1024
    /// The head of the server's, or a proxy's, answer.
    static let answerHead = 16 * 1024
    /// The head of a target's answer.
    static let responseHead = 64 * 1024
    /// What is read of a user agent's next requests while one is under way; the rest waits in its kernel and its own.
    static let readAhead = 16 * 1024
    /// Bytes of empty lines before a request. Somebody who sends nothing else would keep the worker to himself.
    static let emptyLines = 1024
    /// What a server may take to answer a reset, beyond the time on the way.
    static let resetPause: Duration = .milliseconds(30)
    /// How long a user agent's connection is kept between two requests.
    static let keptIdle: Duration = .seconds(300)
    /// How long a user agent may take to say where it wants to go.
    static let negotiation: Duration = .seconds(60)
    /// A tunnel from the pool loses nothing by not waiting: what comes later follows in a message. This much is waited
    /// so that request and first data make one message where the user agent is quick.
    static let earlyDataWaitInPool: Duration = .milliseconds(2)
    /// What an association holds while its tunnel is opened: so many datagrams, and so many bytes.
    static let waitingDatagrams = 64
    static let waitingDatagramBytes = 256 * 1024
    /// After a failure an association does not try to open a tunnel for so long.
    static let associationPause: Duration = .seconds(1)
    /// A handshake that is reset is tried again so many times.
    static let retries = 5
    /// A user agent that has only shut down its sending side, and gets nothing, is waited for so long.
    static let linger: Duration = .seconds(60)
    /// The same where nobody can tell whether it is still there: it is on another host.
    static let lingerRemote: Duration = .seconds(10)
    /// How often it is looked whether it is still there.
    static let lingerStep: Duration = .seconds(1)
}
