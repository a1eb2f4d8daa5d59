/// Where clients go to reach a server that does not say so by `public-uri`: the one rule, for the daemon and for setting up.
public struct ServerReach: Equatable, Sendable {
    public enum Certainty: Sendable {
        case known
        /// The host is this host's own address, or `HOST` where it has none: clients may know it by another one.
        case guessed
        /// It listens on loopback only. Clients reach it through something that forwards to it, whose URI is not known.
        case loopbackOnly
    }

    /// As a server's `uri` has it, or one of the others that were given, or `HOST`.
    public let host: String
    /// Nil: the one that the scheme implies.
    public let port: Int?
    public let certainty: Certainty

    /// - Parameters:
    ///   - host: of the server's URI.
    ///   - isOpen: whether that is a host that clients can connect to: neither all addresses nor loopback.
    ///   - port: where it listens, or what its URI says.
    ///   - isBehindTLS: it has a URI for TLS, which it does not speak itself: a front does, at the port of the scheme.
    ///   - isLoopbackOnly: whether other hosts cannot connect to it.
    ///   - certificateName: a name of its certificate that clients could use.
    ///   - ownAddress: of this host towards the Internet.
    public init(
        host: String, isOpen: Bool, port: Int, isBehindTLS: Bool, isLoopbackOnly: Bool, certificateName: String? = nil,
        ownAddress: String?
    ) {
        switch (isOpen, isLoopbackOnly) {
        case (true, _): (self.host, certainty) = (host, .known)
        case (false, true): (self.host, certainty) = (certificateName ?? "HOST", .loopbackOnly)
        case (false, false):
            self.host = certificateName ?? ownAddress ?? "HOST"
            certainty = certificateName == nil ? .guessed : .known
        }
        // What forwards to a server has a port of its own.
        self.port = isBehindTLS || certainty == .loopbackOnly ? nil : port
    }
}
