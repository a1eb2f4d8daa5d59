import WstanBase

/// The way of an association's datagrams through a tunnel of its own, which is opened with the first of them. Confined to
/// its worker.
///
/// At the end a tunnel of version 2 goes back to the pool.
final class DatagramTunnel: DatagramEnd, @unchecked Sendable {
    private let dialer: Dialer
    private let log: EventLog
    /// Takes what comes back; says whether it could be delivered.
    private let received: (Datagram) -> Bool
    /// Called when a tunnel that was asked for is there, or cannot be had.
    private let settled: () -> Void
    private var state = State.none
    private var traffic = DatagramTraffic()
    private(set) var lastUsed: Instant
    /// The last pause after the server has refused the association; nil once datagrams have come back.
    private var refusedPause: Duration?
    /// Bytes that wait.
    private var held = 0 {
        didSet { worker.budget.change(by: held - oldValue) }
    }

    private enum State {
        /// Can become: opening, over.
        case none
        /// The tunnel is on its way; what comes meanwhile waits. Can become: open, failed, none, over.
        case opening(waiting: [Datagram])
        /// Can become: none, failed, over.
        case open(Tunnel)
        /// No tunnel could be opened, or the server has refused the association, and until then none is tried. Can become:
        /// opening, over.
        case failed(until: Instant)
        case over
    }

    private var worker: Worker { dialer.worker }

    init(
        dialer: Dialer, log: EventLog, settled: @escaping () -> Void = {}, received: @escaping (Datagram) -> Bool
    ) {
        self.dialer = dialer
        self.log = log
        self.settled = settled
        self.received = received
        lastUsed = dialer.worker.now
    }

    func send(_ datagram: Datagram) {
        switch state {
        case .none:
            open(with: datagram)
        case .failed(let until):
            if worker.now < until { drop() } else { open(with: datagram) }
        case .opening(var waiting):
            let size = held + datagram.data.count
            guard waiting.count < ClientLimits.waitingDatagrams, size <= ClientLimits.waitingDatagramBytes else {
                return drop()
            }
            waiting.append(datagram)
            held = size
            state = .opening(waiting: waiting)
        case .open(let tunnel):
            send(datagram, on: tunnel)
        case .over:
            break
        }
    }

    /// Counts datagrams that were not sent, or not delivered.
    func drop(_ count: Int = 1) {
        traffic.dropped += count
        dialer.pool.droppedDatagrams &+= UInt64(count)
    }

    func end() {
        let ending = state
        state = .over
        switch ending {
        case .open(let tunnel): tunnel.leaveAssociation()
        case .none, .opening, .failed: break
        case .over: return
        }
        held = 0
        log.associationEnded(traffic)
    }

    private func send(_ datagram: Datagram, on tunnel: Tunnel) {
        lastUsed = worker.now
        if tunnel.send(datagram) { traffic.up += 1 } else { drop() }
    }

    // MARK: Its tunnel

    private func open(with first: Datagram) {
        state = .opening(waiting: [])
        worker.spawn { [self] in
            do throws(DialFailure) {
                opened(try await dialer.open(self, first: first))
            } catch {
                failed(error, first.address)
            }
            settled()
        }
    }

    private func opened(_ tunnel: Tunnel) {
        guard case .opening(let waiting) = state else {
            if tunnel.association === self { tunnel.leaveAssociation() }
            return
        }
        held = 0
        // The server may have closed it by now.
        guard tunnel.association === self else {
            drop(1 + waiting.count)
            state = .none
            return
        }
        state = .open(tunnel)
        traffic.up += 1
        for datagram in waiting { send(datagram, on: tunnel) }
    }

    private func failed(_ failure: DialFailure, _ target: Address) {
        log.dialFailed(failure, target: target)
        guard case .opening(let waiting) = state else { return }
        drop(1 + waiting.count)
        held = 0
        pause(ClientLimits.associationPause, atLeast: .zero)
    }

    private func pause(_ longest: Duration, atLeast shortest: Duration) {
        var jitter = Jitter(seed: worker.randomness.next())
        state = .failed(until: worker.now + shortest + jitter.spread(longest - shortest))
    }

    // MARK: DatagramEnd

    func deliver(_ datagram: Datagram) {
        lastUsed = worker.now
        refusedPause = nil
        if received(datagram) { traffic.down += 1 } else { drop() }
    }

    /// The next datagram opens another tunnel.
    func associationEnded() {
        if case .open = state { state = .none }
    }

    /// Asked with each datagram, the server would refuse it each time.
    func associationRefused(_ code: ResetCode) {
        switch state {
        case .open: break
        case .opening(let waiting):
            drop(1 + waiting.count)
            held = 0
        case .none, .failed, .over: return
        }
        log.associationRefused(code, now: worker.now)
        let next = refusedPause.map { min($0 * 2, ClientLimits.longestRefusedAssociationPause) }
        let longest = next ?? ClientLimits.refusedAssociationPause
        refusedPause = longest
        pause(longest, atLeast: longest / 2)
    }
}
