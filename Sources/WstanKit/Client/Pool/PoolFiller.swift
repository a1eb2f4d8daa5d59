import WstanBase

/// Opens tunnels for the pool before anybody asks for one, where the server takes the request for that. Confined to its
/// worker.
final class PoolFiller: @unchecked Sendable {
    var dialer: Dialer
    private let log: EventLog
    /// Of `ClientOptions.servers`.
    private var abilities: [EmptyRequestSupport]
    private var worker: Worker { dialer.worker }
    private var pool: TunnelPool { dialer.pool }

    init(dialer: Dialer, log: EventLog) {
        self.dialer = dialer
        self.log = log
        abilities = dialer.options.servers.map { _ in
            EmptyRequestSupport(jitter: Jitter(seed: dialer.worker.randomness.next()))
        }
        dialer.pool.opener = self
    }

    /// What the server may be asked for to which a connection would go now: another one's ability does not help.
    var asking: PoolMachine.Asking { abilities[dialer.servers.firstChoice].asking(now: worker.now) }

    /// When a server that refused is asked again, though nothing else has succeeded there.
    var nextTry: Instant? { abilities[dialer.servers.firstChoice].nextTry }

    private func index(of server: ServerEndpoint) -> Int? { dialer.options.servers.firstIndex(of: server) }

    /// Whether a server refused the key says nothing of another one.
    func keyChanged() {
        for index in abilities.indices { abilities[index].keyChanged() }
    }

    /// A request of a user agent has opened a tunnel there.
    func tookRequest(_ server: ServerEndpoint) {
        if let index = index(of: server) { abilities[index].tookRequest() }
    }

    /// Opens one, and tells the pool what has come of it.
    func open(_ number: UInt64) {
        worker.spawn { [self] in
            switch await dialer.connect() {
            case .success(let uplink): await ask(uplink, number)
            case .failure(let failure): failed(failure, number)
            }
        }
    }

    private func ask(_ uplink: Uplink, _ number: UInt64) async {
        guard let index = index(of: uplink.server), abilities[index].mayBeAsked(now: worker.now) else {
            // Of several servers this one was reached, which cannot. Later it may be another.
            dialer.servers.answered(uplink)
            uplink.stream.close()
            return pool.openingFailed(number, .unreachable)
        }
        pool.asked(number)
        switch await ask(uplink, index) {
        case .tunnel(let tunnel): pool.opened(number, tunnel)
        case .refused: pool.openingFailed(number, .refused)
        case .failed(let failure): failed(failure, number)
        }
    }

    /// A server that was away takes connections again. Whether it serves is found out by a tunnel that nobody waits for:
    /// otherwise the next connection would find out, and one that takes a tunnel of the pool never would.
    func tryOut(_ uplink: Uplink) {
        guard let index = index(of: uplink.server), abilities[index].mayBeAsked(now: worker.now) else {
            dialer.servers.answered(uplink)
            return uplink.stream.close()
        }
        worker.spawn { [self] in
            if case .tunnel(let tunnel) = await ask(uplink, index) { pool.tunnelIsIdle(tunnel) }
        }
    }

    private enum Answer {
        case tunnel(Tunnel)
        /// This server does not know the request.
        case refused
        case failed(DialFailure)
    }

    private func ask(_ uplink: Uplink, _ index: Int) async -> Answer {
        let servers = dialer.servers
        let wasAble = abilities[index].isAble
        do throws(DialFailure) {
            let tunnel = try await dialer.openIdle(uplink)
            abilities[index].tookEmpty()
            return .tunnel(tunnel)
        } catch {
            // Every server of version 2 knows the request: its refusal is one like any other.
            guard !dialer.key.isOfVersion2, error.mayBeRefusal,
                abilities[index].refusedEmpty(isClear: error.isAnswer, now: worker.now)
            else {
                servers.linkFailed(uplink.number, error)
                return .failed(error)
            }
            if wasAble {
                servers.linkFailed(uplink.number, error)
            } else {
                servers.linkIsDoubtful(uplink.number, error)
            }
            return .refused
        }
    }

    private func failed(_ failure: DialFailure, _ number: UInt64) {
        log.openingAheadFailed(failure)
        pool.openingFailed(number, .unreachable)
    }
}

extension DialFailure {
    /// Whether a server that does not know the empty request may have answered so.
    fileprivate var mayBeRefusal: Bool {
        switch self {
        case .refused(let answer): answer.mayBeFromServer
        case .closed: true
        case .at(_, let failure): failure.mayBeRefusal
        case .unreachable, .proxyUnreachable, .proxyRefused, .notHTTP, .tooLargeAnswer, .unfinishedAnswer, .reset,
            .timedOut, .overtaken, .tls, .impostor, .unproven, .unusableServerKey, .dismissed:
            false
        }
    }

    fileprivate var isAnswer: Bool {
        if case .refused = bare { true } else { false }
    }
}
