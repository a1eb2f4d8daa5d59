/// A server's end of an association: sends datagrams to their targets, and what comes back into the tunnel. Confined to
/// its worker.
///
/// One socket for each family: a target, and every other one, sees the same port as long as the association lasts
/// (RFC 4787 section 4.1). What comes from a host that nothing was sent to is dropped (section 5, address-dependent).
final class ServerAssociation: DatagramEnd, @unchecked Sendable {
    private weak var tunnel: Tunnel?
    private let worker: Worker
    private let resolver: Resolver
    private let client: ClientAddress
    private let gate: TargetGate
    private let book: RefusalBook
    private let log: EventLog
    private var ipv4: DatagramSocket?
    private var ipv6: DatagramSocket?
    private var targets = RecentHosts(capacity: ServerLimits.associationTargets)
    private var names: [String: Name] = [:]
    private var waitingBytes = 0
    private var traffic = DatagramTraffic()
    private var lastUsed: Instant
    private let patience: Duration
    private var timer: Timers.ID?
    private var isOver = false

    private enum Name {
        /// Looked up; these are for it.
        case waiting([Datagram])
        /// What the name stands for, the best address first.
        case known([SocketAddress], until: Instant)
    }

    /// - Parameters:
    ///   - client: on whose behalf names are looked up.
    ///   - gate: asked of every datagram.
    ///   - patience: it ends when it is not used for so long.
    init(
        on tunnel: Tunnel, for client: ClientAddress, gate: TargetGate, resolver: Resolver, book: RefusalBook,
        log: EventLog, patience: Duration = ServerLimits.associationIdle
    ) {
        self.tunnel = tunnel
        self.patience = patience
        self.client = client
        self.gate = gate
        self.book = book
        self.resolver = resolver
        self.log = log
        worker = tunnel.worker
        lastUsed = worker.now
        watch()
    }

    // MARK: DatagramEnd

    func deliver(_ datagram: Datagram) {
        guard !isOver else { return }
        lastUsed = worker.now
        switch datagram.address.host {
        case .ipv4(let address): send(datagram, toOneOf: [.ipv4(address, port: 0)], name: nil)
        case .ipv6(let address): send(datagram, toOneOf: [.ipv6(address, port: 0, scope: 0)], name: nil)
        case .name(let name): send(datagram, toName: name)
        }
    }

    func associationEnded() {
        guard !isOver else { return }
        isOver = true
        if let timer { worker.cancel(timer) }
        worker.budget.change(by: -waitingBytes)
        names = [:]
        ipv4?.close()
        ipv6?.close()
        log.associationEnded(traffic)
    }

    // MARK: To the targets

    /// Sends it to the first address that the rules do not refuse.
    private func send(_ datagram: Datagram, toOneOf addresses: [SocketAddress], name: String?) {
        var key = ""
        for address in addresses {
            let target = address.withPort(datagram.address.port)
            guard let refusal = gate.refusal(of: target, name: name) else { return send(datagram, to: target) }
            key = refusal
        }
        forbid(datagram, by: key)
    }

    private func forbid(_ datagram: Datagram, by key: String) {
        traffic.dropped += 1
        book.forbade(datagram.address, by: key, to: client, on: tunnel?.id ?? 0)
    }

    private func dropForWantOfRoom() {
        traffic.dropped += 1
        book.droppedDatagram()
    }

    private func send(_ datagram: Datagram, to target: SocketAddress) {
        guard let socket = socket(for: target), datagram.data.withUnsafeBytes({ socket.send($0, to: target) }) else {
            return dropForWantOfRoom()
        }
        targets.insert(Address(target).host)
        traffic.up += 1
    }

    private func socket(for target: SocketAddress) -> DatagramSocket? {
        switch target {
        case .ipv4:
            if ipv4 == nil { ipv4 = open(.ipv4(IPv4Address(0), port: 0)) }
            return ipv4
        case .ipv6:
            if ipv6 == nil { ipv6 = open(.ipv6(IPv6Address(high: 0, low: 0), port: 0, scope: 0)) }
            return ipv6
        }
    }

    private func open(_ address: SocketAddress) -> DatagramSocket? {
        // What is left of the descriptors belongs to connections that are up.
        guard !Descriptors.areScarce else { return nil }
        return try? DatagramSocket(address, on: worker) { [weak self] in self?.receive($0, from: $1) }
    }

    // MARK: Names

    private func send(_ datagram: Datagram, toName name: String) {
        if let key = gate.refusal(ofName: name, port: datagram.address.port) { return forbid(datagram, by: key) }
        switch names[name] {
        case .known(let addresses, let until) where worker.now < until:
            send(datagram, toOneOf: addresses, name: name)
        case .waiting(var waiting):
            guard hold(Self.size(of: datagram)) else { return }
            waiting.append(datagram)
            names[name] = .waiting(waiting)
        case .known, nil:
            guard makeRoomForName(), hold(ServerLimits.lookUpOverhead + Self.size(of: datagram)) else { return }
            names[name] = .waiting([datagram])
            worker.spawn { await self.lookUp(name) }
        }
    }

    private func makeRoomForName() -> Bool {
        guard names.count >= ServerLimits.associationNames else { return true }
        names = names.filter { if case .known(_, let until) = $0.value { until > worker.now } else { true } }
        if names.count < ServerLimits.associationNames { return true }
        dropForWantOfRoom()
        return false
    }

    private static func size(of datagram: Datagram) -> Int {
        datagram.data.count + ServerLimits.datagramOverhead
    }

    /// Counts what a datagram that has to wait takes, or drops it.
    private func hold(_ size: Int) -> Bool {
        guard waitingBytes + size <= ServerLimits.associationWaiting else {
            dropForWantOfRoom()
            return false
        }
        waitingBytes += size
        worker.budget.change(by: size)
        return true
    }

    private func lookUp(_ name: String) async {
        let deadline = worker.now + ServerLimits.associationLookUp
        let answer = await resolver.resolveSorted(name, for: client.shareKey, on: worker, deadline: deadline)
        guard !isOver, case .waiting(let waiting) = names[name] else { return }
        let size = waiting.reduce(ServerLimits.lookUpOverhead) { $0 + Self.size(of: $1) }
        waitingBytes -= size
        worker.budget.change(by: -size)
        guard !answer.isEmpty else {
            names[name] = nil
            traffic.dropped += waiting.count
            return
        }
        let addresses = Array(answer.prefix(ServerLimits.associationNameAddresses))
        names[name] = .known(addresses, until: worker.now + ServerLimits.associationNameLife)
        for datagram in waiting { send(datagram, toOneOf: addresses, name: name) }
    }

    // MARK: From the targets

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress) {
        let address = Address(sender)
        guard targets.contains(address.host), let tunnel else {
            traffic.dropped += 1
            return
        }
        guard tunnel.send(Datagram(address: address, data: Array(bytes))) else { return dropForWantOfRoom() }
        lastUsed = worker.now
        traffic.down += 1
    }

    // MARK: Its end

    /// A client ends its associations itself; this is for one that forgets.
    private func watch() {
        timer = worker.schedule(at: lastUsed + patience) { [weak self] in
            guard let self, !isOver else { return }
            guard worker.now >= lastUsed + patience else { return watch() }
            tunnel?.endAssociation()
            associationEnded()
        }
    }
}
