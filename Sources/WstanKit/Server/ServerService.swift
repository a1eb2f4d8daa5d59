import WstanBase

/// The server's part of one worker: lets requests in, keeps the tunnels and connects them to their targets. Confined to
/// its worker.
package final class ServerService: TunnelOwner, RequestAcceptor, @unchecked Sendable {
    package let worker: Worker
    var options: ServerOptions
    private let authentication: Authentication
    private let acceptor: TunnelAcceptor
    private var connector: Connector
    let log: EventLog
    let recorder: RefusalRecorder
    private let policy: TargetPolicy
    let tunnelCounts: TunnelCounts
    private let replayGuard: ReplayGuard
    private let limiter: HandshakeLimiter
    let scarcity: Scarcity
    var tunnels: [UInt64: Served] = [:]
    /// Of those that have not had to give way.
    var shares = TunnelShares()
    /// Tunnels that are no more.
    private var past = TunnelTotals()
    /// Why a request was refused that came as a message, where the tunnel has no word for it.
    private var refusalOfMessage: Refusal?
    private let drain: Draining
    private let connects: ConnectLimiter
    /// Connections that are still being made for clients that have left.
    private(set) var partings: [ObjectIdentifier: (connection: Connection, asker: Asker)] = [:]

    struct Served {
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
        scarcity = shared.scarcity
        connects = shared.connects
        authentication = Authentication(options: options, replayGuard: replayGuard) { [recorder, replayGuard] in
            log.seenRequestsFull(recorder.name(of: $0), holder: replayGuard.largestHolder, now: worker.now)
        }
        acceptor = TunnelAcceptor(worker: worker, options: options, authentication: authentication, recorder: recorder)
        connector = Connector(worker: worker, resolver: resolver, limiter: connects)
        acceptor.closedBecause = { [unowned self] in drain.isOn ? .draining : nil }
        acceptor.makeRoom = { [unowned self] in makeRoom(for: $0, holding: $1) }
        connector.mayOpen = { [unowned self] in mayOpen($0.holder) }
        worker.budget.whenStuckOverflow = { [unowned self] in
            while self.worker.budget.stuckOverflow, giveWayOfStuck() {}
        }
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
        acceptor.apply(options)
        policy.rules = options.rules
        retireUnaccepted()
    }

    // MARK: Keys

    /// How often each live key has been used on this worker.
    package var keyUses: [KeyID: KeyUse] { authentication.keys.uses.merging(authentication.users.uses) { $1 } }

    /// Other keys are accepted from now on; what runs goes on. On the worker.
    package func install(_ ring: KeyRing) {
        worker.assertIsCurrent()
        authentication.keys.install(ring.liveKeys)
        recorder.keyNames = ring.names
        let keys = ring.serverKeys(now: CalendarTime(seconds: WallClock.now()))
        let formerExpiry = ring.server.previous.first?.expiry
        install(keys.map { ServerIdentity(keys: $0, formerExpiry: formerExpiry, realm: ring.realm, users: ring.users) })
        retireUnaccepted()
    }

    /// A request on one of these would be refused, and an association goes on to new targets without one: so its client is told
    /// now, and opens another.
    private func retireUnaccepted() {
        for tunnel in tunnels.values.map(\.tunnel) where !isAccepted(tunnel.keyID) {
            tunnel.version.retire(.keyRevoked, on: tunnel)
        }
    }

    /// The same of version 2: its keys, and its users. On the worker.
    func install(_ identity: ServerIdentity?) {
        worker.assertIsCurrent()
        authentication.users.install(identity)
        shareAnew()
    }

    /// Ends the tunnels that were opened with a key, whatever they carry.
    ///
    /// - Returns: how many; not those that were closing already.
    package func closeTunnels(openedWith key: KeyID) -> Int {
        let opened = tunnels.values.map(\.tunnel).filter { $0.keyID == key && !$0.isClosing }
        for tunnel in opened { tunnel.version.revoke(on: tunnel) }
        return opened.count
    }

    func isAccepted(_ key: KeyID) -> Bool { authentication.accepts(key, now: WallClock.now()) }

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

    // MARK: Tunnels

    /// In a task of its own: one keeps the deepest stack it ever had, and this one lives long.
    private func startTunnel(for accepted: TunnelAcceptor.Accepted) {
        let tunnel = Tunnel(
            id: worker.nextID(), role: .server, stream: accepted.stream, version: accepted.version,
            pings: options.pings, owner: self, acceptor: self)
        if options.allowBareDGM, case .v1(let request) = accepted.content { request.opener.allowBareDatagrams() }
        let holder = recorder.holder(of: tunnel.keyID)
        tunnels[tunnel.id] = Served(
            tunnel: tunnel, client: accepted.client, asker: accepted.client.asker(for: holder),
            isCounted: options.maxTunnelsPerAddress > 0)
        shares.opened(by: holder)
        past.opened &+= 1
        log.tunnelOpened(tunnel.id, peer: accepted.client, key: recorder.name(of: tunnel.keyID))
        switch accepted.content {
        case .v1(let request): begin(request.opening, on: tunnel)
        case .v2(let greeting): tunnel.begin(with: greeting.request)
        }
        if tunnel.isIdle { shares.becameIdle(tunnel.id, of: holder) }
        let rest = accepted.rest[...]
        worker.spawn { await tunnel.receiveLoop(first: rest) }
    }

    private func begin(_ opening: Opening, on tunnel: Tunnel) {
        switch opening {
        case .request(let request):
            if let connection = tunnel.accept(request) { self.tunnel(tunnel, serve: request, as: connection) }
        case .association(let request):
            tunnel.acceptAssociation(first: request.first)
        case .idle: break
        }
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
        guard !drain.isOn, isAccepted(tunnel.keyID) else {
            return tunnel.version.retire(drain.isOn ? .draining : .keyRevoked, on: tunnel)
        }
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
            // The client is told, and the tunnel goes on.
            if tunnel.isOfVersion2, let client = tunnels[tunnel.id]?.client {
                recorder.refused(error, of: client, with: tunnel.keyID)
                return .refused(.badAuthentication)
            }
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
        makeRoomForTarget(of: served.holder)
        if tunnel.isOfVersion2 { connection.mayPart = { [unowned self, unowned connection] in part(connection, asker) } }
        connection.connecting = worker.spawn { [self] in
            defer { if connection.isParting { parted(connection) } }
            let target: Stream
            let began = worker.now
            do throws(Connector.Failure) {
                target = try await connect(to: request.target, for: asker)
            } catch {
                guard tunnel.connection === connection else { return connection.abandon() }
                if let key = error.forbiddingKey {
                    recorder.forbade(request.target, by: key, to: client, on: tunnel.id, with: tunnel.keyID)
                } else {
                    log.targetFailed(tunnel.id, request.target, error)
                    if let bound = error.bound { recorder.refused(.overLimit(bound), of: client, with: tunnel.keyID) }
                }
                let told = ToldFailure(error, of: request.target)
                if let time = told.time(since: began, now: worker.now) {
                    await worker.sleep(for: time - worker.now)
                    guard tunnel.connection === connection else { return connection.abandon() }
                }
                let reset = told.reset
                await waitForPythonClient(tunnel)
                return tunnel.end(connection, reset)
            }
            guard tunnel.connected(connection, to: target) else { return connection.leave(to: target) }
            log.targetConnected(tunnel.id, request.target)
            if !(target.remoteAddress?.isLoopback ?? false) { target.watchForVanishedPeer() }
            worker.spawn { await self.relay(connection, from: target, on: tunnel) }
        }
    }

    /// A client has left before its target has answered. The tunnel is free, so what is still on its way has a share of the
    /// connections that are being made: else one tunnel could have any number.
    private func part(_ connection: Connection, _ asker: Asker) -> Bool {
        guard connects.begin(for: asker) else { return false }
        partings[ObjectIdentifier(connection)] = (connection, asker)
        return true
    }

    private func parted(_ connection: Connection) {
        guard let parting = partings.removeValue(forKey: ObjectIdentifier(connection)) else { return }
        connects.end(for: parting.asker)
        finishDrainIfDone()
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
        guard let served = tunnels[tunnel.id] else { return nil }
        let (client, key) = (served.client, tunnel.keyID)
        // A datagram without a tag asks for it, where that is allowed, and nobody has looked at the key yet.
        guard isAccepted(tunnel.keyID) else {
            recorder.refused(.wire(.badAuthentication), on: tunnel, of: client)
            return nil
        }
        let patience = ServerLimits.associationIdle
        let rights = ServerAssociation.Rights(
            isAccepted: { [unowned self] in isAccepted(key) },
            mayOpen: { [unowned self] in !Descriptors.areExhausted() && mayOpen(recorder.holder(of: key)) })
        makeRoomForTarget(of: served.holder)
        return ServerAssociation(
            on: tunnel, for: client, with: rights, policy: policy, resolver: connector.resolver, recorder: recorder, log: log,
            patience: options.idleTimeout > .zero ? min(patience, options.idleTimeout) : patience)
    }

    // MARK: Draining

    /// Takes no requests on, and lets what is in flight finish; idle tunnels are closed at once. It ends early by `endDrain`.
    package func drain(until deadline: Instant?) async {
        if !drain.isOn {
            drain.begin()
            acceptor.closeAll()
            for tunnel in tunnels.values.map(\.tunnel) { tunnel.version.retire(.draining, on: tunnel) }
        }
        guard !isDone else { return }
        await drain.wait(until: deadline)
    }

    package func endDrain() {
        drain.end()
    }

    /// The last thing: cuts off what has not finished, and says what was gathered.
    package func close(until deadline: Instant) async {
        for tunnel in tunnels.values.map(\.tunnel) {
            // See `waitForPythonClient`: there is no time to wait here.
            if isTooYoungForReset(tunnel) { tunnel.close(CloseCode.goingAway) } else { tunnel.cutOff() }
        }
        recorder.close()
        await worker.finish(until: deadline)
    }

    private func finishDrainIfDone() {
        if isDone { drain.finish() }
    }

    private var isDone: Bool { tunnels.isEmpty && partings.isEmpty }
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
