/// Who a tunnel belongs to: the client's pool, or the server.
protocol TunnelOwner: AnyObject {
    /// Server: checks a request that came as a message.
    func tunnel(_ tunnel: Tunnel, mayServe request: Request) throws(WireError)
    /// Server: makes the target's connection.
    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection)
    /// A message made no sense; the tunnel is being closed.
    func tunnel(_ tunnel: Tunnel, refused error: WireError)
    /// Nothing is carried; the tunnel may be used again.
    func tunnelIsIdle(_ tunnel: Tunnel)
    func tunnelEnded(_ tunnel: Tunnel)
}
