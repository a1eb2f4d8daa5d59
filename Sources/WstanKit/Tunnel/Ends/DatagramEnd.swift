import WstanBase

/// The end of an association on one side of its tunnel: where datagrams come from and go to.
protocol DatagramEnd: AnyObject {
    /// When a datagram last went either way.
    var lastUsed: Instant { get }
    /// One has come through the tunnel.
    func deliver(_ datagram: Datagram)
    /// The peer has reset the association, or the tunnel is no more.
    func associationEnded()
    /// Version 2: the server does not carry the association.
    func associationRefused(_ code: ResetCode)
}

extension DatagramEnd {
    func associationRefused(_ code: ResetCode) { associationEnded() }
}

/// Stands for an association's end while its request is judged: keeps a few datagrams, and drops what is more. Confined to
/// its worker.
final class WaitingDatagrams: DatagramEnd, @unchecked Sendable {
    private let worker: Worker
    private var waiting: [Datagram] = []
    /// Bytes that wait.
    private var held = 0 {
        didSet { worker.budget.change(by: held - oldValue) }
    }

    var lastUsed: Instant { worker.now }

    init(worker: Worker) {
        self.worker = worker
    }

    func deliver(_ datagram: Datagram) {
        // The first one may be the longest there is.
        guard waiting.isEmpty || held + datagram.data.count <= TunnelLimits.held,
            waiting.count < TunnelLimits.heldDatagrams
        else { return }
        waiting.append(datagram)
        held += datagram.data.count
    }

    func take() -> [Datagram] {
        defer { associationEnded() }
        return waiting
    }

    func associationEnded() {
        waiting = []
        held = 0
    }
}
