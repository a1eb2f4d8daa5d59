/// Who a tunnel belongs to: the client's pool, or the server.
protocol TunnelOwner: AnyObject {
    /// Server: checks the time of a request that came as a message, in seconds since the epoch, and remembers the nonce
    /// under which the same bytes could be sent once more.
    func tunnel(
        _ tunnel: Tunnel, mayServeRequestOf time: Double, replayableUnder nonce: Nonce?
    ) throws(WireError)
    /// Server: makes the target's connection.
    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection)
    /// Server: makes the end of an association; its first datagram follows.
    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)?
    /// A message made no sense; the tunnel is being closed.
    func tunnel(_ tunnel: Tunnel, refused error: WireError)
    /// Nothing is carried; the tunnel may be used again.
    func tunnelIsIdle(_ tunnel: Tunnel)
    func tunnelEnded(_ tunnel: Tunnel)
}
