import WstanConfig

/// What a server works by: its settings, and what has been made of them.
@dynamicMemberLookup
package struct ServerOptions: Sendable {
    /// What is a limit of the process is this worker's share of it, but for `maxTunnelsPerAddress`, which is over all.
    package var settings: Settings
    package var keys: [Key]
    /// What version 2 is spoken with; nil: it is not.
    var identity: ServerIdentity?
    /// Whether wstan seals messages itself: ws://. Behind a front that ends TLS the URI says wss:// and it does not.
    package var usesCipher: Bool
    /// What the listeners begin with; nil: a front ends TLS, or there is none.
    package var tls: TLSServerContext?

    package init(
        settings: Settings = .standard(.server), keys: [Key], usesCipher: Bool = true
    ) {
        self.settings = settings
        self.keys = keys
        self.usesCipher = usesCipher
    }

    package var pings: Tunnel.Pings { Tunnel.Pings(inUse: settings.pingInterval) }

    package var rules: TargetRules {
        TargetRules(allow: settings.allow, deny: settings.deny, allowsPrivate: settings.allowPrivate)
    }

    /// A setting that is used as it is.
    package subscript<Value>(dynamicMember path: WritableKeyPath<Settings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }
}

/// Every bound on what a stranger may make a server hold.
package enum ServerLimits {
    /// A Python client puts the whole head of a plain HTTP request into the path: a 60 KB cookie makes an 80 KB line.
    static let requestHead = 96 * 1024
    /// A PROXY header of version 2 may have 64 KiB; addresses, and what fronts add about TLS, have some hundred bytes.
    static let proxyHeader = 4096
    /// Requests remembered; beyond that, new ones are refused until old ones have expired.
    package static let seenRequests = 1 << 18
    /// Bytes that are hashed at once in the search for a request's key, one tag counting for 400 more: before the request
    /// has to wait for the strangers' turn, and in each turn.
    static let firstLook = 8 * 1024
    static let piece = 64 * 1024
    /// The same for a request of more than `KeySearchV1.large`, of which the first turn makes four tags.
    static let largePiece = 256 * 1024
    /// What is read of a stranger that has been refused and sends on: more than any honest request has behind its head.
    static let discardedFromStrangers = 64 * 1024
    /// See `ServerService.waitForPythonClient`.
    static let resetAfterOpening: Duration = .milliseconds(20)
    /// How long an association may be unused before it ends, though its client has not ended it.
    static let associationIdle: Duration = .seconds(300)
    /// How long nothing may move on a half-closed connection, where `idle-timeout` is no shorter: what keeps state on the way
    /// forgets such connections within minutes, and a target that computes gets longer than that.
    static let halfClosedIdle: Duration = .seconds(3600)
    /// What the plain answer calls this server: the most common name there is.
    static let serverName = "nginx"
}
