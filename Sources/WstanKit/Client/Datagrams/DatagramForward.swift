import WstanBase

/// One socket of a static forward for datagrams: what is sent to it reaches one target, each source by an association of
/// its own, and gets the answers from it. Confined to its worker.
package final class DatagramForward: @unchecked Sendable {
    private var target: Address
    private var dialer: Dialer
    private var rules: ClientAccess
    private let log: EventLog
    private var socket: DatagramSocket?
    private var machine: ForwardMachine<SocketAddress>
    private var ways: [SocketAddress: Way] = [:]
    private var expiry: Timers.ID?
    private var isDraining = false

    private struct Way {
        let tunnel: DatagramTunnel
        /// Until then its source is let in without asking.
        var trustedUntil: Instant
    }

    private var worker: Worker { dialer.worker }

    init(to target: Address, dialer: Dialer, rules: ClientAccess, log: EventLog) {
        self.target = target
        self.dialer = dialer
        self.rules = rules
        self.log = log
        machine = Self.machine(of: dialer)
    }

    private static func machine(of dialer: Dialer) -> ForwardMachine<SocketAddress> {
        ForwardMachine(capacity: ClientLimits.forwardSources, patience: dialer.options.udpIdle)
    }

    /// Once, as the other one.
    ///
    /// - Parameter sharing: see DatagramSocket.
    package func listen(on address: SocketAddress, sharing: Bool) throws(SystemError) -> DatagramSocket {
        let socket = try DatagramSocket(address, sharing: sharing, on: worker) { [weak self] in
            self?.receive($0, from: $1)
        }
        self.socket = socket
        return socket
    }

    /// By a socket that was passed to this process.
    package func listen(on passed: PassedSocket, at address: SocketAddress) throws(SystemError) -> DatagramSocket {
        let socket = try DatagramSocket(passed: passed, at: address, on: worker) { [weak self] in
            self?.receive($0, from: $1)
        }
        self.socket = socket
        return socket
    }

    /// Ways that begin from now on are opened by this one; who may send is looked at anew.
    func apply(_ dialer: Dialer, _ rules: ClientAccess) {
        self.dialer = dialer
        self.rules = rules
        for source in ways.keys { ways[source]?.trustedUntil = worker.now }
        machine.patience = dialer.options.udpIdle
    }

    /// Datagrams go to this one from now on.
    package func apply(_ target: Address) {
        guard target != self.target else { return }
        self.target = target
        endWays()
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
        socket?.close()
        socket = nil
        endWays()
    }

    private func endWays() {
        for way in ways.values { way.tunnel.end() }
        ways = [:]
        machine = Self.machine(of: dialer)
        if let expiry { worker.cancel(expiry) }
        expiry = nil
    }

    // MARK: From a source

    private func receive(_ bytes: UnsafeRawBufferPointer, from source: SocketAddress) {
        guard !isDraining else { return }
        guard isAdmitted(source) else {
            dialer.pool.droppedDatagrams &+= 1
            return
        }
        switch machine.arrived(from: source, now: worker.now) {
        case .known:
            break
        case .new(let ending):
            if let ending { end(ending) }
            let tunnel = DatagramTunnel(dialer: dialer, log: log) { [weak self] in
                self?.machine.settled(source)
            } received: { [weak self] in
                self?.deliver($0, to: source) ?? false
            }
            ways[source] = Way(tunnel: tunnel, trustedUntil: rules.datagrams.trustedUntil)
            scheduleExpiry()
        case .drop:
            return log.forwardIsFull(target, now: worker.now)
        }
        ways[source]?.tunnel.send(Datagram(address: target, data: Array(bytes)))
    }

    /// A port that has another owner by now is another source.
    private func isAdmitted(_ source: SocketAddress) -> Bool {
        guard rules.asksSenders, let socket else { return true }
        let known = ways[source]
        if let known, worker.now < known.trustedUntil { return true }
        guard rules.admits(source, at: socket, isKnown: known != nil) else {
            machine.ended(source)
            end(source)
            return false
        }
        ways[source]?.trustedUntil = rules.datagrams.trustedUntil
        return true
    }

    private func end(_ source: SocketAddress) {
        ways.removeValue(forKey: source)?.tunnel.end()
    }

    // MARK: From the target

    /// The target may be a name, so only its port tells whether it is the target that answers.
    private func deliver(_ datagram: Datagram, to source: SocketAddress) -> Bool {
        guard datagram.address.port == target.port, let socket else { return false }
        machine.answered(source, now: worker.now)
        return datagram.data.withUnsafeBytes { socket.send($0, to: source) }
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
