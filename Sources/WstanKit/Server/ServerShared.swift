/// What the workers of a server share.
struct ServerShared: Sendable {
    let replayGuard: ReplayGuard
    let tunnelCounts = TunnelCounts()
    let hostAddresses = HostAddresses()
}
