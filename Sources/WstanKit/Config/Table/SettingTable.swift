extension SettingKey {
    /// Every key of this version, in the order of the shipped file.
    package static let all: [SettingKey] = general + client + pool + server + tls + control

    private static let general: [SettingKey] = [
        SettingKey(
            name: "mode", section: nil, kind: .mode, reload: .needsRestart, purpose: "run as server or client"),
        SettingKey(
            name: "uri", section: nil, kind: .uri, reload: .needsRestartOfServer,
            purpose: "URI of the server; the key encrypts ws, TLS encrypts wss; a client may have several"),
        SettingKey(
            name: "key", section: nil, kind: .key, reload: .takesOver,
            purpose: "a string of version 2, base64 of 16 bytes, or a passphrase; prefer key-file"),
        SettingKey(
            name: "key-file", section: nil, kind: .keyFile, reload: .takesOver,
            purpose: "read the key from this file, env:NAME or credential:NAME"),
        SettingKey(
            name: "compatible", section: nil, kind: .flag(\.compatible), reload: .needsRestart,
            purpose: "work behind proxies that replace WebSocket headers; both ends must agree", letter: "z"),
        SettingKey(
            name: "threads", section: nil, kind: .automaticCount(\.threads, 1...256), reload: .needsRestart,
            purpose: "number of worker threads; auto is one on a client, one per core on a server"),
        SettingKey(
            name: "drain-timeout", section: nil, kind: .duration(\.drainTimeout, .zero ... .seconds(86_400)),
            reload: .takesOver, purpose: "on SIGTERM, wait up to this long for open tunnels to finish; 0s on a client"),
        SettingKey(
            name: "ping-interval", section: nil, kind: .duration(\.pingInterval, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "ping the other end of a tunnel in use after this much silence"),
        SettingKey(
            name: "state-directory", section: nil,
            kind: .place(\.stateDirectory, longest: ConfigurationBounds.textLength), reload: .needsRestart,
            purpose: "keep state that outlives the process, such as rotated keys, here; or none"),
        SettingKey(
            name: "memory-limit", section: nil, kind: .automaticSize(\.memoryLimit, 1 << 20...1 << 44),
            reload: .takesOver, purpose: "limit the memory of all buffers; at the limit, wstand stops reading"),
        SettingKey(
            name: "log-level", section: nil, kind: .choice("LEVEL", \.logLevel), reload: .takesOver,
            purpose: "log from this level up: error, warning, notice, info or debug; targets only at debug"),
        SettingKey(
            name: "log-format", section: nil, kind: .choice("FORMAT", \.logFormat), reload: .needsRestart,
            purpose: "auto, text, json or journal; auto chooses by what stderr is"),
    ]

    private static let client: [SettingKey] = [
        SettingKey(
            name: "listen", section: .client, kind: .listen(.client), reload: .takesOver,
            purpose: "accept SOCKS and HTTP (client) or tunnels (server) on this address; may be repeated"),
        SettingKey(
            name: "early-data", section: .client, kind: .size(\.earlyData, 0...4096), reload: .takesOver,
            purpose: "send up to this much of the first data with the request; 0 turns it off"),
        SettingKey(
            name: "early-data-wait", section: .client, kind: .duration(\.earlyDataWait, .zero ... .seconds(10)),
            reload: .takesOver, purpose: "wait up to this long for that data before sending the request"),
        SettingKey(
            name: "early-reply", section: .client, kind: .automaticFlag(\.earlyReply), reload: .takesOver,
            purpose: "report success before the target has answered; auto: except for targets that have just failed"),
        SettingKey(
            name: "users-file", section: .client, kind: .path(\.usersFile), reload: .takesOver,
            purpose: "require a user name and password from this file of name:hash lines"),
        SettingKey(
            name: "allow-uid", section: .client, kind: .users(\.allowUID), reload: .takesOver,
            purpose: "accept only these users of this host; may be repeated"),
        SettingKey(
            name: "direct", section: .client, kind: .targets(\.direct, takesPrivate: true), reload: .takesOver,
            purpose: "connect to these targets without the tunnel: private, networks, names, ports; may be repeated"),
        SettingKey(
            name: "proxy", section: .client, kind: .proxy(\.proxy), reload: .takesOver,
            purpose: "connect to the server through this proxy: http://, socks5://, none, or auto (environment)",
            flat: "proxy", letter: "y"),
        SettingKey(
            name: "connect-to", section: .client, kind: .target(\.connectTo), reload: .takesOver,
            purpose: "connect to this address instead of the URI's host and port"),
        SettingKey(
            name: "host-header", section: .client, kind: .hostHeader(\.hostHeader), reload: .takesOver,
            purpose: "send this Host field instead of the URI's host and port"),
        SettingKey(
            name: "header", section: .client, kind: .headers(\.headers), reload: .takesOver,
            purpose: "add this field to the handshake, as Name: value; may be repeated"),
        SettingKey(
            name: "carrier", section: .client, kind: .choice("CARRIER", \.carrier), reload: .takesOver,
            purpose: "send requests of version 2 in a cookie, the path, or the WebSocket protocol field; auto: what works"),
        SettingKey(
            name: "udp-idle", section: .client, kind: .duration(\.udpIdle, .seconds(1) ... .seconds(86_400)),
            reload: .takesOver, purpose: "close a SOCKS5 UDP association after this much idle time"),
    ]

    private static let pool: [SettingKey] = [
        SettingKey(
            name: "size", section: .pool, kind: .count(\.poolSize, 0...10_000), reload: .takesOver,
            purpose: "keep up to this many idle tunnels for reuse; 0 keeps none", flat: "pool-size"),
        SettingKey(
            name: "min", section: .pool, kind: .count(\.poolMin, 0...10_000), reload: .takesOver,
            purpose: "keep this many tunnels open in advance, if the server supports it"),
        SettingKey(
            name: "max-idle", section: .pool, kind: .duration(\.poolMaxIdle, .zero ... .seconds(86_400)),
            reload: .takesOver, purpose: "close an idle tunnel after this time; 0 keeps none", flat: "pool-max-idle"),
        SettingKey(
            name: "ping", section: .pool, kind: .duration(\.poolPing, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "ping an idle tunnel at this interval"),
    ]

    private static let server: [SettingKey] = [
        SettingKey(
            name: "listen", section: .server, kind: .listen(.server), reload: .takesOver,
            purpose: "listen on this address instead of the URI's host and port; may be repeated"),
        SettingKey(
            name: "public-uri", section: .server, kind: .publicURI(\.publicURI), reload: .takesOver,
            purpose: "URI that clients use, for what wstanctl prints; without it, made of uri and this host's address"),
        SettingKey(
            name: "x-forward", section: .server, kind: .flag(\.xForward), reload: .takesOver,
            purpose: "take the client's address from the X-Forwarded-For of trusted proxies", flat: "x-forward"),
        SettingKey(
            name: "proxy-protocol", section: .server, kind: .flag(\.proxyProtocol), reload: .takesOver,
            purpose: "require a PROXY header (version 1 or 2) on every connection from a trusted proxy"),
        SettingKey(
            name: "trusted-proxies", section: .server, kind: .networks(\.trustedProxies), reload: .takesOver,
            purpose: "trust the X-Forwarded-For and PROXY headers of these: loopback, none, networks; may be repeated"),
        SettingKey(
            name: "request-ttl", section: .server, kind: .duration(\.requestTTL, .seconds(1) ... .seconds(3_600)),
            reload: .takesOver, purpose: "reject a request whose time differs from the server's by more than this"),
        SettingKey(
            name: "replay-under-tls", section: .server, kind: .flag(\.replayUnderTLS), reload: .takesOver,
            purpose: "reject repeated requests under wss too, since a front's log may contain them"),
        SettingKey(
            name: "accept-v1", section: .server, kind: .flag(\.acceptV1), reload: .takesOver,
            purpose: "accept clients with a key of version 1"),
        SettingKey(
            name: "allow-bare-dgm", section: .server, kind: .flag(\.allowBareDGM), reload: .takesOver,
            purpose: "accept untagged datagrams on pooled tunnels, as Python clients send them"),
        SettingKey(
            name: "allow", section: .server, kind: .targets(\.allow, takesPrivate: false), reload: .takesOver,
            purpose: "allow these targets even if they are private; may be repeated"),
        SettingKey(
            name: "deny", section: .server, kind: .targets(\.deny, takesPrivate: false), reload: .takesOver,
            purpose: "refuse these targets, whatever allow says; may be repeated"),
        SettingKey(
            name: "allow-private", section: .server, kind: .flag(\.allowPrivate), reload: .takesOver,
            purpose: "allow all targets in this host's own and private networks"),
        SettingKey(
            name: "max-tunnels", section: .server, kind: .count(\.maxTunnels, 0...1_000_000), reload: .takesOver,
            purpose: "allow at most this many open tunnels; 0 means no limit"),
        SettingKey(
            name: "max-tunnels-per-address", section: .server, kind: .count(\.maxTunnelsPerAddress, 0...1_000_000),
            reload: .takesOver,
            purpose: "allow at most this many open tunnels from one client address; 0 means no limit"),
        SettingKey(
            name: "max-tunnel-rate", section: .server, kind: .count(\.maxTunnelRate, 0...1_000_000), reload: .takesOver,
            purpose: "open at most this many tunnels per second with the keys of one name; 0 means no limit"),
        SettingKey(
            name: "max-handshakes", section: .server, kind: .count(\.maxHandshakes, 0...1_000_000), reload: .takesOver,
            purpose: "allow at most this many connections without a complete request; 0 means a quarter of the descriptors"),
        SettingKey(
            name: "handshake-timeout", section: .server,
            kind: .duration(\.handshakeTimeout, .milliseconds(100) ... .seconds(600)), reload: .takesOver,
            purpose: "time out a connection that has not sent a complete request"),
        SettingKey(
            name: "connect-timeout", section: .server,
            kind: .duration(\.connectTimeout, .milliseconds(100) ... .seconds(600)), reload: .takesOver,
            purpose: "time out an attempt to connect to a target"),
        SettingKey(
            name: "idle-timeout", section: .server, kind: .duration(\.idleTimeout, .zero ... .seconds(604_800)),
            reload: .takesOver, purpose: "close a connection after this much idle time; 0 never does"),
        SettingKey(
            name: "plain-answer", section: .server, kind: .plainAnswer(\.plainAnswer), reload: .takesOver,
            purpose: "answer all other requests with this status: 200, 400 (\"wrong key\" to a Python client) or 404"),
    ]

    private static let tls: [SettingKey] = [
        SettingKey(
            name: "certificate", section: .tls, kind: .path(\.tls.certificate), reload: .takesOver,
            purpose: "serve TLS with this certificate and its chain (PEM)"),
        SettingKey(
            name: "key", section: .tls, kind: .path(\.tls.key), reload: .takesOver,
            purpose: "private key of the certificate (PEM)"),
        SettingKey(
            name: "client-ca", section: .tls, kind: .path(\.tls.clientCA), reload: .takesOver,
            purpose: "require client certificates that one of these CAs has signed (PEM)"),
        SettingKey(
            name: "ca-file", section: .tls, kind: .path(\.tls.caFile), reload: .takesOver,
            purpose: "trust these CAs instead of the system's (PEM)"),
        SettingKey(
            name: "pin-sha256", section: .tls, kind: .pins(\.tls.pins), reload: .takesOver,
            purpose: "accept only servers with one of these public keys; may be repeated"),
        SettingKey(
            name: "sni", section: .tls, kind: .serverName(\.tls.sni), reload: .takesOver,
            purpose: "request and verify this name in TLS instead of the URI's host"),
        SettingKey(
            name: "verify", section: .tls, kind: .flag(\.tls.verify), reload: .takesOver,
            purpose: "verify the server's certificate and name"),
    ]

    private static let control: [SettingKey] = [
        SettingKey(
            name: "socket", section: .control,
            kind: .place(\.controlSocket, longest: ConfigurationBounds.socketPathLength), reload: .needsRestart,
            purpose: "listen for wstanctl on this Unix socket; or none"),
        SettingKey(
            name: "group", section: .control, kind: .group(\.controlGroup), reload: .takesOver,
            purpose: "let members of this group use wstanctl, like root and the daemon's own user"),
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
