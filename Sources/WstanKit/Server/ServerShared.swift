/// What the workers of a server share.
package struct ServerShared: Sendable {
    let replayGuard: ReplayGuard
    let tunnelCounts = TunnelCounts()
    /// Of the listeners.
    package let limiter: HandshakeLimiter
    let connects = ConnectLimiter()
    let scarcity = Scarcity()
    package let hostAddresses = HostAddresses()
    package let recentRefusals = RecentRefusals()

    /// - Parameter maxHandshakes: of all workers together; 0 is no limit.
    package init(replayGuard: ReplayGuard, maxHandshakes: Int = 0) {
        self.replayGuard = replayGuard
        limiter = HandshakeLimiter(capacity: maxHandshakes, hearsInScarcity: true)
    }
}
