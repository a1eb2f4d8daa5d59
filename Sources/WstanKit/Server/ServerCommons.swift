/// What the workers of a server share.
struct ServerCommons: Sendable {
    let replayGuard: ReplayGuard
    let tunnelCounts = TunnelCounts()
    let hostAddresses = HostAddresses()
}
