import WstanBase

/// What there is to say of one tunnel at one moment, for a client of the control socket.
package struct TunnelReport: Sendable, Equatable {
    package enum State: Sendable {
        /// The target has not answered.
        case connecting
        case using
        /// Its connection is over, and the peer's word for it is awaited.
        case resetting
        case idle
    }

    /// 1, 2, 3 and so on, over all workers: unique in the life of the process.
    package var id: UInt64
    package var state: State
    package var carriesDatagrams: Bool
    /// Of this end: at a server the client, behind a front as far as that tells; at a client the server.
    package var peer: String
    /// At a client: whose connection it is.
    package var userAgent: String?
    /// Of the connection; an association has many.
    package var target: String?
    /// The key that it was opened with.
    package var key: KeyID?
    /// Bytes of the WebSocket, frames included.
    package var traffic: Traffic
    package var opened: Instant
    /// When bytes of the connection, or a datagram, last went either way; of an idle tunnel: since when it is idle.
    package var lastActivity: Instant
    package var roundTrip: Duration
}

/// How many tunnels one worker has had, and what they have carried.
package struct TunnelTotals: Sendable, Equatable {
    /// Open and in use.
    package var active = 0
    /// Open, and carrying nothing.
    package var idle = 0
    /// Since the start.
    package var opened: UInt64 = 0
    package var traffic = Traffic()

    package init(active: Int = 0, idle: Int = 0, opened: UInt64 = 0, traffic: Traffic = Traffic()) {
        self.active = active
        self.idle = idle
        self.opened = opened
        self.traffic = traffic
    }

    package static func + (a: TunnelTotals, b: TunnelTotals) -> TunnelTotals {
        TunnelTotals(
            active: a.active + b.active, idle: a.idle + b.idle, opened: a.opened &+ b.opened,
            traffic: a.traffic + b.traffic)
    }

    /// Those that have ended, and now these.
    func adding(_ tunnels: some Sequence<Tunnel>) -> TunnelTotals {
        tunnels.reduce(into: self) { totals, tunnel in
            if tunnel.isIdle { totals.idle += 1 } else { totals.active += 1 }
            totals.traffic = totals.traffic + tunnel.stream.traffic
        }
    }
}

extension Tunnel {
    /// - Parameter peer: the other end, where that is known better than by the socket.
    func report(peer: String? = nil) -> TunnelReport {
        let userAgent = role == .requester ? connection?.end : nil
        return TunnelReport(
            id: id, state: version.state, carriesDatagrams: association != nil,
            peer: peer ?? stream.peerName,
            userAgent: userAgent?.peerName,
            target: connection?.target?.description, key: keyID, traffic: stream.traffic, opened: opened,
            lastActivity: lastActivity, roundTrip: stream.roundTrip)
    }

    /// By what both ends note anyway. What the WebSocket received does not count: pings are no activity.
    var lastActivity: Instant {
        let moments = [
            pulse?.restarted, connection?.lastDelivery, connection?.end?.lastReceived, association?.lastUsed,
        ]
        return moments.compactMap(\.self).max() ?? opened
    }
}
