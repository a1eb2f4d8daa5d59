import Glibc
import WstanBase
import WstanConfig
import WstanCore

// From the configuration's words to what the two services work by.

extension ClientOptions {
    /// - Parameter environment: what it says about proxies.
    package init(
        _ settings: Settings, key: SentKey, trust: ClientTrust? = nil, workers: Int,
        environment: ProxyEnvironment = ProxyEnvironment()
    ) {
        self.init(
            settings: settings.sharedOut(among: workers),
            servers: settings.uris.map { ServerEndpoint($0, settings, environment) }, key: key, tls: trust?.context,
            tlsFiles: trust?.marks ?? [])
    }
}

extension Address {
    /// Nil when the host is an address of one interface only, which nobody else understands.
    package init?(_ target: TargetAddress) {
        guard let host = Host(text: target.host) else { return nil }
        self.init(host: host, port: target.port)
    }
}

extension ServerEndpoint {
    package init(_ uri: ServerURI, _ settings: Settings, _ environment: ProxyEnvironment) {
        let host = Host(text: uri.host) ?? .name(uri.host)
        let address = Address(host: host, port: uri.port)
        // RFC 6874 section 4: a zone means something on this host alone.
        let name = Host(text: uri.host.prefix { $0 != "%" }) ?? host
        let authority = "\(Address(host: name, port: uri.port))"
        // A browser leaves the default port out.
        let isDefaultPort = uri.port == uri.scheme.defaultPort
        let hostHeader = isDefaultPort ? String(authority.dropLast(String(uri.port).utf8.count + 1)) : authority
        // The address of one interface only is a name here: the resolver knows what it means.
        let other = settings.connectTo.map { Address(host: Host(text: $0.host) ?? .name($0.host), port: $0.port) }
        self.init(
            address: other ?? address,
            name: settings.tls.sni.map { Host(text: $0) ?? .name($0) } ?? name,
            hostHeader: settings.hostHeader ?? hostHeader, pathPrefix: uri.path, query: uri.query, usesTLS: uri.scheme == .wss,
            headers: settings.headers)
        proxy =
            switch settings.proxy {
            case .none: nil
            case .through(let proxy): proxy
            case .automatic:
                // With a variable that is wrong nothing starts: `UnusableProxy`.
                if case .through(let proxy) = environment.choice(for: self.address) { proxy } else { nil }
            }
    }

}

/// A variable of the environment that names a proxy for one of the servers and cannot be understood. Connecting without it
/// could be what the user must not do, so nothing is put in force.
struct UnusableProxy: Error, Equatable, CustomStringConvertible {
    let description: String

    /// - Returns: nil where the environment is not asked, or names no proxy, or one that can be used.
    init?(for settings: Settings, _ environment: ProxyEnvironment) {
        guard settings.mode == .client, case .automatic = settings.proxy else { return nil }
        for uri in settings.uris {
            let server = ServerEndpoint(uri, settings, environment).address
            guard case .unusable(let variable, let problem) = environment.choice(for: server) else { continue }
            description =
                "the variable \(variable) of the environment: \(problem); correct or unset it, or set proxy = none to "
                + "connect directly"
            return
        }
        return nil
    }
}

extension ProxyEnvironment {
    /// Of this process.
    static var system: ProxyEnvironment {
        ProxyEnvironment { getenv($0).map { String(cString: $0) } }
    }
}

extension ServerOptions {
    /// - Parameter keys: the certificate has a way of its own.
    package init(_ settings: Settings, keys: [Key], workers: Int) {
        self.init(
            settings: settings.sharedOut(among: workers), keys: keys, usesCipher: settings.uri.scheme == .ws)
    }
}

extension Settings {
    /// As one of several workers goes by them: what is a limit of the process is shared out.
    fileprivate func sharedOut(among workers: Int) -> Settings {
        var share = self
        share.poolSize = poolSize.sharedOut(among: workers)
        share.poolMin = poolMin.sharedOut(among: workers)
        share.maxTunnels = maxTunnels.sharedOut(among: workers)
        share.earlyData = min(earlyData, WireLimits.earlyData)
        return share
    }
}

extension TLSClientContext.Configuration {
    package init(_ settings: TLSSettings) {
        self.init(caFile: settings.caFile, pins: settings.pins, verifies: settings.verify)
        identity = TLSContext.Identity(settings)
    }
}

extension TLSServerContext.Configuration {
    /// - Returns: nil without a certificate: a front ends TLS.
    package init?(_ settings: TLSSettings) {
        guard let identity = TLSContext.Identity(settings) else { return nil }
        self.init(identity: identity, clientCA: settings.clientCA)
    }
}

extension TLSContext.Identity {
    /// - Returns: nil unless both are there, which the configuration sees to.
    fileprivate init?(_ settings: TLSSettings) {
        guard let certificate = settings.certificate, let key = settings.key else { return nil }
        self.init(certificate: certificate, key: key)
    }
}

extension Int {
    /// Rounded up; 0, which means no limit or none at all, stays 0.
    fileprivate func sharedOut(among workers: Int) -> Int {
        (self + workers - 1) / workers
    }
}
