/// The server's part of one worker: lets requests in, keeps the tunnels and connects them to their targets. Confined to
/// its worker.
final class ServerService: TunnelOwner, @unchecked Sendable {
    private let worker: Worker
    private let options: ServerOptions
    private let authentication: Authentication
    private let reception: Reception
    private let connector: Connector
    private let log: EventLog
    private var tunnels: [UInt64: Served] = [:]
    private var drain: Wait<Void>?

    private struct Served {
        let tunnel: Tunnel
        /// On whose behalf names are looked up: the client, also behind a front, by address or IPv6 network.
        let client: AnyHashable
        let openedAt: Instant
    }

    init(worker: Worker, options: ServerOptions, replayGuard: ReplayGuard, resolver: Resolver, log: EventLog) {
        self.worker = worker
        self.options = options
        self.log = log
        authentication = Authentication(options: options, replayGuard: replayGuard)
        reception = Reception(worker: worker, options: options, authentication: authentication, log: log)
        connector = Connector(worker: worker, resolver: resolver)
        reception.closedBecause = { [unowned self] in whyClosed }
    }

    /// On the worker.
    func serve(_ arrival: Listener.Arrival) {
        guard let stream = try? Stream(descriptor: arrival.descriptor, worker: worker) else { return }
        worker.spawn { [self] in
            if let guest = await reception.welcome(stream, from: arrival.peer) { startTunnel(for: guest) }
            finishDrainIfDone()
        }
    }

    /// Why no tunnel can be opened at the moment, if so.
    private var whyClosed: Refusal? {
        if drain != nil { return .draining }
        let hasRoom = options.maxTunnels == 0 || tunnels.count < options.maxTunnels
        return hasRoom && worker.budget.hasRoomForTunnel ? nil : .overLimit
    }

    // MARK: Tunnels

    /// In a task of its own: one keeps the deepest stack it ever had, and this one lives long.
    private func startTunnel(for guest: Reception.Guest) {
        let tunnel = Tunnel(
            id: worker.nextID(), role: .server, stream: guest.stream, sealer: guest.request.sealer,
            opener: guest.request.opener, pings: options.pings,
            allowsBareDatagrams: options.allowsBareDatagrams, owner: self)
        tunnels[tunnel.id] = Served(tunnel: tunnel, client: guest.client.shareKey, openedAt: worker.now)
        log.tunnelOpened(tunnel.id, peer: guest.client)
        switch guest.request.opening {
        case .request(let request):
            if let connection = tunnel.accept() { self.tunnel(tunnel, serve: request, as: connection) }
        case .association(let request):
            tunnel.acceptAssociation(first: request.first)
        case .idle:
            break
        }
        let rest = guest.rest[...]
        worker.spawn { await tunnel.run(first: rest) }
    }

    func tunnelEnded(_ tunnel: Tunnel) {
        tunnels[tunnel.id] = nil
        log.tunnelEnded(tunnel.id)
        finishDrainIfDone()
    }

    func tunnelIsIdle(_ tunnel: Tunnel) {
        if drain != nil { tunnel.close(CloseCode.goingAway) }
    }

    func tunnel(_ tunnel: Tunnel, refused error: WireError) {
        log.tunnelRefused(tunnel.id, error, now: worker.now)
    }

    func tunnel(
        _ tunnel: Tunnel, mayServeRequestOf time: Double, replayableUnder nonce: Nonce?
    ) throws(WireError) {
        do {
            try authentication.check(time, replayableUnder: nonce, now: WallClock.now())
        } catch {
            guard case .wire(let reason) = error else { throw .malformed }
            throw reason
        }
    }

    /// The certificate's files have changed. On the worker.
    func renew(_ tls: TLSServerContext) {
        reception.renew(tls)
    }

    // MARK: Targets

    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection) {
        guard let client = tunnels[tunnel.id]?.client else { return }
        connection.hold(request.data)
        connection.connecting = worker.spawn { [self] in
            let target: Stream
            do throws(Connector.Failure) {
                let deadline = worker.now + options.connectTimeout
                target = try await connector.connect(to: request.target, for: client, deadline: deadline)
            } catch {
                guard tunnel.connection === connection else { return }
                let reset = Reset.unreachable(request.target, error.description)
                log.targetFailed(tunnel.id, request.target, error)
                await waitForPythonClient(tunnel)
                return tunnel.end(connection, reset)
            }
            guard tunnel.connected(connection, to: target) else { return target.close() }
            log.targetConnected(tunnel.id, request.target)
            if !(target.remoteAddress?.isLoopback ?? false) { target.watchForVanishedPeer() }
            worker.spawn { await self.relay(connection, from: target, on: tunnel) }
        }
    }

    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)? {
        guard let client = tunnels[tunnel.id]?.client else { return nil }
        return ServerAssociation(on: tunnel, for: client, resolver: connector.resolver, log: log)
    }

    private func relay(_ connection: Connection, from target: Stream, on tunnel: Tunnel) async {
        let end = await tunnel.relay(connection, from: target)
        if end != .over { await waitForPythonClient(tunnel) }
        switch end {
        case .finished: tunnel.end(connection, .normal)
        case .broken: tunnel.end(connection, .targetBroken)
        case .over: break
        }
        switch connection.outcome {
        case nil:
            // What the client still sent is not for anybody: version 1 cannot say that only one direction has ended.
            target.closeOrderly(awaitingPeer: false)
        case .reset(let reset):
            if reset.isBrokenConnection { target.abort() } else { target.closeOrderly(awaitingPeer: false) }
        case .lost:
            target.resetAfterDelivery()
        }
    }

    /// A Python client that reads a reset together with the 101 forgets to close its user agent's connection: its task
    /// for that is cancelled before it has begun. So on a tunnel that has only just opened, our end takes a moment to
    /// be told.
    private func waitForPythonClient(_ tunnel: Tunnel) async {
        guard let opened = tunnels[tunnel.id]?.openedAt else { return }
        let told = opened + ServerLimits.resetAfterOpening
        if worker.now < told { await worker.sleep(for: told - worker.now) }
    }

    // MARK: Draining

    /// Lets what is in flight finish; idle tunnels are closed at once.
    func drain(until deadline: Instant) async {
        let wait = Wait<Void>(worker: worker)
        drain = wait
        reception.closeAll()
        // An association has no end of its own to wait for, and its next datagram opens another one elsewhere.
        for tunnel in tunnels.values.map(\.tunnel) where tunnel.isIdle || tunnel.association != nil {
            tunnel.close(CloseCode.goingAway)
        }
        finishDrainIfDone()
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        await worker.flushed(until: deadline)
    }

    private func finishDrainIfDone() {
        guard tunnels.isEmpty else { return }
        drain?.fulfill(())
    }
}
