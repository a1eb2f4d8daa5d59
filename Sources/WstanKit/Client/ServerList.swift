/// The servers of a client, and what a worker has found out about them: the driver of `ServerListMachine`. Confined to
/// its worker.
final class ServerList: @unchecked Sendable {
    let endpoints: [ServerEndpoint]
    private let worker: Worker
    private let reach: ServerReach
    private var machine: ServerListMachine
    private var probes: Timers.ID?
    /// The last failure of each.
    private var failures: [DialFailure?]
    /// Called when new tunnels go elsewhere than those before; with what is wrong with the preferred server.
    var whenChanged: ((ServerListMachine.Change, DialFailure?) -> Void)?

    init(_ reach: ServerReach) {
        self.reach = reach
        worker = reach.worker
        endpoints = reach.options.servers
        machine = ServerListMachine(count: endpoints.count)
        failures = Array(repeating: nil, count: endpoints.count)
    }

    var count: Int { endpoints.count }

    var areBehindProxy: Bool { endpoints.contains { $0.proxy != nil } }

    /// Whether a failure may be that of a server that is being restarted, and so worth another try.
    var mayBeRestarting: Bool { machine.mayBeRestarting(worker.now) }

    /// Whether new connections may go on a tunnel to this server that is open already.
    func isWanted(_ number: Int) -> Bool { machine.isWanted(number) }

    /// What was found out about servers in one network does not hold in another.
    func networkChanged() {
        machine.forgetFailures()
        scheduleProbes()
    }

    // MARK: Connecting

    /// A connection to the first server that takes it.
    ///
    /// - Parameter tried: servers that are not to be tried again.
    func connect(without tried: Set<Int> = []) async -> Result<Uplink, DialFailure> {
        // One server has nothing beside it, and needs no race.
        guard count > 1 else { return await connect(to: 0) }
        let candidates = machine.order(worker.now).filter { !tried.contains($0) }
        return await ServerRace(self, worker, candidates).run()
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

    func handshakeBegan(_ uplink: Uplink) {
        machine.began(uplink.number, worker.now)
    }

    func handshakeAccepted(_ uplink: Uplink) {
        guard let change = machine.accepted(uplink.number, worker.now) else { return }
        whenChanged?(change, failures[0])
    }

    /// - Returns: the failure as it is to be told.
    func handshakeFailed(_ uplink: Uplink, _ failure: DialFailure) -> DialFailure {
        failed(uplink.number, failure)
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
        let outcome = Wait<Bool>(worker: worker)
        let connecting = worker.spawn { [reach, endpoints] in
            switch await reach.connect(to: endpoints[number]) {
            case .success(let stream):
                stream.close()
                outcome.fulfill(true)
            case .failure:
                outcome.fulfill(false)
            }
        }
        let deadline = worker.now + ServerListMachine.patience
        let works = await outcome.value(deadline: deadline, onTimeout: false, onCancel: false)
        connecting.cancel()
        machine.probed(number, works: works, worker.now)
        scheduleProbes()
    }
}
