import WstanBase

/// The servers of a client, and what a worker has found out about them: the driver of `ServerListMachine`. Confined to
/// its worker.
final class ServerList: @unchecked Sendable {
    let endpoints: [ServerEndpoint]
    /// What tunnels to the first of them are marked with; those to the others follow. A tunnel with a lower mark leads to a
    /// server of a former configuration.
    let firstMark: Int
    private let worker: Worker
    private let reach: ServerConnector
    private var machine: ServerListMachine
    private var probes: Timers.ID?
    /// The last failure of each.
    private var failures: [DialFailure?]
    /// Connections that are being made.
    private var races: [ObjectIdentifier: ServerRace] = [:]
    /// Handshakes under way that somebody waits for.
    private var handshakes: [ObjectIdentifier: Stream] = [:]
    /// Called when new tunnels go elsewhere than those before; with what is wrong with the preferred server.
    var whenChanged: ((ServerListMachine.Change, DialFailure?) -> Void)?
    /// Called with a connection to a server that was away and takes connections again; whether it serves is yet to be seen.
    var whenReachedAgain: ((Uplink) -> Void)?

    init(_ reach: ServerConnector, firstMark: Int = 0) {
        self.reach = reach
        self.firstMark = firstMark
        worker = reach.worker
        endpoints = reach.options.servers
        machine = ServerListMachine(count: endpoints.count, jitter: Jitter(seed: worker.randomness.next()))
        failures = Array(repeating: nil, count: endpoints.count)
    }

    var count: Int { endpoints.count }

    var areBehindProxy: Bool { endpoints.contains { $0.proxy != nil } }

    /// Whether a failure may be that of a server that is being restarted, and so worth another try.
    var mayBeRestarting: Bool { machine.mayBeRestarting(worker.now) }

    /// Whether new connections may go on a tunnel with this mark that is open already.
    func isWanted(_ mark: Int) -> Bool { mark >= firstMark && machine.isWanted(mark - firstMark) }

    /// The server to which a connection goes now, if it works.
    var firstChoice: Int { count > 1 ? machine.order(worker.now).first ?? 0 : 0 }

    /// What was found out about servers in one network does not hold in another, and what was begun there may get no answer
    /// any more.
    func networkChanged() {
        machine.forgetFailures(worker.now)
        scheduleProbes()
        for race in Array(races.values) { race.startAnew() }
        for (id, stream) in handshakes where Self.isLeftBehind(stream) {
            handshakes[id] = nil
            stream.abort()
        }
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
            return .failure(failed(number, failure))
        }
    }

    /// When the next server is to be tried beside this one.
    func patienceEnds(_ number: Int) -> Instant { machine.patienceEnds(number, worker.now) }

    /// Another server, which was begun later, has answered first.
    func overtaken(_ number: Int) {
        machine.began(number, worker.now)
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
        guard let change = machine.accepted(uplink.number, worker.now) else { return }
        whenChanged?(change, failures[0])
    }

    /// - Returns: the failure as it is to be told; nil when it was given up with the network that it was begun in.
    func handshakeFailed(_ uplink: Uplink, _ failure: DialFailure) -> DialFailure? {
        guard handshakes.removeValue(forKey: ObjectIdentifier(uplink.stream)) != nil else {
            machine.gaveUp(uplink.number)
            return nil
        }
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
        failures[number] = failure
        scheduleProbes()
        return .at(endpoints[number].address, failure)
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
        let outcome = Wait<Stream?>(worker: worker)
        let connecting = worker.spawn { [reach, endpoints] in
            switch await reach.connect(to: endpoints[number]) {
            case .success(let stream): if !outcome.fulfill(stream) { stream.close() }
            case .failure: outcome.fulfill(nil)
            }
        }
        let deadline = worker.now + ServerListMachine.patience
        let reached = await outcome.value(deadline: deadline, onTimeout: nil, onCancel: nil)
        connecting.cancel()
        machine.probed(number, works: reached != nil, worker.now)
        scheduleProbes()
        guard let reached else { return }
        guard let whenReachedAgain else { return reached.close() }
        whenReachedAgain(Uplink(stream: reached, server: endpoints[number], number: number))
    }
}
