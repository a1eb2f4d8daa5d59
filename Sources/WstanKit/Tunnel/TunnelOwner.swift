/// Who a tunnel belongs to: the client's pool, or the server.
protocol TunnelOwner: AnyObject {
    /// A message made no sense, or asked for what it may not; the tunnel is being closed.
    func tunnel(_ tunnel: Tunnel, refused error: WireError)
    /// Nothing is carried; the tunnel may be used again.
    func tunnelIsIdle(_ tunnel: Tunnel)
    func tunnelEnded(_ tunnel: Tunnel)
    /// The peer wants no new requests on it. It closes by itself as soon as nothing is open.
    func tunnel(_ tunnel: Tunnel, saidBye bye: Bye)
    /// The peer says, of the tunnel or of a request on it, that its key is revoked or has expired.
    func tunnelKeyIsRevoked(_ tunnel: Tunnel)
}

extension TunnelOwner {
    func tunnel(_ tunnel: Tunnel, saidBye bye: Bye) {}
    func tunnelKeyIsRevoked(_ tunnel: Tunnel) {}
}

/// Carries out what a tunnel's peer asks for.
protocol RequestAcceptor: AnyObject {
    /// Judges a request that has come as a message.
    func tunnel(_ tunnel: Tunnel, admissionOf stamp: RequestStamp) -> Admission
    /// Makes the target's connection.
    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection)
    /// Makes the end of an association; its first datagram follows.
    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)?
}

/// What becomes of a request that has come as a message.
package enum Admission {
    case admitted
    case refused(WireError)
    /// A store elsewhere is asked. Meanwhile the tunnel goes on, and what follows the request waits.
    case pending(Verdict)

    /// nil when the request is admitted. Once it has been asked for it is awaited to its end, or what was refused would go
    /// uncounted.
    package typealias Verdict = @Sendable () async -> WireError?
}
