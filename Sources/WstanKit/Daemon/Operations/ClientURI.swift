import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// The URI that clients of this server use, as the lines that wstanctl prints have it.
struct ClientURI: Equatable {
    let uri: ServerURI
    let certainty: ServerReach.Certainty

    /// As the interface puts it: the host is not one that is known.
    var isGuess: Bool { certainty != .known }
    var isLoopbackOnly: Bool { certainty == .loopbackOnly }

    /// - Parameters:
    ///   - listening: the TCP listeners, which a service manager may have opened.
    ///   - certificateNames: of the certificate that this server shows; empty where it speaks no TLS.
    ///   - ownAddress: of this host towards the Internet.
    init(_ settings: Settings, listening: [SocketAddress], certificateNames: [String], ownAddress: String?) {
        if let uri = settings.publicURI {
            self.uri = uri
            certainty = .known
            return
        }
        let uri = settings.uri
        // Where `listen` is set, the URI says how clients come to the front.
        let isOwnPort = settings.listen == [.tcp(host: uri.host, port: uri.port)]
        let isTLS = uri.scheme == .wss
        let reach = ServerReach(
            host: uri.host, isOpen: !uri.isWildcard && !uri.isLoopback,
            port: Int(isOwnPort ? listening.first?.port ?? uri.port : uri.port),
            isBehindTLS: isTLS && certificateNames.isEmpty && isOwnPort,
            isLoopbackOnly: listening.allSatisfy(\.isLoopback),
            certificateName: isTLS ? certificateNames.first(where: Self.isReachable) : nil, ownAddress: ownAddress)
        self.uri = ServerURI(
            scheme: uri.scheme, host: reach.host,
            port: reach.port.flatMap { UInt16(exactly: $0) } ?? uri.scheme.defaultPort, path: uri.path,
            query: uri.query)
        certainty = reach.certainty
    }

    /// A client can connect to the name of a certificate: neither a pattern nor this host's for itself.
    private static func isReachable(_ name: String) -> Bool {
        guard !name.hasPrefix("*"), let host = Host(text: name) else { return false }
        return !ServerURI(scheme: .wss, host: "\(host)", port: 443, path: "/").isLoopback
    }
}
