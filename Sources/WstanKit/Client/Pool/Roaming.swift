/// What becomes of tunnels when the network under them changes, and when the machine has slept.
extension TunnelPool {
    /// Where a tunnel stands after a change.
    private enum Standing {
        /// The kernel would still choose its address.
        case same
        /// It would choose another one.
        case other(isOurs: Bool)
        /// There is no way to its peer now. It may come back, and TCP waits for that.
        case cutOff
    }

    /// Idle tunnels that would go another way now are replaced, those in use are to show that they live. The others are left
    /// alone, unless the change concerns them: then they are to show it too, if they are idle.
    func networkChanged(_ change: NetworkChange) {
        var sources: [SocketAddress: SocketAddress?] = [:]
        var isAnother = tunnels.isEmpty || change.touchesDefaultRoute || change.mayBeAnything
        var mustVerify = false
        for tunnel in Array(tunnels.values) {
            guard let local = tunnel.stream.localAddress, let peer = tunnel.stream.remoteAddress else { continue }
            let source = sources[peer] ?? LocalRoute.source(toward: peer)
            sources[peer] = .some(source)
            let standing = Self.standing(of: local, source)
            switch standing {
            case .same:
                if change.concerns(local) { mustVerify = true }
            case .other, .cutOff:
                isAnother = true
            }
            changed(tunnel, standing, patience: TunnelLimits.patienceAfterChange)
        }
        if mustVerify { verifyIdle() }
        if isAnother { startAnew() }
    }

    /// The pool is made anew, and what is in use is to show that it lives.
    func machineSlept() {
        giveUpIdle()
        for tunnel in Array(tunnels.values) {
            guard let local = tunnel.stream.localAddress, let peer = tunnel.stream.remoteAddress else { continue }
            let standing = Self.standing(of: local, LocalRoute.source(toward: peer))
            if case .same = standing { mark(tunnel, isCutOff: true) }
            changed(tunnel, standing, patience: TunnelLimits.patienceAfterSleep)
        }
        startAnew()
    }

    private static func standing(of local: SocketAddress, _ source: SocketAddress?) -> Standing {
        guard let source else { return .cutOff }
        return source.hasSameHost(as: local) ? .same : .other(isOurs: LocalRoute.isOurs(local))
    }

    private func changed(_ tunnel: Tunnel, _ standing: Standing, patience: Duration) {
        switch standing {
        case .same:
            if mark(tunnel, isCutOff: false) { tunnel.probe(patience: patience, isSparing: true) }
        case .other, .cutOff:
            if tunnel.isIdle { return giveUpIdle(tunnel) }
            switch standing {
            case .same, .cutOff:
                mark(tunnel, isCutOff: true)
            case .other(let isOurs):
                // From an address that is not ours nothing is sent, now or later: what TCP would send again does not matter. A
                // connection that can be begun again need not wait for that to be certain.
                mark(tunnel, isCutOff: false)
                if !isOurs, tunnel.connection?.replay != nil { return tunnel.giveUp() }
                tunnel.probe(patience: patience, isSparing: isOurs)
            }
        }
    }
}
