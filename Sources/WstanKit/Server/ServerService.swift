import WstanBase

/// The server's part of one worker: lets requests in, keeps the tunnels and connects them to their targets. Confined to
/// its worker.
package final class ServerService: TunnelOwner, RequestAcceptor, @unchecked Sendable {
    package let worker: Worker
    private var options: ServerOptions
    private var authentication: Authentication
    private let acceptor: TunnelAcceptor
    private let connector: Connector
    private let log: EventLog
    private let recorder: RefusalRecorder
    private let policy: TargetPolicy
    private let tunnelCounts: TunnelCounts
    private let replayGuard: ReplayGuard
    private let limiter: HandshakeLimiter
    private var tunnels: [UInt64: Served] = [:]
    /// Of those that have not had to give way.
    private var shares = TunnelShares()
    /// Tunnels that are no more.
    private var past = TunnelTotals()
    /// Why a request was refused that came as a message, where the tunnel has no word for it.
    private var refusalOfMessage: Refusal?
    private let drain: Draining

    private struct Served {
        let tunnel: Tunnel
        /// Also behind a front.
        let client: ClientAddress
        /// The holder of the key that it was opened with, by today's ring, at the address of the client.
        var asker: Asker
        var hasToGo = false
        /// In `tunnelCounts`.
        let isCounted: Bool

        var holder: Party { asker.holder }
    }

    package init(worker: Worker, options: ServerOptions, shared: ServerShared, resolver: Resolver, log: EventLog) {
        self.worker = worker
        self.options = options
        self.log = log
        drain = Draining(worker: worker)
        recorder = RefusalRecorder(worker: worker, log: log, recent: shared.recentRefusals)
        policy = TargetPolicy(worker: worker, rules: options.rules, hostAddresses: shared.hostAddresses)
        tunnelCounts = shared.tunnelCounts
        replayGuard = shared.replayGuard
        limiter = shared.limiter
        authentication = Authentication(options: options, replayGuard: replayGuard) { [recorder, replayGuard] in
            log.seenRequestsFull(recorder.name(of: $0), holder: replayGuard.largestHolder, now: worker.now)
        }
        acceptor = TunnelAcceptor(worker: worker, options: options, authentication: authentication, recorder: recorder)
        connector = Connector(worker: worker, resolver: resolver, limiter: shared.connects)
        acceptor.closedBecause = { [unowned self] in drain.isOn ? .draining : nil }
        acceptor.makeRoom = { [unowned self] in makeRoom(for: $0, holding: $1) }
    }

    /// What this worker has refused so far.
    package var rejects: RefusalCounts { recorder.rejects }

    package var totals: TunnelTotals { past.adding(tunnels.values.lazy.map(\.tunnel)) }

    /// Of the tunnels that are open, in order.
    package var tunnelNumbers: [UInt64] { tunnels.keys.sorted() }

    /// One for each of these that is still open.
    package func reports(of numbers: ArraySlice<UInt64>) -> [TunnelReport] {
        numbers.compactMap { number in
            tunnels[number].map { $0.tunnel.report(peer: $0.client.description) }
        }
    }

    /// - Returns: false when there is none with that number.
    package func closeTunnel(_ id: UInt64) -> Bool {
        guard let tunnel = tunnels[id]?.tunnel else { return false }
        tunnel.close(CloseCode.goingAway)
        return true
    }

    /// Others are in force from now on; a connection that is up keeps what it began with. Keys and certificates have
    /// ways of their own.
    package func apply(_ options: ServerOptions) {
        worker.assertIsCurrent()
        self.options = options
        authentication.apply(options)
        acceptor.apply(options, authentication)
        policy.rules = options.rules
    }

    // MARK: Keys

    /// How often each live key has been used on this worker.
    package var keyUses: [KeyID: KeyUse] { authentication.keys.uses }

    /// Other keys are accepted from now on; what runs goes on. On the worker.
    package func install(_ ring: KeyRing) {
        worker.assertIsCurrent()
        authentication.keys.install(ring.liveKeys)
        recorder.keyNames = ring.names
        shareAnew()
        // A request on one of these would be refused: so its client is told now, and opens another.
        for tunnel in tunnels.values.map(\.tunnel) where tunnel.isIdle && !isAccepted(tunnel.keyID) {
            tunnel.close(CloseCode.goingAway)
        }
    }

    /// Tunnels of a key that has another name now, or none, are another's.
    private func shareAnew() {
        for id in tunnelNumbers {
            guard let served = tunnels[id], !served.hasToGo else { continue }
            let holder = recorder.holder(of: served.tunnel.keyID)
            guard holder != served.holder else { continue }
            tunnels[id]?.asker = served.client.asker(for: holder)
            shares.left(id, of: served.holder)
            shares.opened(by: holder)
            if served.tunnel.isIdle { shares.becameIdle(id, of: holder) }
        }
    }

    /// Ends the tunnels that were opened with a key, whatever they carry.
    ///
    /// - Returns: how many; not those that were closing already.
    package func closeTunnels(openedWith key: KeyID) -> Int {
        let opened = tunnels.values.map(\.tunnel).filter { $0.keyID == key && !$0.isClosing }
        for tunnel in opened { tunnel.close(CloseCode.goingAway) }
        return opened.count
    }

    private func isAccepted(_ key: KeyID) -> Bool { authentication.keys.accepts(key, now: WallClock.now()) }

    /// On the worker.
    package func serve(_ arrival: Acceptor.Arrival) {
        worker.assertIsCurrent()
        guard let stream = try? Stream(arrival) else {
            if let ticket = arrival.ticket { limiter.leave(ticket) }
            return
        }
        let place = arrival.ticket.map { ticket in
            HandshakePlace(ticket, of: stream, from: ClientAddress(arrival.peer).source.party, in: limiter) { [recorder] in
                recorder.closedForRoom()
            }
        }
        worker.spawn { [self] in
            let accepted = await acceptor.accept(stream, from: arrival.peer, at: place)
            if let accepted { startTunnel(for: accepted) }
            finishDrainIfDone()
        }
    }

    // MARK: Room

    /// Counts a connection that had to leave before it could say its request.
    package func closedForRoom() { recorder.closedForRoom() }

    /// Counts one more tunnel of the client, until that has ended. Where there is no room for it, one of the key that
    /// has most gives way.
    ///
    /// - Returns: why there is no room; nil when there is.
    private func makeRoom(for client: ClientAddress, holding key: KeyID) -> Refusal? {
        let limit = options.maxTunnelsPerAddress
        guard limit == 0 || tunnelCounts.enter(client.source, limit: limit) else { return .overLimit(.tunnelsOfAddress) }
        let bound = fullBound
        guard bound != nil || Descriptors.areTight, !giveWay(to: recorder.holder(of: key)), let bound else { return nil }
        if limit > 0 { tunnelCounts.leave(client.source) }
        return .overLimit(bound)
    }

    private var fullBound: Refusal.Bound? {
        if options.maxTunnels > 0, shares.count >= options.maxTunnels { return .tunnels }
        return worker.budget.hasRoomForTunnel ? nil : .memory
    }

    /// - Returns: whether a tunnel has been closed for another one of `newcomer`.
    private func giveWay(to newcomer: Party) -> Bool {
        let idle = shares.longestIdle(for: newcomer) { tunnels[$0]?.tunnel.isIdle ?? false }
        guard let id = idle ?? stillest(of: shares.greatest(beside: newcomer)), let served = tunnels[id] else {
            return false
        }
        tunnels[id]?.hasToGo = true
        shares.left(id, of: served.holder)
        log.tunnelGaveWay(id, key: recorder.name(of: served.tunnel.keyID), wasIdle: idle != nil)
        served.tunnel.close(CloseCode.goingAway)
        // Its place is taken already: what the peer does not take at once is lost.
        let stream = served.tunnel.stream
        if stream.pendingCount > 0 { stream.abort() } else { stream.close() }
        return true
    }

    /// The tunnel of a holder on which nothing has moved for longest.
    private func stillest(of holder: Party?) -> UInt64? {
        guard let holder else { return nil }
        let its = tunnels.values.lazy.filter { $0.holder == holder && !$0.hasToGo }.map(\.tunnel)
        return its.min { $0.lastActivity < $1.lastActivity }?.id
    }

    // MARK: Tunnels

    /// In a task of its own: one keeps the deepest stack it ever had, and this one lives long.
    private func startTunnel(for accepted: TunnelAcceptor.Accepted) {
        if options.allowBareDGM { accepted.request.opener.allowBareDatagrams() }
        let tunnel = Tunnel(
            id: worker.nextID(), role: .server, stream: accepted.stream, sealer: accepted.request.sealer,
            opener: accepted.request.opener, pings: options.pings, owner: self, acceptor: self)
        let holder = recorder.holder(of: tunnel.keyID)
        tunnels[tunnel.id] = Served(
            tunnel: tunnel, client: accepted.client, asker: accepted.client.asker(for: holder),
            isCounted: options.maxTunnelsPerAddress > 0)
        shares.opened(by: holder)
        past.opened &+= 1
        log.tunnelOpened(tunnel.id, peer: accepted.client, key: recorder.name(of: tunnel.keyID))
        switch accepted.request.opening {
        case .request(let request):
            if let connection = tunnel.accept(request) { self.tunnel(tunnel, serve: request, as: connection) }
        case .association(let request):
            tunnel.acceptAssociation(first: request.first)
        case .idle:
            shares.becameIdle(tunnel.id, of: holder)
        }
        let rest = accepted.rest[...]
        worker.spawn { await tunnel.receiveLoop(first: rest) }
    }

    func tunnelEnded(_ tunnel: Tunnel) {
        if let served = tunnels.removeValue(forKey: tunnel.id) {
            past.traffic = past.traffic + tunnel.stream.traffic
            if !served.hasToGo { shares.left(tunnel.id, of: served.holder) }
            if served.isCounted { tunnelCounts.leave(served.client.source) }
        }
        log.tunnelEnded(tunnel.id)
        finishDrainIfDone()
    }

    func tunnelIsIdle(_ tunnel: Tunnel) {
        guard !drain.isOn, isAccepted(tunnel.keyID) else { return tunnel.close(CloseCode.goingAway) }
        guard let served = tunnels[tunnel.id], !served.hasToGo else { return }
        shares.becameIdle(tunnel.id, of: served.holder)
    }

    package func tunnel(_ tunnel: Tunnel, refused error: WireError) {
        let refusal = refusalOfMessage ?? .wire(error)
        refusalOfMessage = nil
        recorder.refused(refusal, on: tunnel, of: tunnels[tunnel.id]?.client)
    }

    /// The certificate's files have changed. On the worker.
    package func renew(_ tls: TLSServerContext?) {
        worker.assertIsCurrent()
        acceptor.renew(tls)
    }

    // MARK: RequestAcceptor

    package func tunnel(_ tunnel: Tunnel, admissionOf stamp: RequestStamp) -> Admission {
        do {
            try authentication.admit(stamp, under: tunnel.keyID, now: .now())
            return .admitted
        } catch {
            // What cannot be remembered may have been seen.
            guard case .wire(let reason) = error else {
                refusalOfMessage = error
                return .refused(.replayed)
            }
            return .refused(reason)
        }
    }

    package func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection) {
        guard let served = tunnels[tunnel.id] else { return }
        let (client, asker) = (served.client, served.asker)
        connection.connecting = worker.spawn { [self] in
            let target: Stream
            let began = worker.now
            do throws(Connector.Failure) {
                target = try await connect(to: request.target, for: asker)
            } catch {
                guard tunnel.connection === connection else { return }
                if let key = error.forbiddingKey {
                    recorder.forbade(request.target, by: key, to: client, on: tunnel.id, with: tunnel.keyID)
                } else {
                    log.targetFailed(tunnel.id, request.target, error)
                    if let bound = error.bound { recorder.refused(.overLimit(bound), of: client, with: tunnel.keyID) }
                }
                let told = ToldFailure(error, of: request.target)
                if let time = told.time(since: began, now: worker.now) {
                    await worker.sleep(for: time - worker.now)
                    guard tunnel.connection === connection else { return }
                }
                let reset = told.reset
                await waitForPythonClient(tunnel)
                return tunnel.end(connection, reset)
            }
            guard tunnel.connected(connection, to: target) else { return target.close() }
            log.targetConnected(tunnel.id, request.target)
            if !(target.remoteAddress?.isLoopback ?? false) { target.watchForVanishedPeer() }
            worker.spawn { await self.relay(connection, from: target, on: tunnel) }
        }
    }

    /// The rules are asked of the name, and of each of its addresses right before it is connected to.
    private func connect(to target: Address, for asker: Asker) async throws(Connector.Failure) -> Stream {
        var name: String?
        if case .name(let text) = target.host {
            if let key = policy.refusal(ofName: text, port: target.port) { throw .forbidden(key: key) }
            name = text
        }
        let deadline = worker.now + options.connectTimeout
        return try await connector.connect(to: target, for: asker, deadline: deadline) { [policy, name] in
            policy.refusal(of: $0, name: name)
        }
    }

    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)? {
        guard let client = tunnels[tunnel.id]?.client else { return nil }
        // A datagram without a tag asks for it, where that is allowed, and nobody has looked at the key yet.
        guard isAccepted(tunnel.keyID) else {
            recorder.refused(.wire(.badAuthentication), on: tunnel, of: client)
            return nil
        }
        let patience = ServerLimits.associationIdle
        return ServerAssociation(
            on: tunnel, for: client, policy: policy, resolver: connector.resolver, recorder: recorder, log: log,
            patience: options.idleTimeout > .zero ? min(patience, options.idleTimeout) : patience)
    }

    private func relay(_ connection: Connection, from target: Stream, on tunnel: Tunnel) async {
        var idleWatch: IdleWatch?
        if options.idleTimeout > .zero {
            idleWatch = IdleWatch(of: connection, between: tunnel, and: target, patience: options.idleTimeout)
        }
        let end = await tunnel.sendLoop(connection, from: target)
        idleWatch?.cancel()
        if end != .over { await waitForPythonClient(tunnel) }
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

    /// A Python client that reads a reset together with the 101 forgets to close its user agent's connection: its task
    /// for that is cancelled before it has begun. So on a tunnel that has only just opened, our end takes a moment to
    /// be told.
    private func waitForPythonClient(_ tunnel: Tunnel) async {
        guard tunnels[tunnel.id] != nil else { return }
        let told = tunnel.opened + ServerLimits.resetAfterOpening
        if worker.now < told { await worker.sleep(for: told - worker.now) }
    }

    // MARK: Draining

    /// Takes no requests on, and lets what is in flight finish; idle tunnels are closed at once. It ends early by `endDrain`.
    package func drain(until deadline: Instant?) async {
        if !drain.isOn {
            drain.begin()
            acceptor.closeAll()
            // An association has no end of its own to wait for, and its next datagram opens another one elsewhere.
            for tunnel in tunnels.values.map(\.tunnel) where tunnel.isIdle || tunnel.association != nil {
                tunnel.close(CloseCode.goingAway)
            }
        }
        guard !tunnels.isEmpty else { return }
        await drain.wait(until: deadline)
    }

    package func endDrain() {
        drain.end()
    }

    /// The last thing: says what was gathered.
    package func close(until deadline: Instant) async {
        recorder.close()
        await worker.flushed(until: deadline)
    }

    private func finishDrainIfDone() {
        if tunnels.isEmpty { drain.finish() }
    }
}

extension Connector.Failure {
    /// What there was no more room in, if that is why.
    fileprivate var bound: Refusal.Bound? {
        switch self {
        case .tooMany: .connects
        case .lookUp(.tooMany): .lookUps
        case .lookUp, .connect, .forbidden, .leadsToForbidden: nil
        }
    }
}
