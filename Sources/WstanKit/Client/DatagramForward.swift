/// A static forward for datagrams: whoever sends to one of its sockets reaches one target, each by an association of its
/// own, and gets the answers from the socket that it has sent to. Confined to its worker.
final class DatagramForward: @unchecked Sendable {
    private struct Source: Hashable {
        /// Of the socket in `sockets`.
        let socket: Int
        let address: SocketAddress
    }

    private let target: Address
    private var dialer: Dialer
    private let log: EventLog
    private var sockets: [DatagramSocket] = []
    private var machine: ForwardMachine<Source>
    private var ways: [Source: DatagramWay] = [:]
    private var expiry: Timers.ID?
    private var isDraining = false

    private var worker: Worker { dialer.worker }

    init(to target: Address, dialer: Dialer, log: EventLog) {
        self.target = target
        self.dialer = dialer
        self.log = log
        machine = ForwardMachine(capacity: ClientLimits.forwardSources, patience: dialer.options.udpIdle)
    }

    /// - Returns: where it listens.
    func listen(on address: SocketAddress) throws(SystemError) -> SocketAddress {
        let number = sockets.count
        let socket = try DatagramSocket(address, on: worker) { [weak self] in
            self?.receive($0, from: Source(socket: number, address: $1))
        }
        sockets.append(socket)
        return socket.address
    }

    /// The same by a socket that was passed to this process.
    func listen(on passed: PassedSocket, at address: SocketAddress) throws(SystemError) {
        let number = sockets.count
        sockets.append(
            try DatagramSocket(passed: passed, at: address, on: worker) { [weak self] in
                self?.receive($0, from: Source(socket: number, address: $1))
            })
    }

    /// Ways that begin from now on are opened by this one.
    func take(_ dialer: Dialer) {
        self.dialer = dialer
        machine.patience = dialer.options.udpIdle
    }

    /// What comes is dropped, from now on.
    func drain() {
        isDraining = true
        endWays()
    }

    func endDrain() {
        isDraining = false
    }

    func close() {
        for socket in sockets { socket.close() }
        sockets = []
        endWays()
    }

    private func endWays() {
        for way in ways.values { way.end() }
        ways = [:]
        if let expiry { worker.cancel(expiry) }
        expiry = nil
    }

    // MARK: From a source

    private func receive(_ bytes: UnsafeRawBufferPointer, from source: Source) {
        guard !isDraining else { return }
        switch machine.arrived(from: source, now: worker.now) {
        case .known:
            break
        case .new(let ending):
            if let ending { end(ending) }
            ways[source] = DatagramWay(dialer: dialer, log: log) { [weak self] in
                self?.machine.settled(source)
            } received: { [weak self] in
                self?.deliver($0, to: source) ?? false
            }
            scheduleExpiry()
        case .drop:
            return log.forwardIsFull(target, now: worker.now)
        }
        ways[source]?.send(Datagram(address: target, data: Array(bytes)))
    }

    private func end(_ source: Source) {
        ways.removeValue(forKey: source)?.end()
    }

    // MARK: From the target

    /// The target may be a name, so only its port tells whether it is the target that answers.
    private func deliver(_ datagram: Datagram, to source: Source) -> Bool {
        guard datagram.address.port == target.port, sockets.indices.contains(source.socket) else { return false }
        machine.answered(source, now: worker.now)
        return datagram.data.withUnsafeBytes { sockets[source.socket].send($0, to: source.address) }
    }

    // MARK: Expiry

    private func scheduleExpiry() {
        guard expiry == nil, let next = machine.nextExpiry else { return }
        expiry = worker.schedule(at: next) { [weak self] in self?.expire() }
    }

    private func expire() {
        expiry = nil
        for source in machine.takeExpired(now: worker.now) { end(source) }
        scheduleExpiry()
    }
}
