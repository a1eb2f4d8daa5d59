import WstanBase

/// The servers of a client, and what a worker has found out about them: the driver of `ServerListMachine`. Confined to
/// its worker.
final class ServerList: @unchecked Sendable {
    let endpoints: [ServerEndpoint]
    /// What tunnels to the first of them are marked with; those to the others follow. A tunnel with a lower mark leads to a
    /// server of a former configuration.
    let firstMark: Int
    /// What this worker and the others have found out about each.
    let links: ServerLinks
    private let worker: Worker
    private let reach: ServerConnector
    private var machine: ServerListMachine
    private var probes: Timers.ID?
    /// Connections that are being made.
    private var races: [ObjectIdentifier: ServerRace] = [:]
    /// Handshakes that connections wait for.
    private var handshakes: [ObjectIdentifier: Stream] = [:]
    /// Called when new tunnels go elsewhere than those before.
    var whenChanged: ((ServerListMachine.Change) -> Void)?
    /// Called when a server is lost, for another cause than before, or is back.
    var whenLinkChanged: ((_ number: Int, ServerLink.Change) -> Void)?
    /// Called with a connection to a server that was away and takes connections again; whether it serves is yet to be seen.
    var whenReachedAgain: ((Uplink) -> Void)?

    init(_ reach: ServerConnector, links: ServerLinks, firstMark: Int = 0) {
        self.reach = reach
        self.links = links
        self.firstMark = firstMark
        worker = reach.worker
        endpoints = reach.options.servers
        machine = ServerListMachine(count: endpoints.count, jitter: Jitter(seed: worker.randomness.next()))
        links.begin(endpoints.count, firstMark: firstMark)
    }

    var count: Int { endpoints.count }

    var areBehindProxy: Bool { endpoints.contains { $0.proxy != nil } }

    /// Whether a failure may be that of a server that is being restarted, and so worth another try.
    var mayBeRestarting: Bool { machine.mayBeRestarting(worker.now) }

    /// Whether new connections may go on a tunnel with this mark that is open already.
    func isWanted(_ mark: Int) -> Bool { mark >= firstMark && machine.isWanted(mark - firstMark) }

    /// The server to which a connection goes now, if it works.
    var firstChoice: Int { count > 1 ? machine.order(worker.now).first ?? 0 : 0 }

    /// Whether a connection to it is being made, or a handshake waits for its answer.
    func isTrying(_ number: Int) -> Bool { machine.isPending(number) }

    /// What was found out about servers in one network does not hold in another, and what was begun there may get no answer
    /// any more.
    func networkChanged() {
        machine.forgetFailures(worker.now)
        beginWays()
        scheduleProbes()
        for race in Array(races.values) { race.startAnew() }
        for (id, stream) in handshakes where Self.isLeftBehind(stream) {
            handshakes[id] = nil
            stream.abort()
        }
    }

    /// Another key is in use: what was found out by the former one, or said of it, does not hold for this one.
    func keyChanged() {
        beginWays()
        for number in endpoints.indices { toldOfKey(nil, by: number) }
    }

    /// See `ServerLink.beginWays`.
    func beginWays() {
        for mark in firstMark..<firstMark + count { links.change(mark) { $0.beginWays() } }
    }

    /// Whether a connection would be made from another address now. Where none could be made it may come back.
    private static func isLeftBehind(_ stream: Stream) -> Bool {
        guard let local = stream.localAddress, let peer = stream.remoteAddress,
            let source = LocalRoute.source(toward: peer)
        else { return false }
        return !source.hasSameHost(as: local)
    }

    // MARK: Connecting

    /// A connection to the first server that takes it.
    ///
    /// - Parameter tried: servers that are not to be tried again.
    func connect(without tried: Set<Int> = []) async -> Result<Uplink, DialFailure> {
        let candidates = count > 1 ? machine.order(worker.now).filter { !tried.contains($0) } : [0]
        let race = ServerRace(self, worker, candidates)
        races[ObjectIdentifier(race)] = race
        defer { races[ObjectIdentifier(race)] = nil }
        return await race.run()
    }

    func connect(to number: Int) async -> Result<Uplink, DialFailure> {
        machine.began(number, worker.now)
        switch await reach.connect(to: endpoints[number]) {
        case .success(let stream):
            machine.connected(number, worker.now)
            return .success(Uplink(stream: stream, server: endpoints[number], number: number))
        case .failure(let failure):
            guard !Task.isCancelled else {
                machine.gaveUp(number)
                return .failure(failure)
            }
            linkFailed(number, failure)
            return .failure(failed(number, failure))
        }
    }

    /// When the next server is to be tried beside this one.
    func patienceEnds(_ number: Int) -> Instant { machine.patienceEnds(number, worker.now) }

    /// Another server, which was begun later, has answered first.
    func overtaken(_ number: Int) {
        machine.began(number, worker.now)
        linkFailed(number, .overtaken)
        _ = failed(number, .overtaken)
    }

    // MARK: Shaking hands

    /// - Parameter isAwaited: whether it would be tried again, if the network became another.
    func handshakeBegan(_ uplink: Uplink, isAwaited: Bool) {
        machine.began(uplink.number, worker.now)
        if isAwaited { handshakes[ObjectIdentifier(uplink.stream)] = uplink.stream }
    }

