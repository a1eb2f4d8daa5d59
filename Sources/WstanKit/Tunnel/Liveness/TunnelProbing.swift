import WstanBase

/// Whether a tunnel works still, asked when there is reason to doubt it.
extension Tunnel {
    /// Something has happened that it may not have survived: the peer is to show soon that it is there, or the tunnel is
    /// given up.
    ///
    /// - Parameters:
    ///   - isSparing: see `Keepalive.probe`.
    ///   - answered: called when it has answered.
    func probe(patience: Duration, isSparing: Bool, answered: (() -> Void)? = nil) {
        if let answered { expectPong(answered) }
        pulse?.probe(patience: patience, isSparing: isSparing)
    }

    /// It is of no more use; a connection that it carries is lost.
    func giveUp() {
        pulse?.giveUp()
    }

    /// Whether it was the network that ended it, and not the peer.
    var isLostToNetwork: Bool {
        pulse?.hasGivenUp ?? false || stream.failure?.isSilence ?? false
    }

    /// Client: the request of `connection` has just gone out on a tunnel that has been idle. When the peer's kernel does not
    /// acknowledge it soon, the tunnel is given up, unless `isLastCopy` says that nobody could send the request again.
    ///
    /// - Parameter gaveUp: called after that.
    func expectAcknowledgement(
        of connection: Connection, isLastCopy: @escaping () -> Bool, gaveUp: @escaping () -> Void
    ) {
        let asked = worker.now
        connection.expectWord(within: TunnelLimits.acknowledgement) { [weak self, weak connection] in
            guard let self, let connection else { return }
            // Asked of the kernel only now, since most connections never come here.
            let left = stream.roundTrip * 4 - TunnelLimits.acknowledgement
            connection.expectWord(within: max(left, .zero)) { [weak self, weak connection] in
                guard let self, let connection, carries(connection), !isLastCopy(), stream.lastReceived < asked,
                    stream.unacknowledgedCount > 0, !stream.hasHeardPeer(since: asked)
                else { return }
                giveUp()
                gaveUp()
            }
        }
    }

    package struct Pings {
        var inUse: Duration = .seconds(45)
        var idle: Duration = .seconds(20)

        /// A server of version 2 may want pings more often, not less (TIMERS).
        mutating func adopt(_ options: Options) {
            guard options.has(.timers) else { return }
            inUse = min(inUse, options.timers.ping)
            idle = min(idle, options.timers.ping)
        }
    }

    var heartbeatInUse: KeepaliveMachine {
        KeepaliveMachine(interval: pings.inUse, patience: TunnelLimits.patienceInUse)
    }

    /// It carries nothing, from now on or from its opening on.
    func rest() {
        switch role {
        case .requester:
            let heartbeat = KeepaliveMachine(interval: pings.idle, patience: TunnelLimits.patienceIdle)
            pulse?.restart(heartbeat, trustsTCP: false)
        case .acceptor:
            pulse?.restart(heartbeatInUse)
        }
    }
}
