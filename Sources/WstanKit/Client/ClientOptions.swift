import WstanConfig

/// What a client works by: its settings, and what has been made of them.
@dynamicMemberLookup
package struct ClientOptions: Sendable {
    /// What is a limit of the process is this worker's share of it.
    package var settings: Settings
    /// In the order in which they are preferred; never empty.
    package var servers: [ServerEndpoint]
    package var key: SentKey
    /// For servers whose URI says wss://.
    package var tls: TLSClientContext?
    /// The files that it was made of, as they were read.
    package var tlsFiles: [FileMark]
    /// nil: no passwords are asked for.
    package var users: UsersFile?
    /// The users of this host who may use the client, by number; empty: everybody.
    package var allowedUsers: Set<UInt32> = []

    package init(
        settings: Settings = .standard(.client), servers: [ServerEndpoint], key: SentKey, tls: TLSClientContext? = nil,
        tlsFiles: [FileMark] = []
    ) {
        self.settings = settings
        self.servers = servers
        self.key = key
        self.tls = tls
        self.tlsFiles = tlsFiles
    }

    /// What does not take the tunnel.
    package var direct: DirectRules { DirectRules(patterns: settings.direct) }
    /// A front that ends silent connections does not tell idle tunnels from others.
    package var pings: Tunnel.Pings {
        Tunnel.Pings(inUse: settings.pingInterval, idle: min(settings.poolPing, settings.pingInterval))
    }

    /// A setting that is used as it is.
    package subscript<Value>(dynamicMember path: WritableKeyPath<Settings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }

    /// Whether connections reach the same servers by the same ways.
    func leadsAsBefore(_ former: ClientOptions) -> Bool {
        servers == former.servers && settings.tls == former.settings.tls && tlsFiles == former.tlsFiles
            && settings.connectTimeout == former.settings.connectTimeout
            && settings.handshakeTimeout == former.settings.handshakeTimeout
            && settings.compatible == former.settings.compatible
    }
}

/// Every bound on what a user agent may make a client hold or wait for.
package enum ClientLimits {
    /// The head of an HTTP request to the proxy.
    static let requestHead = 64 * 1024
    /// The head of the server's, or a proxy's, answer.
    static let answerHead = 16 * 1024
    /// The head of a target's answer: a site may set hundreds of cookies. What has come of one counts as held.
    package static let responseHead = 256 * 1024
    /// What is read of a user agent's next requests while one is under way; the rest waits in its kernel and its own.
    static let readAhead = 16 * 1024
    /// Bytes of empty lines before a request. A user agent that sends nothing else would occupy the worker.
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
    /// How long a password's check may take, the wait for others' checks included.
    static let passwordCheck: Duration = .seconds(20)
    /// Checks of all that run at once: each keeps a processor busy, at the lowest priority, and may take 16 MiB. How many of one
    /// client run or wait: `CheckQueue`.
    package static let passwordThreads = 4
    /// Names and passwords that were right, and are not checked again.
    static let knownPasswords = 1024

    /// How long a target that has failed is remembered (`early-reply = auto`). Monitors look every few minutes.
    static let failureMemory: Duration = .seconds(600)
    /// Targets and names of which it is remembered; the oldest goes first.
    static let rememberedFailures = 512
    /// How long the outcome of a try that was granted early is owed to the next one. Browsers try again at once.
    static let owedOutcome: Duration = .seconds(1)
    /// How long a user agent that is to be told the outcome waits for the target's answer, from a server that
    /// has told of answers before: it tells of failures too, so this only bounds the wait.
    static let answerFromTeller: Duration = .seconds(60)
    /// From one of which nothing is known: four round trips, but not less and not more than this.
    static let answerAtLeast: Duration = .seconds(1)
    static let answerAtMost: Duration = .seconds(3)
    /// From one that does not tell, as Python's do not: a round trip and this, for the failures that come quickly.
    static let answerFromSilent: Duration = .milliseconds(300)
    /// How many connections that were granted early ask whether the server tells, until one is answered.
    static let answerQuestions = 16
    /// Servers of which it is remembered whether they tell.
    static let knownServers = 64

    /// What an association holds at most while its tunnel is opened: datagrams, and their bytes.
    static let waitingDatagrams = 64
    static let waitingDatagramBytes = 256 * 1024
    /// The longest time for which an association does not try to open a tunnel after a failure.
    static let associationPause: Duration = .seconds(1)
    /// The first pause of one that the server has refused; each one after it is twice as long, up to the longest.
    static let refusedAssociationPause: Duration = .seconds(4)
    static let longestRefusedAssociationPause: Duration = .seconds(64)
    /// Sources that a forward for datagrams serves at once.
    static let forwardSources = 256
    /// How long a request that was refused waits for another one's search for a carrier, and how often it looks.
    static let carrierSearch: Duration = .seconds(10)
    static let carrierLook: Duration = .milliseconds(50)
    /// How many times a handshake that is reset is tried again.
    static let retries = 5
    /// How long a server that has worked and is away is waited for: a restart is to cost no user agent its connection.
    static let restart: Duration = .seconds(3)
    /// The first pause of that wait; each one after it is twice as long.
    static let restartPause: Duration = .milliseconds(100)
    /// How long a user agent that has only shut down its sending side, and gets nothing, is waited for.
    static let linger: Duration = .seconds(60)
    /// The same where it is on another host: whether it is still there cannot be told.
    static let lingerRemote: Duration = .seconds(10)
    /// How long the target is waited for after the user agent has left: to deliver what it has said.
    static let parting: Duration = .seconds(1)
    /// How often it is looked whether it is still there.
    static let lingerStep: Duration = .seconds(1)
}
