import WstanBase

/// One user agent's connection, from its first byte to its last, in two tasks: one that finds out what is wanted and
/// opens the way, and one that relays. A task keeps the deepest stack it ever had, and the second one lives long.
final class UserAgentSession: @unchecked Sendable {
    let userAgent: Stream
    let dialer: Dialer
    let direct: DirectDialer
    let pool: TunnelPool
    let idle: IdleUserAgents
    let rules: ClientAccess
    let answerSupport: AnswerSupport
    let failures: RecentFailures
    let log: EventLog
    /// The target of a static forward, whose user agent asks for nothing and knows nothing of us.
    let forwarded: Address?
    /// Among the user agents that have not said what they want; nil once it has.
    private var place: HandshakePlace?
    /// Called once, when nothing more is to be done.
    let ended: () -> Void
    /// What the user agent waits for; nil: it was granted at once.
    private var late: DeferredReply?
    /// The user agent has left before the target answered, as a port scanner does. Until the answer is known, requests for that
    /// target wait for it.
    private var leftUndecided = false

    init(
        userAgent: Stream, dialer: Dialer, direct: DirectDialer, pool: TunnelPool, idle: IdleUserAgents,
        rules: ClientAccess, answerSupport: AnswerSupport, failures: RecentFailures, log: EventLog, forwarded: Address?,
        place: HandshakePlace?, ended: @escaping () -> Void
    ) {
        self.userAgent = userAgent
        self.dialer = dialer
        self.direct = direct
        self.pool = pool
        self.idle = idle
        self.rules = rules
        self.answerSupport = answerSupport
        self.failures = failures
        self.log = log
        self.forwarded = forwarded
        self.place = place
        self.ended = ended
    }

    private var worker: Worker { userAgent.worker }
    private var options: ClientOptions { dialer.options }

    func start() {
        worker.spawn { [self] in await open() }
    }

    private func open() async {
        guard let command = await receiveCommand() else {
            // Answered, and closing by itself; or gone without a word; or, at a forward, not admitted.
            endInVain()
            return ended()
        }
        switch command {
        case .connect(let request):
            await connect(request)
        case .request(let first):
            let session = HTTPSession(
                userAgent: userAgent, dialer: dialer, direct: direct, pool: pool, idle: idle, rules: rules,
                ownNames: direct.listeners.names, log: log)
            worker.spawn { [self] in await carry(session, first) }
        case .associate(let declared):
            // Nothing would end it while the client stops.
            guard !idle.areUnwanted else {
                log.userAgentTurnedAway("the client is stopping")
                userAgent.write(Socks5.reply(.generalFailure))
                userAgent.closeOrderly(awaitingPeer: true)
                return ended()
            }
            idle.add(userAgent)
            let place = idle.place(of: userAgent) { [log, worker] in
                log.userAgentClosedForRoom(now: worker.now)
            }
            await ClientAssociation(
                control: userAgent, declared: declared, dialer: dialer, direct: direct, rules: rules, at: place, log: log
            ).run()
            place.leave()
            idle.remove(userAgent)
            ended()
        }
    }

    private func receiveCommand() async -> ProxyNegotiation.Command? {
        defer {
            place?.leave()
            place = nil
        }
        if let forwarded {
            return rules.admits(userAgent)
                ? .connect(ProxyNegotiation.Connect(target: forwarded, early: [], successReply: [])) : nil
        }
        var negotiation = ProxyNegotiation(userAgent, rules: rules, at: place)
        if let command = await negotiation.receive() { return command }
        log.unserved(
            UnservedUserAgent(negotiation.firstByte, answered: negotiation.refusal, UserAgentEnding(of: userAgent)),
            now: worker.now)
        return nil
    }

    private func connect(_ request: ProxyNegotiation.Connect) async {
        if forwarded == nil, direct.rules.cover(request.target) {
            await carryDirectly(request)
        } else if let outcome = owedOutcome(request) {
            log.refusedFromMemory(outcome, target: request.target)
            deferredReply(request).receivedReset(outcome)
            endInVain()
            ended()
        } else {
            answer(request)
            await carry(request)
        }
    }

    /// Tells the user agent to go ahead, which saves a round trip, or prepares to tell it when the target has answered.
    private func answer(_ request: ProxyNegotiation.Connect) {
        let mayBeEarly =
            options.earlyReply ?? !(failures.hold(request.target, now: worker.now) || dialer.servers.links.areLost)
        if request.reply == .none || mayBeEarly && !request.wantsOutcome {
            userAgent.write(request.successReply)
        } else {
            late = deferredReply(request)
        }
    }

    private func deferredReply(_ request: ProxyNegotiation.Connect) -> DeferredReply {
        DeferredReply(
            request, to: userAgent, answerSupport: answerSupport, failures: failures, hasProxy: dialer.servers.areBehindProxy)
    }

    /// The outcome of the try before this one, whose user agent was told of success. One that asks for the outcome itself
    /// is not told another's.
    private func owedOutcome(_ request: ProxyNegotiation.Connect) -> Reset? {
        guard options.earlyReply == nil, request.reply != .none, !request.wantsOutcome else { return nil }
        return failures.takeOwed(request.target, now: worker.now)
    }

