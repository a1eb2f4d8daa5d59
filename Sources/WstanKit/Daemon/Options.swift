// From the configuration's words to what the two services work by. What is a limit of the process is shared out among
// its workers.

extension ClientOptions {
    /// - Parameter environment: what it says about proxies.
    init(_ settings: Settings, key: Key, workers: Int, environment: ProxyEnvironment = ProxyEnvironment()) {
        self.init(servers: settings.uris.map { ServerEndpoint($0, settings, environment) }, key: key)
        compatible = settings.compatible
        earlyData = min(settings.earlyData, WireLimits.earlyData)
        earlyDataWait = settings.earlyDataWait
        poolSize = settings.poolSize.sharedOut(among: workers)
        poolMaxIdle = settings.poolMaxIdle
        pings.idle = settings.poolPing
        udpIdle = settings.udpIdle
        connectTimeout = settings.connectTimeout
        handshakeTimeout = settings.handshakeTimeout
    }
}

extension ServerEndpoint {
    init(_ uri: ServerURI, _ settings: Settings, _ environment: ProxyEnvironment) {
        let name = Host(text: uri.host) ?? .name(uri.host)
        let address = Address(host: name, port: uri.port)
        // A browser leaves the default port out.
        let isDefaultPort = uri.port == uri.scheme.defaultPort
        let host = isDefaultPort ? String("\(address)".dropLast(String(uri.port).utf8.count + 1)) : "\(address)"
        self.init(
            address: settings.connectTo.map(Address.init) ?? address, name: name,
            hostHeader: settings.hostHeader ?? host, pathPrefix: uri.path, usesTLS: uri.scheme == .wss,
            headers: settings.headers)
        proxy =
            switch settings.proxy {
            case .none: nil
            case .through(let proxy): proxy
            case .automatic:
                // Whatever is wrong with a variable has been said at the start.
                if case .through(let proxy) = environment.choice(for: self.address) { proxy } else { nil }
            }
    }

    /// What the environment says about proxies and cannot be understood, if it matters to one of the servers.
    static func warnings(_ settings: Settings, _ environment: ProxyEnvironment) -> [String] {
        guard settings.mode == .client, case .automatic = settings.proxy else { return [] }
        for uri in settings.uris {
            let server = ServerEndpoint(uri, settings, environment).address
            guard case .unusable(let variable, let problem) = environment.choice(for: server) else { continue }
            return ["the variable \(variable) of the environment names no proxy that can be used: \(problem)"]
        }
        return []
    }
}

extension Address {
    fileprivate init(_ target: TargetAddress) {
        self.init(host: Host(text: target.host) ?? .name(target.host), port: target.port)
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
