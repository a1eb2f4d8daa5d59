import WstanBase
import WstanConfig

/// One of the servers that a client may use, as its URI and the options around it say.
package struct ServerEndpoint: Sendable, Equatable {
    /// Where it is reached: the URI's host and port, unless `connect-to` says otherwise.
    package var address: Address
    /// The URI's host, which its certificate is for.
    package var name: Host
    /// As it belongs in the `Host` header.
    var hostHeader: String
    /// Begins and ends with a slash.
    var pathPrefix: String
    /// Behind the request in the path, for fronts that route by it; without the `?`.
    var query: String?
    /// wss://: TLS seals, and wstan does not.
    package var usesTLS = false
    /// What leads to it.
    package var proxy: ProxyAddress?
    /// Fields that its handshake has besides those of every handshake.
    var headers: [ExtraHeader] = []

    /// Whether it is reached on this host itself.
    var isOnLoopback: Bool {
        switch address.host {
        case .ipv4(let address): address.value >> 24 == 127
        case .ipv6(let address): address.high == 0 && address.low == 1
        case .name(let name): name == "localhost"
        }
    }

    package init(
        address: Address, name: Host, hostHeader: String, pathPrefix: String, query: String? = nil, usesTLS: Bool = false,
        proxy: ProxyAddress? = nil, headers: [ExtraHeader] = []
    ) {
        self.address = address
        self.name = name
        self.hostHeader = hostHeader
        self.pathPrefix = pathPrefix
        self.query = query
        self.usesTLS = usesTLS
        self.proxy = proxy
        self.headers = headers
    }
}

/// A connection to a server on which nothing of the tunnel has been said. Confined to its worker.
final class Uplink: @unchecked Sendable {
    let stream: Stream
    let server: ServerEndpoint
    /// Its place in the list of servers.
    let number: Int

    init(stream: Stream, server: ServerEndpoint, number: Int = 0) {
        self.stream = stream
        self.server = server
        self.number = number
    }
}