    /// The request is on its way: asks the server to tell when the target has answered, where that is of use.
    private func ask(_ connection: Connection, on tunnel: Tunnel) {
        if let late {
            late.ask(connection, on: tunnel)
        } else if options.earlyReply == nil {
            answerSupport.ask(connection, of: userAgent, on: tunnel)
        }
    }

    private func carry(_ request: ProxyNegotiation.Connect) async {
        pool.connectionBegan()
        if pool.mayServe {
            guard let early = await earlyData(request, ClientLimits.earlyDataWaitInPool) else {
                return abandon(request.target)
            }
            if let tunnel = await pool.obtain() {
                carry(request.target, early, on: tunnel)
            } else {
                await carryOnNewTunnel(request.target, early, first: await dialer.connect())
            }
        } else {
            // Waiting for the first data and connecting to the server take their time together.
            let dialer = dialer
            async let connecting = dialer.connect()
            let early = await earlyData(request, options.earlyDataWait)
            let connected = await connecting
            guard let early else {
                if case .success(let uplink) = connected { uplink.stream.close() }
                return abandon(request.target)
            }
            await carryOnNewTunnel(request.target, early, first: connected)
        }
    }

    /// HTTP, until it ends or becomes a connection, byte for byte.
    private func carry(_ session: HTTPSession, _ first: ProxyNegotiation.HTTPRequest) async {
        switch await session.run(first) {
        case .over:
            ended()
        case .connect(let request):
            await connect(request)
        case .relay(let way, let early):
            way.carrier.send(early, for: way.connection)
            if let direct = way.carrier as? DirectCarrier { return await relay(direct, of: way.connection) }
            guard let tunnel = way.tunnel else { return abandon(way.target) }
            relay(way.connection, on: tunnel, tries: 0)
        }
    }

    private func abandon(_ target: Address) {
        log.userAgentLeft(target)
        userAgent.close()
        ended()
    }

    /// The first bytes of the user agent, as far as they come in time. One that has shut down its sending side already
    /// may still want to hear what the target says by itself. One that was not told to go ahead says nothing.
    ///
    /// - Returns: nil when it was reset.
    private func earlyData(_ request: ProxyNegotiation.Connect, _ patience: Duration) async -> [UInt8]? {
        guard request.early.isEmpty, options.earlyData > 0, late == nil else { return request.early }
        var intake = BufferedReader(userAgent)
        switch await intake.readMore(deadline: worker.now + patience) {
        case .more, .timedOut: break
        case .over: leave(undecided: request.target)
        case .reset:
            leave(undecided: request.target)
            return nil
        }
        return intake.bytes
    }

    private func leave(undecided target: Address?) {
        guard forwarded == nil, let target else { return }
        leftUndecided = true
        failures.failed(target, .connection, now: worker.now)
    }

    /// The user agent is done: whether its target was there is known, or never will be.
    private func settle(_ connection: Connection, on tunnel: Tunnel) {
        guard leftUndecided, let target = connection.target else { return }
        if case .reset(let reset)? = connection.outcome, reset.isFailure { return }
        // Of a server that does not tell nothing is learned by waiting.
        if connection.hasReceived || !answerSupport.tells(tunnel) { failures.succeeded(target) }
    }

    // MARK: On a tunnel

    private func carry(_ target: Address, _ early: [UInt8], on tunnel: Tunnel) {
        let (first, rest) = split(early)
        let connection = Connection(worker: worker, end: userAgent, to: target, replay: first)
        late?.watch(connection)
        let request = Request(time: WallClock.now(), target: target, data: first)
        pool.request(request, on: tunnel, for: connection) { [weak connection] in connection?.replay == nil }
        tunnel.send(rest, for: connection)
        ask(connection, on: tunnel)
        log.connectionOpened(tunnel.id, target: target, isPooled: true)
        relay(connection, on: tunnel, wasPooled: true, tries: 2)
    }

    /// - Parameter tries: how many more follow when the network fails before anything has come back.
    private func carryOnNewTunnel(
        _ target: Address, _ early: [UInt8], first: Result<Uplink, DialFailure>, tries: Int = 1
    ) async {
        let (data, rest) = split(early)
        let connection = Connection(worker: worker, end: userAgent, to: target, replay: tries > 0 ? data : nil)
        late?.watch(connection)
        do {
            let tunnel = try await dialer.open(connection, to: target, early: data, first: first)
            tunnel.send(rest, for: connection)
            ask(connection, on: tunnel)
            log.connectionOpened(tunnel.id, target: target, isPooled: false)
            relay(connection, on: tunnel, tries: tries)
        } catch {
            log.dialFailed(error, target: target)
            failures.failed(target, .server, now: worker.now)
            late?.failed(.dial(error))
            endInVain()
            ended()
        }
    }

    private func split(_ early: [UInt8]) -> (first: [UInt8], rest: ArraySlice<UInt8>) {
        (Array(early.prefix(options.earlyData)), early.dropFirst(options.earlyData))
    }

