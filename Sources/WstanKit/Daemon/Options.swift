// From the configuration's words to what the two services work by. What is a limit of the process is shared out among
// its workers.

extension ClientOptions {
    init(_ settings: Settings, key: Key, workers: Int) {
        self.init(servers: [ServerEndpoint(settings.uri)], key: key)
        compatible = settings.compatible
        switch settings.proxy {
        case .through(let it): proxy = Address(host: Host(text: it.host) ?? .name(it.host), port: it.port)
        case .none, .automatic: proxy = nil
        }
        earlyData = min(settings.earlyData, WireLimits.earlyData)
        earlyDataWait = settings.earlyDataWait
        poolSize = settings.poolSize.sharedOut(among: workers)
        poolMin = settings.poolMin.sharedOut(among: workers)
        poolMaxIdle = settings.poolMaxIdle
        pings.idle = settings.poolPing
        udpIdle = settings.udpIdle
        connectTimeout = settings.connectTimeout
        handshakeTimeout = settings.handshakeTimeout
    }
}

extension ServerEndpoint {
    init(_ uri: ServerURI) {
        let name = Host(text: uri.host) ?? .name(uri.host)
        let address = Address(host: name, port: uri.port)
        // A browser leaves the default port out.
        let isDefaultPort = uri.port == uri.scheme.defaultPort
        let host = isDefaultPort ? String("\(address)".dropLast(String(uri.port).utf8.count + 1)) : "\(address)"
        self.init(address: address, name: name, hostHeader: host, pathPrefix: uri.path, usesTLS: uri.scheme == .wss)
    }
}

extension ServerOptions {
    init(_ settings: Settings, key: Key, workers: Int) {
        self.init(keys: [key], pathPrefix: settings.uri.path)
        usesCipher = settings.uri.scheme == .ws
        compatible = settings.compatible
        readsForwardedFor = settings.xForward
        expectsProxyHeader = settings.proxyProtocol
        trustedProxies = settings.trustedProxies
        requestLifetime = settings.requestTTL
        replayUnderTLS = settings.replayUnderTLS
        allowsBareDatagrams = settings.allowBareDGM
        switch settings.plainAnswer {
        case .status(let status): plainStatus = status.rawValue
        }
        handshakeTimeout = settings.handshakeTimeout
        connectTimeout = settings.connectTimeout
        maxTunnels = settings.maxTunnels.sharedOut(among: workers)
        maxHandshakes = settings.maxHandshakes.sharedOut(among: workers)
    }
}

extension Int {
    /// Rounded up; 0, which means no limit or none at all, stays 0.
    fileprivate func sharedOut(among workers: Int) -> Int {
        (self + workers - 1) / workers
    }
}
