extension SettingKey {
    /// Every key of this version, in the order of the shipped file.
    package static let all: [SettingKey] = general + client + pool + server + tls + control

    private static let general: [SettingKey] = [
        SettingKey(
            name: "mode", section: nil, kind: .mode, reload: .needsRestart, purpose: "server or client"),
        SettingKey(
            name: "uri", section: nil, kind: .uri, reload: .needsRestartOfServer,
            purpose: "URI of the server; ws is sealed by the key, wss by TLS alone; a client takes several"),
        SettingKey(
            name: "key", section: nil, kind: .key, reload: .takesOver,
            purpose: "base64 of 16 bytes, or a passphrase; key-file keeps it out of sight"),
        SettingKey(
            name: "key-file", section: nil, kind: .keyFile, reload: .takesOver,
            purpose: "file that holds the key, or env:NAME, or credential:NAME"),
        SettingKey(
            name: "compatible", section: nil, kind: .flag(\.compatible), reload: .needsRestart,
            purpose: "useful when the server is behind a WebSocket proxy; both ends must agree", letter: "z"),
        SettingKey(
            name: "threads", section: nil, kind: .automaticCount(\.threads, 1...256), reload: .needsRestart,
            purpose: "worker threads; auto is one on a client, one per core on a server"),
        SettingKey(
            name: "drain-timeout", section: nil, kind: .duration(\.drainTimeout, .zero ... .seconds(86_400)),
            reload: .takesOver, purpose: "how long open tunnels may go on after SIGTERM; 0s on a client"),
        SettingKey(
            name: "ping-interval", section: nil, kind: .duration(\.pingInterval, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "ping the other end of a tunnel in use after this much silence"),
        SettingKey(
            name: "state-directory", section: nil,
            kind: .place(\.stateDirectory, longest: ConfigurationBounds.textLength), reload: .needsRestart,
            purpose: "where what must outlive the process is kept, or none"),
        SettingKey(
            name: "memory-limit", section: nil, kind: .automaticSize(\.memoryLimit, 1 << 20...1 << 44),
            reload: .takesOver, purpose: "for all buffers together; when it is tight, reading stops"),
        SettingKey(
            name: "log-level", section: nil, kind: .choice("LEVEL", \.logLevel), reload: .takesOver,
            purpose: "error, warning, notice, info or debug; targets only at debug"),
        SettingKey(
            name: "log-format", section: nil, kind: .choice("FORMAT", \.logFormat), reload: .needsRestart,
            purpose: "auto, text or json on stderr, or journal; auto sees what stderr is"),
    ]

    private static let client: [SettingKey] = [
        SettingKey(
            name: "listen", section: .client, kind: .listen(.client), reload: .takesOver,
            purpose: "where a client's SOCKS and HTTP proxy, or a server, listens; may be repeated"),
        SettingKey(
            name: "early-data", section: .client, kind: .size(\.earlyData, 0...4096), reload: .takesOver,
            purpose: "most of the first data that may ride in the request; 0 turns it off"),
        SettingKey(
            name: "early-data-wait", section: .client, kind: .duration(\.earlyDataWait, .zero ... .seconds(10)),
            reload: .takesOver, purpose: "how long the request waits for that data"),
        SettingKey(
            name: "early-reply", section: .client, kind: .flag(\.earlyReply), reload: .takesOver,
            purpose: "tell of success before the target has answered, which saves a round trip"),
        SettingKey(
            name: "users-file", section: .client, kind: .path(\.usersFile), reload: .takesOver,
            purpose: "who may use SOCKS and HTTP, as name:hash lines; none: no password is asked for"),
        SettingKey(
            name: "allow-uid", section: .client, kind: .users(\.allowUID), reload: .takesOver,
            purpose: "only these users of this host; may be repeated"),
        SettingKey(
            name: "direct", section: .client, kind: .targets(\.direct, takesPrivate: true), reload: .takesOver,
            purpose: "targets reached without the tunnel: private, networks, names, ports; may be repeated"),
        SettingKey(
            name: "proxy", section: .client, kind: .proxy(\.proxy), reload: .takesOver,
            purpose: "reach the server through this proxy: http:// or socks5://, none, or auto from the environment",
            flat: "proxy", letter: "y"),
        SettingKey(
            name: "connect-to", section: .client, kind: .target(\.connectTo), reload: .takesOver,
            purpose: "connect there instead of to the URI's host and port"),
        SettingKey(
            name: "host-header", section: .client, kind: .hostHeader(\.hostHeader), reload: .takesOver,
            purpose: "the Host field instead of the URI's host and port"),
        SettingKey(
            name: "header", section: .client, kind: .headers(\.headers), reload: .takesOver,
            purpose: "a field for the handshake, as Name: value; may be repeated"),
        SettingKey(
            name: "udp-idle", section: .client, kind: .duration(\.udpIdle, .seconds(1) ... .seconds(86_400)),
            reload: .takesOver, purpose: "a SOCKS5 association for datagrams ends when it is not used for so long"),
    ]

    private static let pool: [SettingKey] = [
        SettingKey(
            name: "size", section: .pool, kind: .count(\.poolSize, 0...10_000), reload: .takesOver,
            purpose: "most idle tunnels kept for reuse; 0 keeps none", flat: "pool-size"),
        SettingKey(
            name: "min", section: .pool, kind: .count(\.poolMin, 0...10_000), reload: .takesOver,
            purpose: "tunnels kept open ahead of need, where the server can"),
        SettingKey(
            name: "max-idle", section: .pool, kind: .duration(\.poolMaxIdle, .zero ... .seconds(86_400)),
            reload: .takesOver, purpose: "longest that an idle tunnel is kept; 0 keeps none", flat: "pool-max-idle"),
        SettingKey(
            name: "ping", section: .pool, kind: .duration(\.poolPing, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "between the pings that keep an idle tunnel open"),
    ]

    private static let server: [SettingKey] = [
        SettingKey(
            name: "listen", section: .server, kind: .listen(.server), reload: .takesOver,
            purpose: "where to listen instead of the URI's host and port; may be repeated"),
        SettingKey(
            name: "x-forward", section: .server, kind: .flag(\.xForward), reload: .takesOver,
            purpose: "take the client's address from X-Forwarded-For, when behind a proxy", flat: "x-forward"),
        SettingKey(
            name: "proxy-protocol", section: .server, kind: .flag(\.proxyProtocol), reload: .takesOver,
            purpose: "trusted proxies begin every connection with a PROXY header, version 1 or 2"),
        SettingKey(
            name: "trusted-proxies", section: .server, kind: .networks(\.trustedProxies), reload: .takesOver,
            purpose: "whose X-Forwarded-For and PROXY header count: loopback, none, networks; may be repeated"),
        SettingKey(
            name: "request-ttl", section: .server, kind: .duration(\.requestTTL, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "how far the time of a request may be from ours"),
        SettingKey(
            name: "replay-under-tls", section: .server, kind: .flag(\.replayUnderTLS), reload: .takesOver,
            purpose: "refuse a repeated request under wss too: a front's log may hold it"),
        SettingKey(
            name: "allow-bare-dgm", section: .server, kind: .flag(\.allowBareDGM), reload: .takesOver,
            purpose: "take datagrams of a Python client's pooled tunnels, which bear no tag"),
        SettingKey(
            name: "allow", section: .server, kind: .targets(\.allow, takesPrivate: false), reload: .takesOver,
            purpose: "targets that are allowed though they are private; may be repeated"),
        SettingKey(
            name: "deny", section: .server, kind: .targets(\.deny, takesPrivate: false), reload: .takesOver,
            purpose: "targets that are refused, whatever allow says; may be repeated"),
        SettingKey(
            name: "allow-private", section: .server, kind: .flag(\.allowPrivate), reload: .takesOver,
            purpose: "every target in this host's own and private networks is allowed"),
        SettingKey(
            name: "max-tunnels", section: .server, kind: .count(\.maxTunnels, 0...1_000_000), reload: .takesOver,
            purpose: "most tunnels open at once; 0 is no limit"),
        SettingKey(
            name: "max-tunnels-per-address", section: .server, kind: .count(\.maxTunnelsPerAddress, 0...1_000_000),
            reload: .takesOver, purpose: "of them those of one client's address; 0 is no limit"),
        SettingKey(
            name: "max-handshakes", section: .server, kind: .count(\.maxHandshakes, 0...1_000_000), reload: .takesOver,
            purpose: "most connections without a finished request; 0 is no limit"),
        SettingKey(
            name: "handshake-timeout", section: .server,
            kind: .duration(\.handshakeTimeout, .milliseconds(100) ... .seconds(600)), reload: .takesOver,
            purpose: "from the connection to the end of its request"),
        SettingKey(
            name: "connect-timeout", section: .server,
            kind: .duration(\.connectTimeout, .milliseconds(100) ... .seconds(600)), reload: .takesOver,
            purpose: "for reaching a target"),
        SettingKey(
            name: "idle-timeout", section: .server, kind: .duration(\.idleTimeout, .zero ... .seconds(604_800)),
            reload: .takesOver, purpose: "a connection on which nothing moves for so long is ended; 0 ends none"),
        SettingKey(
            name: "plain-answer", section: .server, kind: .plainAnswer(\.plainAnswer), reload: .takesOver,
            purpose: "answer to what is no request: 200, 400 (\"wrong key\" to a Python client) or 404"),
    ]

    private static let tls: [SettingKey] = [
        SettingKey(
            name: "certificate", section: .tls, kind: .path(\.tls.certificate), reload: .takesOver,
            purpose: "the server speaks TLS itself, with this certificate and its chain (PEM)"),
        SettingKey(
            name: "key", section: .tls, kind: .path(\.tls.key), reload: .takesOver,
            purpose: "the private key of the certificate (PEM)"),
        SettingKey(
            name: "client-ca", section: .tls, kind: .path(\.tls.clientCA), reload: .takesOver,
            purpose: "the server asks for a certificate that these have signed (PEM)"),
        SettingKey(
            name: "ca-file", section: .tls, kind: .path(\.tls.caFile), reload: .takesOver,
            purpose: "whom the client believes instead of the system's store (PEM)"),
        SettingKey(
            name: "pin-sha256", section: .tls, kind: .pins(\.tls.pins), reload: .takesOver,
            purpose: "the only public keys of servers that the client takes; may be repeated"),
        SettingKey(
            name: "sni", section: .tls, kind: .serverName(\.tls.sni), reload: .takesOver,
            purpose: "the name that the client asks for and checks instead of the URI's host"),
        SettingKey(
            name: "verify", section: .tls, kind: .flag(\.tls.verify), reload: .takesOver,
            purpose: "the client checks the server's certificate and name"),
    ]

    private static let control: [SettingKey] = [
        SettingKey(
            name: "socket", section: .control,
            kind: .place(\.controlSocket, longest: ConfigurationBounds.socketPathLength), reload: .needsRestart,
            purpose: "where wstanctl reaches the daemon, or none"),
        SettingKey(
            name: "group", section: .control, kind: .group(\.controlGroup), reload: .takesOver,
            purpose: "whose members may change things there, as root and the daemon's own user may"),
    ]
}

/// Names that the Python wstan has and this table spells otherwise. Like all of Python's they stand before any section.
enum PythonKey: String, Sendable, CaseIterable {
    case client
    case server
    case debug
    case addr
    case port
    case tunAddr = "tun-addr"
    case tunPort = "tun-port"

    /// Of the key in the table that says the same, or a part of it.
    var settingIdentifier: String {
        switch self {
        case .client, .server: "mode"
        case .debug: "log-level"
        case .addr, .port: "client.listen"
        case .tunAddr, .tunPort: "server.listen"
        }
    }
}

/// The keys of a `[forward NAME]`.
enum ForwardKey: String, Sendable, CaseIterable {
    case listen
    case target
    case transport = "protocol"
}
