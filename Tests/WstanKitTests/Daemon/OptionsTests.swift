import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite struct OptionsTests {
    private static func key() throws -> Key { try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw==")) }

    private static func settings(_ uri: String, _ mode: Settings.Mode = .client) throws -> Settings {
        Settings(mode: mode, uri: try #require(ServerURI(text: uri)), key: .text(Secret("k")))
    }

    @Test(arguments: [
        ("ws://example.com/", "example.com", "example.com:80"),
        ("ws://example.com:8080/", "example.com:8080", "example.com:8080"),
        ("ws://example.com:443/", "example.com:443", "example.com:443"), ("ws://10.0.0.1/", "10.0.0.1", "10.0.0.1:80"),
        ("ws://[::1]/", "[::1]", "[::1]:80"), ("ws://[::1]:81/", "[::1]:81", "[::1]:81"),
        ("wss://example.com/", "example.com", "example.com:443"),
        ("wss://example.com:80/", "example.com:80", "example.com:80"),
        // RFC 6874 section 4: a zone is of no use to a server.
        ("ws://[fe80::1%25eth0]:81/", "[fe80::1]:81", "fe80::1%eth0:81"), ("ws://[fe80::1%eth0]/", "[fe80::1]", "fe80::1%eth0:80"),
    ])
    func `the Host header leaves the default port out`(uri: String, host: String, server: String) throws {
        let options = ClientOptions(try Self.settings(uri), key: .v1(try Self.key()), workers: 1)
        #expect(options.servers.map(\.hostHeader) == [host])
        #expect(options.servers.map(\.address.description) == [server])
    }

    @Test func `a client's settings become its options`() throws {
        var settings = try Self.settings("ws://h/a/b")
        settings.compatible = true
        settings.proxy = .through(ProxyAddress(host: "::1", port: 3128))
        settings.earlyDataWait = .milliseconds(7)
        settings.earlyReply = false
        settings.poolMin = 3
        settings.poolMaxIdle = .seconds(11)
        settings.poolPing = .seconds(12)
        settings.connectTimeout = .seconds(13)
        settings.handshakeTimeout = .seconds(14)
        let options = ClientOptions(settings, key: .v1(try Self.key()), workers: 1)
        #expect(options.servers.map(\.pathPrefix) == ["/a/b/"])
        #expect(options.compatible)
        #expect(options.servers.map(\.proxy) == [ProxyAddress(host: "::1", port: 3128)])
        #expect(options.earlyDataWait == .milliseconds(7))
        #expect(options.earlyReply == false)
        #expect(options.poolMin == 3)
        #expect(options.poolMaxIdle == .seconds(11))
        #expect(options.pings.idle == .seconds(12))
        #expect(options.connectTimeout == .seconds(13))
        #expect(options.handshakeTimeout == .seconds(14))
    }

    @Test func `every server is an endpoint, in their order, with what all of them have`() throws {
        var settings = try Self.settings("ws://a/x/")
        settings.uris.append(try #require(ServerURI(text: "wss://[::1]:444/")))
        settings.connectTo = TargetAddress(host: "10.0.0.1", port: 81)
        settings.hostHeader = "front.test"
        settings.headers = [ExtraHeader(name: "A", value: "b")]
        let servers = ClientOptions(settings, key: .v1(try Self.key()), workers: 1).servers
        #expect(servers.map(\.name) == [.name("a"), .ipv6(IPv6Address(high: 0, low: 1))])
        #expect(servers.map(\.address.description) == ["10.0.0.1:81", "10.0.0.1:81"])
        #expect(servers.map(\.hostHeader) == ["front.test", "front.test"])
        #expect(servers.map(\.usesTLS) == [false, true])
        #expect(servers.map(\.pathPrefix) == ["/x/", "/"])
        #expect(servers.map(\.headers) == [settings.headers, settings.headers])
    }

    private static func environment(_ variables: [String: String]) -> ProxyEnvironment {
        ProxyEnvironment { variables[$0] }
    }

    @Test func `the environment's proxy is for those servers that it does not exempt, and only when asked for`() throws
    {
        var settings = try Self.settings("ws://a.test/")
        settings.uris.append(try #require(ServerURI(text: "ws://b.test/")))
        let environment = Self.environment(["HTTPS_PROXY": "http://p.test:3128", "no_proxy": "b.test"])
        let proxy = ProxyAddress(host: "p.test", port: 3128)
        func proxies() throws -> [ProxyAddress?] {
            ClientOptions(settings, key: .v1(try Self.key()), workers: 1, environment: environment).servers.map(\.proxy)
        }
        #expect(try proxies() == [proxy, nil])
        // What is connected to counts.
        settings.connectTo = TargetAddress(host: "127.0.0.1", port: 80)
        #expect(try proxies() == [nil, nil])
        settings.connectTo = nil
        settings.proxy = .none
        #expect(try proxies() == [nil, nil])
        let own = ProxyAddress(scheme: .socks5, host: "own.test", port: 1080)
        settings.proxy = .through(own)
        #expect(try proxies() == [own, own])
    }

    /// Without it the client would connect directly, which may be what its user must not do.
    @Test func `a variable that names no proxy is an error where it matters, without its value`() throws {
        let bad = Self.environment(["ALL_PROXY": "socks4://secret@p.test"])
        var settings = try Self.settings("ws://a.test/")
        let problem = try #require(UnusableProxy(for: settings, bad)).description
        #expect(problem.contains("ALL_PROXY") && problem.contains("proxy = none") && !problem.contains("secret"))
        settings.proxy = .none
        #expect(UnusableProxy(for: settings, bad) == nil)
        #expect(UnusableProxy(for: try Self.settings("ws://localhost/"), bad) == nil)
        #expect(UnusableProxy(for: try Self.settings("ws://a.test/", .server), bad) == nil)
        #expect(UnusableProxy(for: try Self.settings("ws://a.test/"), Self.environment([:])) == nil)
    }

    @Test func `what surrounds a variable's value does not count`() throws {
        let settings = try Self.settings("ws://a.test/")
        let environment = Self.environment(["HTTPS_PROXY": " http://p.test:3128\n", "NO_PROXY": "\n"])
        #expect(UnusableProxy(for: settings, environment) == nil)
        let options = ClientOptions(settings, key: .v1(try Self.key()), workers: 1, environment: environment)
        #expect(options.servers[0].proxy == ProxyAddress(host: "p.test", port: 3128))
        #expect(UnusableProxy(for: settings, Self.environment(["HTTPS_PROXY": " \n"])) == nil)
    }

    @Test func `the shorter of the two intervals holds for idle tunnels`() throws {
        var settings = try Self.settings("ws://a.test/")
        func pings() throws -> Tunnel.Pings { ClientOptions(settings, key: .v1(try Self.key()), workers: 1).pings }
        #expect(try pings().inUse == .seconds(45) && pings().idle == .seconds(20))
        settings.pingInterval = .seconds(7)
        #expect(try pings().inUse == .seconds(7) && pings().idle == .seconds(7))
    }

    @Test func `the certificate is for the URI's host, or for sni`() throws {
        var settings = try Self.settings("wss://front.test/")
        #expect(ClientOptions(settings, key: .v1(try Self.key()), workers: 1).servers.map(\.name) == [.name("front.test")])
        settings.tls.sni = "other.test"
        let servers = ClientOptions(settings, key: .v1(try Self.key()), workers: 1).servers
        #expect(servers.map(\.name) == [.name("other.test")])
        #expect(servers.map(\.hostHeader) == ["front.test"])
        #expect(servers.map(\.address) == [Address(host: .name("front.test"), port: 443)])
        #expect(servers.map(\.usesTLS) == [true])
    }

    @Test func `a server speaks TLS itself when there is a certificate with its key`() {
        var settings = TLSSettings()
        #expect(TLSServerContext.Configuration(settings) == nil)
        settings.certificate = "c"
        settings.key = "k"
        settings.clientCA = "a"
        let identity = TLSContext.Identity(certificate: "c", key: "k")
        #expect(TLSServerContext.Configuration(settings) == .init(identity: identity, clientCA: "a"))
        settings.caFile = "f"
        settings.pins = [[1]]
        settings.verify = false
        let client = TLSClientContext.Configuration(caFile: "f", pins: [[1]], verifies: false, identity: identity)
        #expect(TLSClientContext.Configuration(settings) == client)
    }

    @Test func `no more early data are sent than the protocol allows`() throws {
        for (wanted, given) in [(0, 0), (1, 1), (4096, 4096), (100_000, 4096)] {
            var settings = try Self.settings("ws://h/")
            settings.earlyData = wanted
            let options = ClientOptions(settings, key: .v1(try Self.key()), workers: 1)
            #expect(options.earlyData == given)
        }
    }

    @Test(arguments: [(0, 4, 0), (1, 4, 1), (4, 4, 1), (5, 4, 2), (16, 1, 16), (16, 3, 6), (10_000, 7, 1429)])
    func `what is a limit of the process is shared out, rounded up, and 0 stays 0`(
        limit: Int, workers: Int, share: Int
    ) throws {
        var client = try Self.settings("ws://h/")
        client.poolSize = limit
        let shared = ClientOptions(client, key: .v1(try Self.key()), workers: workers)
        #expect(shared.poolSize == share)
        var server = try Self.settings("ws://h/", .server)
        server.maxTunnels = limit
        server.maxHandshakes = limit
        let options = ServerOptions(server, keys: [try Self.key()], workers: workers)
        #expect(options.maxTunnels == share)
        // The listeners' limiter counts for all workers.
        #expect(options.maxHandshakes == limit)
    }

    @Test func `a server's settings become its options`() throws {
        var settings = try Self.settings("wss://h/a", .server)
        settings.compatible = true
        settings.xForward = true
        settings.proxyProtocol = true
        settings.trustedProxies = .none
        settings.requestTTL = .seconds(5)
        settings.replayUnderTLS = false
        settings.plainAnswer = .status(.badRequest)
        settings.handshakeTimeout = .seconds(6)
        settings.connectTimeout = .seconds(7)
        settings.allow = try TargetPattern.list("example.com", takesPrivate: false)
        settings.deny = try TargetPattern.list(":25", takesPrivate: false)
        settings.allowPrivate = true
        settings.maxTunnelsPerAddress = 9
        settings.idleTimeout = .seconds(8)
        let key = try Self.key()
        let options = ServerOptions(settings, keys: [key], workers: 1)
        #expect(options.keys.map(\.bytes) == [key.bytes])
        #expect(!options.usesCipher)
        #expect(options.compatible && options.xForward && !options.replayUnderTLS)
        #expect(options.proxyProtocol && options.trustedProxies == .none)
        #expect(options.requestTTL == .seconds(5))
        #expect(options.plainAnswer == .status(.badRequest))
        #expect(options.handshakeTimeout == .seconds(6))
        #expect(options.connectTimeout == .seconds(7))
        #expect(options.rules == TargetRules(allow: settings.allow, deny: settings.deny, allowsPrivate: true))
        #expect(options.maxTunnelsPerAddress == 9)
        #expect(options.idleTimeout == .seconds(8))
        let plain = ServerOptions(try Self.settings("ws://h/", .server), keys: [key], workers: 1)
        #expect(plain.usesCipher)
        #expect(plain.rules == TargetRules())
    }
}