    /// Relays in a task of its own. Its frames are held for as long as the connection lives, and fit into the first block that a task
    /// is given: what is needed at the end only is in functions that are not inlined.
    ///
    /// - Parameters:
    ///   - wasPooled: whether the tunnel was there before the connection, so that its loss may be old news.
    ///   - tries: how many tunnels are left to try.
    private func relay(_ connection: Connection, on tunnel: Tunnel, wasPooled: Bool = false, tries: Int) {
        worker.spawn { [self] in
            await relayToEnd(connection, on: tunnel)
            if conclude(connection, on: tunnel, wasPooled: wasPooled) == .tryAgain {
                await tryAgain(connection, tries: tries - 1)
            } else {
                ended()
            }
        }
    }

    /// The tunnel was no more: all that was sent is at hand, so this is not told.
    @inline(never)
    private func tryAgain(_ connection: Connection, tries: Int) async {
        guard let target = connection.target, let replay = connection.replay else { return ended() }
        await carryOnNewTunnel(target, replay, first: await dialer.connect(), tries: tries)
    }

    private func relayToEnd(_ connection: Connection, on tunnel: Tunnel) async {
        switch await tunnel.sendLoop(connection, from: userAgent) {
        case .over: break
        case .finished: await linger(connection, on: tunnel)
        case .broken:
            if !connection.hasReceived { leave(undecided: connection.target) }
            tunnel.end(connection, .userAgentBroken)
            userAgent.close()
        }
    }

    private enum Verdict {
        case done
        case tryAgain
    }

    @inline(never)
    private func conclude(_ connection: Connection, on tunnel: Tunnel, wasPooled: Bool) -> Verdict {
        settle(connection, on: tunnel)
        late?.stop()
        switch connection.outcome {
        case nil:
            userAgent.closeOrderly(awaitingPeer: false)
        // The server is about to end, and has not looked at the request.
        case .reset(let reset) where reset.code == .draining && connection.replay != nil:
            return .tryAgain
        case .reset(let reset):
            log.connectionReset(reset, target: connection.target, tunnel: tunnel.id, now: worker.now)
            late?.receivedReset(reset)
            if reset.isBrokenConnection {
                userAgent.resetAfterDelivery()
            } else if reset.isNormal {
                userAgent.closeOrderly(awaitingPeer: true)
            } else {
                if let target = connection.target { remember(reset, of: target) }
                endInVain()
            }
        case .lost(let nothingReceived):
            // A server that breaks a tunnel which it has just accepted may well have served the request.
            let mayRepeat = wasPooled || tunnel.isLostToNetwork
            if nothingReceived, mayRepeat, connection.replay != nil { return .tryAgain }
            log.tunnelLost(tunnel.id, target: connection.target)
            late?.failed(.lost)
            // What has come is delivered; the reset tells that it was not all. A refusal is all.
            if late?.isRefused == true {
                userAgent.closeOrderly(awaitingPeer: true)
            } else {
                userAgent.resetAfterDelivery()
            }
        }
        return .done
    }

    private func remember(_ outcome: Reset, of target: Address) {
        if forwarded != nil || late?.isRefused == true {
            failures.failed(target, .init(outcome), now: worker.now)
        } else {
            failures.failedAfterGrant(target, outcome, now: worker.now)
        }
    }

    /// The target was not reached. One that has asked us for it gets an orderly end; to one that takes us for the target that
    /// would look like an answer without a word, so it gets what a target that breaks off would give it.
    private func endInVain() {
        if forwarded == nil { userAgent.closeOrderly(awaitingPeer: true) } else { userAgent.resetAfterDelivery() }
    }

    /// A user agent that says a little and leaves, as a logger does, is done before the server has reached the target, and a
    /// reset would overtake what it said. Our servers answer an empty DAT when they have; Python's do not.
    private func waitForArrival(of connection: Connection, on tunnel: Tunnel) async {
        if late == nil { answerSupport.listen(to: connection, on: tunnel) }
        tunnel.askForAnswer(connection)
        let deadline = worker.now + ClientLimits.parting
        while !connection.hasReceived, worker.now < deadline, await connection.waitForNews(until: deadline) {}
    }

    @inline(never)
    private func linger(_ connection: Connection, on tunnel: Tunnel) async {
        let lingering = HalfClosedUserAgent(userAgent)
        // That it has sent everything, and that it is gone, are told by one write.
        if lingering == nil, connection.hasReceived { return tunnel.end(connection, .normal) }
        let targetKnows = tunnel.finish(connection)
        if lingering == nil, !connection.hasReceived, tunnel.carries(connection) {
            leave(undecided: connection.target)
            await waitForArrival(of: connection, on: tunnel)
        }
        repeat {
            guard userAgent.failure == nil else { return tunnel.end(connection, .userAgentBroken) }
            guard lingering?.isWorthwhile(since: connection.lastDelivery, targetKnows: targetKnows) == true else {
                return tunnel.end(connection, .normal)
            }
        } while await connection.waitForNews(until: worker.now + ClientLimits.lingerStep)
    }
}