    func handshakeAccepted(_ uplink: Uplink) {
        handshakes[ObjectIdentifier(uplink.stream)] = nil
        let certificateEnd = uplink.stream.tls.flatMap { TLSPeer($0)?.validUntil }
        updateLink(uplink.number) { [worker] in $0.succeeded(certificateEnd: certificateEnd, worker.now) }
        guard let change = machine.accepted(uplink.number, worker.now) else { return }
        whenChanged?(change)
    }

    /// What has failed is asked for again otherwise, and says nothing of the server.
    func handshakeGivenUp(_ uplink: Uplink) {
        handshakes[ObjectIdentifier(uplink.stream)] = nil
        machine.gaveUp(uplink.number)
    }

    /// - Returns: the failure as it is to be told; nil when it was given up with the network that it was begun in.
    func handshakeFailed(_ uplink: Uplink, _ failure: DialFailure) -> DialFailure? {
        guard handshakes.removeValue(forKey: ObjectIdentifier(uplink.stream)) != nil else {
            machine.gaveUp(uplink.number)
            return nil
        }
        linkFailed(uplink.number, failure)
        return failed(uplink.number, failure)
    }

    /// A request that opens an idle tunnel was not answered with one: a server may not know it, and is none the worse.
    ///
    /// - Returns: the failure as it is to be told.
    func emptyHandshakeFailed(_ uplink: Uplink, _ failure: DialFailure) -> DialFailure {
        guard failure.mayBeRestart else {
            machine.gaveUp(uplink.number)
            return failure
        }
        return failed(uplink.number, failure)
    }

    private func failed(_ number: Int, _ failure: DialFailure) -> DialFailure {
        machine.failed(number, looksRestarting: failure.mayBeRestart, worker.now)
        guard count > 1 else { return failure }
        scheduleProbes()
        return .at(endpoints[number].address, failure)
    }

    // MARK: Links

    private func updateLink(_ number: Int, _ body: (inout ServerLink) -> ServerLink.Change?) {
        guard let change = links.update(firstMark + number, body) else { return }
        whenLinkChanged?(number, change)
    }

    func linkFailed(_ number: Int, _ failure: DialFailure) {
        updateLink(number) { [worker] in $0.failed(failure, worker.now) }
    }

    /// See `ServerLink.refusedIdle`.
    func linkIsDoubtful(_ number: Int, _ failure: DialFailure) {
        updateLink(number) { [worker] in $0.refusedIdle(failure, worker.now) }
    }

    /// What a server says of the end of the key in use.
    func toldOfKey(_ term: KeyTerm?, by number: Int) {
        updateLink(number) {
            $0.keyTerm = term
            return nil
        }
    }

    /// The server of a tunnel with this mark has said that the key is revoked or has expired.
    func keyRevoked(_ key: KeyID, mark: Int) {
        guard endpoints.indices.contains(mark - firstMark) else { return }
        updateLink(mark - firstMark) { [worker] in $0.revoked(key, worker.now) }
    }

    /// A failure as it is to be told: what the server has said of the key explains why it refuses it later.
    func explained(_ failure: DialFailure, of number: Int, with key: KeyID) -> DialFailure {
        if failure == .dismissed(.keyRevoked) { keyRevoked(key, mark: firstMark + number) }
        guard failure.isPlainAnswer, links.link(firstMark + number).revokedKey == key else { return failure }
        return .dismissed(.keyRevoked)
    }

    /// A tunnel has ended on which its server was heard of then.
    func heard(_ time: Instant, mark: Int) {
        _ = links.update(mark) {
            $0.heard(time)
            return nil
        }
    }

    /// A connection was made, and nothing is asked for on it.
    func answered(_ uplink: Uplink) {
        updateLink(uplink.number) {
            $0.answered()
            return nil
        }
    }

    // MARK: Probing

    private func scheduleProbes() {
        if let probes { worker.cancel(probes) }
        probes = machine.nextProbe.map { next in worker.schedule(at: next) { [weak self] in self?.probe() } }
    }

    private func probe() {
        for number in machine.takeProbes(worker.now) {
            worker.spawn { [weak self] in await self?.probe(number) }
        }
        scheduleProbes()
    }

    /// A server that takes longer than the others' patience would only be passed over again.
    private func probe(_ number: Int) async {
        let outcome = Wait<Result<Stream, DialFailure>>(worker: worker)
        let connecting = worker.spawn { [reach, endpoints] in
            let result = await reach.connect(to: endpoints[number])
            if !outcome.fulfill(result), case .success(let stream) = result { stream.close() }
        }
        let deadline = worker.now + ServerListMachine.patience
        let result = await outcome.value(
            deadline: deadline, onTimeout: .failure(.overtaken), onCancel: .failure(.overtaken))
        connecting.cancel()
        let reached = try? result.get()
        machine.probed(number, works: reached != nil, worker.now)
        scheduleProbes()
        if case .failure(let failure) = result { linkFailed(number, failure) }
        guard let reached else { return }
        let uplink = Uplink(stream: reached, server: endpoints[number], number: number)
        if let whenReachedAgain { whenReachedAgain(uplink) } else { reached.close() }
    }
}
