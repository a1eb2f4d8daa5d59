import WstanBase

/// Which tunnels of a worker go on when there is no room for all.
extension ServerService {
    /// Counts a connection that had to leave before it could say its request.
    package func closedForRoom() { recorder.closedForRoom() }

    /// Counts one more tunnel of the client, until that has ended. Where there is no room for it, one of the key that
    /// has most gives way.
    ///
    /// - Returns: why there is no room; nil when there is.
    func makeRoom(for client: ClientAddress, holding key: KeyID) -> Refusal? {
        let limit = options.maxTunnelsPerAddress
        guard limit == 0 || tunnelCounts.enter(client.source, limit: limit) else { return .overLimit(.tunnelsOfAddress) }
        let bound = fullBound
        guard bound != nil || Descriptors.areTight, !giveWay(to: recorder.holder(of: key)), let bound else { return nil }
        if bound == .descriptors { log.descriptorsScarce(now: worker.now) }
        if limit > 0 { tunnelCounts.leave(client.source) }
        return .overLimit(bound)
    }

    private var fullBound: Refusal.Bound? {
        if options.maxTunnels > 0, shares.count >= options.maxTunnels { return .tunnels }
        guard worker.budget.hasRoomForTunnel else { return .memory }
        return Descriptors.areScarce ? .descriptors : nil
    }

    /// Makes room for the target of a tunnel, where descriptors are scarce and others have most of them.
    func makeRoomForTarget(of holder: Party) {
        if Descriptors.areScarce, shares.greatest(beside: holder) != nil { _ = giveWay(to: holder) }
    }

    /// Whether a holder may take another descriptor for a target: the last are for those that have less than a fair part.
    func mayOpen(_ holder: Party) -> Bool {
        !Descriptors.areScarce || !shares.isGreat(holder, amongOthers: scarcity.isFelt(now: worker.now))
    }

    /// - Returns: whether a tunnel has been closed for another one of `newcomer`.
    private func giveWay(to newcomer: Party) -> Bool {
        let choice = shares.choice(for: newcomer) { tunnels[$0]?.tunnel.isIdle ?? false }
        let chosen: UInt64? =
            switch choice {
            case .idle(let id): id
            case .stillest(let holder): stillest(of: holder)
            case nil: nil
            }
        guard let id = chosen, let served = tunnels[id] else { return false }
        if Descriptors.areScarce, served.holder != newcomer { scarcity.gaveWay(now: worker.now) }
        giveWay(served)
        return true
    }

    private func giveWay(_ served: Served) {
        let tunnel = served.tunnel
        tunnels[tunnel.id]?.hasToGo = true
        shares.left(tunnel.id, of: served.holder)
        log.tunnelGaveWay(tunnel.id, key: recorder.name(of: tunnel.keyID), wasIdle: tunnel.isIdle)
        tunnel.close(CloseCode.goingAway)
        // Its place is taken already: what the peer does not take at once is lost.
        if tunnel.stream.pendingCount > 0 { tunnel.stream.abort() } else { tunnel.stream.close() }
        tunnel.letGoOfStuck()
    }

    /// More bytes are stuck than may be. Of the holder that has most of them, what has no tunnel left gives way, or else the
    /// tunnel that was silent for longest.
    ///
    /// - Returns: false when no tunnel and no parting connection holds such bytes.
    func giveWayOfStuck() -> Bool {
        var stuck: [Party: Int] = [:]
        for served in tunnels.values { stuck[served.holder, default: 0] += served.tunnel.stuck }
        for parting in partings.values { stuck[parting.asker.holder, default: 0] += parting.connection.stuck }
        guard let greatest = stuck.max(by: { $0.value < $1.value }), greatest.value > 0 else { return false }
        let holder = greatest.key
        if let parting = partings.values.first(where: { $0.asker.holder == holder && $0.connection.stuck > 0 }) {
            parting.connection.abandon()
            return true
        }
        let its = tunnels.values.lazy.filter { $0.holder == holder && !$0.hasToGo && $0.tunnel.stuck > 0 }
        guard let silent = its.min(by: { $0.tunnel.stream.lastReceived < $1.tunnel.stream.lastReceived }) else {
            return false
        }
        giveWay(silent)
        return true
    }

    /// The tunnel of a holder on which nothing has moved for longest.
    private func stillest(of holder: Party) -> UInt64? {
        let its = tunnels.values.lazy.filter { $0.holder == holder && !$0.hasToGo }.map(\.tunnel)
        return its.min { $0.lastActivity < $1.lastActivity }?.id
    }

    /// Tunnels of a key that has another name now, or none, are another's. Those of keys that are gone give way first.
    func shareAnew() {
        for id in tunnelNumbers {
            guard let served = tunnels[id], !served.hasToGo else { continue }
            let holder = recorder.holder(of: served.tunnel.keyID)
            guard holder != served.holder else { continue }
            tunnels[id]?.asker = served.client.asker(for: holder)
            shares.left(id, of: served.holder)
            shares.opened(by: holder)
            if served.tunnel.isIdle { shares.becameIdle(id, of: holder) }
        }
        let lasting = Set(tunnels.values.lazy.filter { self.isAccepted($0.tunnel.keyID) }.map(\.holder))
        shares.ended = Set(tunnels.values.lazy.map(\.holder)).subtracting(lasting)
    }
}
