import WstanBase
import WstanConfig
import WstanCore

/// The URI that clients of this server use, as the lines that wstanctl prints have it.
struct ClientURI: Equatable {
    let uri: ServerURI
    /// The host is this host's own address, or `HOST` where it has none: clients may know it by another one.
    let isGuess: Bool

    /// - Parameters:
    ///   - port: of the first TCP listener, which a service manager may have opened; nil where there is none.
    ///   - certificateNames: of the certificate that this server shows; empty where it speaks no TLS.
    ///   - ownAddress: of this host towards the Internet.
    init(_ settings: Settings, port: UInt16?, certificateNames: [String], ownAddress: String?) {
        if let uri = settings.publicURI {
            self.uri = uri
            isGuess = false
            return
        }
        let uri = settings.uri
        let isOpen = !uri.isWildcard && !uri.isLoopback
        // Where `listen` is set, the URI says how clients come to the front.
        let isOwnPort = settings.listen == [.tcp(host: uri.host, port: uri.port)]
        var reached = isOwnPort ? port ?? uri.port : uri.port
        // TLS that this server does not speak is a front's, which is where clients go.
        if uri.scheme == .wss, certificateNames.isEmpty, isOwnPort { reached = uri.scheme.defaultPort }
        let named = uri.scheme == .wss ? certificateNames.first(where: Self.isReachable) : nil
        let host = isOpen ? uri.host : named ?? ownAddress ?? "HOST"
        self.uri = ServerURI(scheme: uri.scheme, host: host, port: reached, path: uri.path, query: uri.query)
        isGuess = !isOpen && named == nil
    }

    /// A client can connect to the name of a certificate: neither a pattern nor this host's for itself.
    private static func isReachable(_ name: String) -> Bool {
        guard !name.hasPrefix("*"), let host = Host(text: name) else { return false }
        return !ServerURI(scheme: .wss, host: "\(host)", port: 443, path: "/").isLoopback
    }

    /// Towards an address outside of every network (RFC 5737, RFC 3849); nothing is sent.
    static func ownAddress() -> String? {
        let outside: [SocketAddress] = [
            .ipv4(IPv4Address(0xC000_0201), port: 9),
            .ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1), port: 9, scope: 0),
        ]
        return outside.lazy.compactMap { LocalRoute.source(toward: $0) }.first.map { "\(Address($0).host)" }
    }
}
