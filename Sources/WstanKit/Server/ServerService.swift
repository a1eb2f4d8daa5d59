/// The server's part of one worker: lets requests in, keeps the tunnels and connects them to their targets. Confined to
/// its worker.
final class ServerService: TunnelOwner, @unchecked Sendable {
    private let worker: Worker
    private let options: ServerOptions
    private let authentication: Authentication
    private let gate: HandshakeGate
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
        gate = HandshakeGate(capacity: options.maxHandshakes)
        connector = Connector(worker: worker, resolver: resolver)
        worker.budget.whenHeadsOverflow = { [gate, budget = worker.budget] in
            while budget.headsOverflow, gate.closeOldest() {}
        }
    }

    /// On the worker.
    func serve(_ arrival: Listener.Arrival) {
        guard let stream = try? Stream(descriptor: arrival.descriptor, worker: worker) else { return }
        worker.spawn { await self.welcome(stream, arrival.peer) }
    }

    // MARK: The front door

    /// The deadline is for the whole head, however slowly it drips.
    private func welcome(_ stream: Stream, _ peer: SocketAddress) async {
        let ticket = gate.enter(stream)
        // One who was refused counts until he is gone, or a flood of them would take every descriptor.
        stream.whenClosed = { [gate] in gate.leave(ticket) }
        var intake = Intake(stream)
        let verdict = await read(&intake)
        stream.heldHead = 0
        switch verdict {
        case .success(let request) where drain == nil:
            gate.leave(ticket)
            stream.whenClosed = nil
            let date = HTTPDate.format(Int64(WallClock.now()))
            stream.write(
                WebSocketHandshake.response(
                    accept: request.verified.accept, server: ServerLimits.serverName, date: date))
            startTunnel(stream, request, peer, first: intake.bytes)
        case .success:
            refuse(stream, .draining, peer, isHead: false)
        case .failure(let refusal) where refusal == .silent:
            stream.close()
        case .failure(let refusal):
            refuse(stream, refusal, peer, isHead: intake.startsWithHEAD)
        }
        finishDrainIfDone()
    }

    private func refuse(_ stream: Stream, _ refusal: Refusal, _ peer: SocketAddress, isHead: Bool) {
        guard !stream.isClosed else { return }
        log.requestRefused(refusal, peer: peer, now: worker.now)
        let answer = PlainAnswer(status: options.plainStatus)
        stream.write(answer.bytes(now: WallClock.now(), withBody: !isHead))
        stream.closeOrderly(awaitingPeer: true)
    }

    private struct Admitted {
        let verified: VerifiedRequest
        /// The client's address as a front tells it.
        let forwardedFor: String?
    }

    private func read(_ intake: inout Intake) async -> Result<Admitted, Refusal> {
        let deadline = worker.now + options.handshakeTimeout
        do {
            switch try await intake.readHead(limit: ServerLimits.requestHead, deadline: deadline) {
            case .success(let head):
                guard options.maxTunnels == 0 || tunnels.count < options.maxTunnels,
                    worker.budget.hasRoomForTunnel
                else { return .failure(.overLimit) }
                let verified = Result { () throws(Refusal) in try authentication.verify(head, now: WallClock.now()) }
                return verified.map { Admitted(verified: $0, forwardedFor: forwardedFor(head)) }
            case .failure(let interruption):
                if interruption.progress == .timedOut { return .failure(.timedOut) }
                // Nobody who has said nothing, and leaves, is answered by a web server either.
                return .failure(intake.hasReceived ? .notARequest : .silent)
            }
        } catch {
            return .failure(.notARequest)
        }
    }

    private func forwardedFor(_ head: HTTPHead) -> String? {
        guard options.trustsForwardedFor, let value = head.values(of: "X-Forwarded-For").last else { return nil }
        // The last entry is the one that the front itself has added.
        let entry = value.split(separator: UInt8(ascii: ",")).last ?? []
        let text = String(decoding: entry, as: UTF8.self).drop { $0 == " " }
        switch Host(text: text.prefix { $0 != " " }) {
        case .ipv4(let address) where text.utf8.count < 64: return address.description
        case .ipv6(let address) where text.utf8.count < 64: return address.description
        case .ipv4, .ipv6, .name, nil: return nil
        }
    }

    // MARK: Tunnels

    /// In a task of its own: one keeps the deepest stack it ever had, and this one lives long.
    private func startTunnel(_ stream: Stream, _ request: Admitted, _ peer: SocketAddress, first: [UInt8]) {
        let tunnel = Tunnel(
            id: worker.nextID(), role: .server, stream: stream, sealer: request.verified.sealer,
            opener: request.verified.opener, pings: options.pings, owner: self)
        let forwardedFor = peer.isLoopback ? request.forwardedFor : nil
        tunnels[tunnel.id] = Served(
            tunnel: tunnel, client: forwardedFor.map { AnyHashable($0) } ?? peer.hostKey, openedAt: worker.now)
        log.tunnelOpened(tunnel.id, peer: peer, forwardedFor: forwardedFor)
        if case .request(let request) = request.verified.opening, let connection = tunnel.accept() {
            self.tunnel(tunnel, serve: request, as: connection)
        }
        worker.spawn { await tunnel.run(first: first[...]) }
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

    func tunnel(_ tunnel: Tunnel, mayServe request: Request) throws(WireError) {
        do {
            try authentication.check(request.time, now: WallClock.now())
        } catch {
            guard case .wire(let reason) = error else { throw .malformed }
            throw reason
        }
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
        gate.closeAll()
        for served in tunnels.values where served.tunnel.isIdle { served.tunnel.close(CloseCode.goingAway) }
        finishDrainIfDone()
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        await worker.flushed(until: deadline)
    }

    private func finishDrainIfDone() {
        guard tunnels.isEmpty else { return }
        drain?.fulfill(())
    }
}

extension SocketAddress {
    /// What stands for one client when look-ups are shared out: its address or, with IPv6, its network.
    fileprivate var hostKey: AnyHashable {
        switch self {
        case .ipv4(let address, _): AnyHashable(address.value)
        case .ipv6(let address, _, _): AnyHashable(address.high)
        }
    }
}
