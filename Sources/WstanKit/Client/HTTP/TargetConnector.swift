import WstanBase

/// Makes ways to targets, on a tunnel from the pool where that is wise, or without one where the rules say so.
struct TargetConnector {
    let dialer: Dialer
    let direct: DirectDialer
    let pool: TunnelPool
    let log: EventLog

    var worker: Worker { dialer.worker }
    private var options: ClientOptions { dialer.options }

    /// On a tunnel from the pool; nil without one.
    ///
    /// - Parameters:
    ///   - opening: what the target gets first.
    ///   - former: a tunnel that was used just now. It falls idle as soon as the server has answered its reset, a round
    ///     trip later, and then costs one more, as many as a new tunnel; so beyond that it is not waited for.
    func connectPooled(
        _ target: Address, _ opening: [UInt8], for connection: Connection, former: Tunnel?
    ) async -> TargetConnection? {
        pool.connectionBegan()
        if !pool.hasIdle, let former, former.connection == nil {
            await pool.waitForIdle(former, until: worker.now + former.stream.roundTrip * 2 + ClientLimits.resetPause)
        }
        guard let tunnel = await pool.obtain() else { return nil }
        let first = Array(opening.prefix(options.earlyData))
        let request = Request(time: WallClock.now(), target: target, data: first)
        // Only what can be repeated comes here.
        pool.request(request, on: tunnel, for: connection) { false }
        tunnel.send(opening.dropFirst(options.earlyData), for: connection)
        log.connectionOpened(tunnel.id, target: target, isPooled: true)
        return TargetConnection(target: target, carrier: tunnel, connection: connection, origin: .pooled)
    }

    /// On a new tunnel.
    ///
    /// - Parameter mayRepeat: whether the target may get the opening twice.
    func connectFresh(
        _ target: Address, _ opening: [UInt8], for connection: Connection, first: Result<Uplink, DialFailure>,
        mayRepeat: Bool
    ) async throws(DialFailure) -> TargetConnection {
        do {
            let early = Array(opening.prefix(options.earlyData))
            let tunnel = try await dialer.open(connection, to: target, early: early, first: first, mayRepeat: mayRepeat)
            tunnel.send(opening.dropFirst(options.earlyData), for: connection)
            log.connectionOpened(tunnel.id, target: target, isPooled: false)
            return TargetConnection(target: target, carrier: tunnel, connection: connection, origin: .fresh)
        } catch {
            log.dialFailed(error, target: target, now: worker.now)
            throw error
        }
    }
}
