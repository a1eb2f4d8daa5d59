import WstanControl

extension Conversation<ListTunnels> {
    /// More tunnels than descriptors allow (proc(5), nr_open), with their changes.
    private static var mostReplies: Int { 1 << 20 }

    /// The whole list; changes can follow it. What listens there need not be wstand, and may send without end.
    ///
    /// - Parameters:
    ///   - patience: for all of it.
    ///   - tell: called with each reply.
    mutating func list(
        within patience: Duration = .seconds(30), _ tell: (ListTunnels.Reply) -> Void = { _ in }
    ) throws(Failure) -> TunnelListing {
        var listing = TunnelListing()
        let deadline = ContinuousClock.Instant.now + patience
        for _ in 0..<Self.mostReplies {
            guard deadline > .now else { throw failure(.timedOut) }
            guard let reply = try next(timeout: DaemonClient.patience) else { break }
            guard reply.tunnel != nil || reply.event == .synchronized else { break }
            tell(reply)
            listing.add(reply)
            if listing.isComplete { return listing }
        }
        throw failure(.malformed("a list without an end"))
    }
}
