import WstanBase

/// A server's end of a connection, from the target's answer on.
extension ServerService {
    func relay(_ connection: Connection, from target: Stream, on tunnel: Tunnel) async {
        let idleWatch = watch(connection, target, on: tunnel)
        let end = await tunnel.sendLoop(connection, from: target)
        let isHalf = end == .finished && tunnel.finish(connection)
        if isHalf {
            idleWatch?.halfClosed()
            await waitForClient(connection, target, on: tunnel)
        }
        idleWatch?.cancel()
        if !isHalf, end != .over { await waitForPythonClient(tunnel) }
        switch end {
        case .finished: tunnel.end(connection, .normal)
        case .broken: tunnel.end(connection, .targetBroken)
        case .over: break
        }
        switch connection.outcome {
        case nil:
            // What the client still sent goes nowhere: version 1 cannot say that only one direction has ended.
            target.closeOrderly(awaitingPeer: false)
        case .reset(let reset):
            if reset.isBrokenConnection { target.abort() } else { target.closeOrderly(awaitingPeer: false) }
        case .lost:
            target.resetAfterDelivery()
        }
    }

    /// - Returns: nil where there is no limit; version 1 has no connections that are half-closed.
    private func watch(_ connection: Connection, _ target: Stream, on tunnel: Tunnel) -> IdleWatch? {
        guard options.idleTimeout > .zero || tunnel.isOfVersion2 else { return nil }
        let watch = IdleWatch(of: connection, between: tunnel, and: target, patience: options.idleTimeout)
        if tunnel.isOfVersion2 { connection.whenPeerFinishes { [weak watch] in watch?.halfClosed() } }
        return watch
    }

    /// The target has finished, and the client may go on: until it has finished too, or one of them is gone.
    private func waitForClient(_ connection: Connection, _ target: Stream, on tunnel: Tunnel) async {
        target.onPeerGone = { [weak connection] in connection?.wake() }
        defer { target.onPeerGone = nil }
        while tunnel.carries(connection) {
            guard !target.isGone else { return tunnel.end(connection, .targetBroken) }
            guard await connection.waitForNews() else { return }
        }
    }

    /// A Python client that reads a reset together with the 101 forgets to close its user agent's connection: its task
    /// for that is cancelled before it has begun. So on a tunnel that has only just opened, our end takes a moment to
    /// be told.
    func waitForPythonClient(_ tunnel: Tunnel) async {
        guard tunnels[tunnel.id] != nil, isTooYoungForReset(tunnel) else { return }
        await worker.sleep(for: tunnel.opened + ServerLimits.resetAfterOpening - worker.now)
    }

    func isTooYoungForReset(_ tunnel: Tunnel) -> Bool {
        !tunnel.isOfVersion2 && worker.now < tunnel.opened + ServerLimits.resetAfterOpening
    }
}

extension TunnelAcceptor.Accepted {
    /// What the tunnel speaks.
    var version: (TunnelRole, FrameOutput) -> TunnelVersion {
        { role, frames in
            switch content {
            case .v1(let request):
                .v1(TunnelV1(role, sealer: request.sealer, opener: request.opener, frames: frames))
            case .v2(let greeting): .v2(TunnelV2(role, greeting.agreement, frames: frames))
            }
        }
    }
}
