/// A server's end of an association: sends datagrams to their targets, and what comes back into the tunnel. Confined to
/// its worker.
///
/// One socket for each family: a target, and every other one, sees the same port as long as the association lasts
/// (RFC 4787 section 4.1). What comes from a host that nothing was sent to is dropped (section 5, address-dependent).
final class ServerAssociation: DatagramEnd, @unchecked Sendable {
    private weak var tunnel: Tunnel?
    private let worker: Worker
    private let resolver: Resolver
    private let client: AnyHashable
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
        case known(SocketAddress, until: Instant)
    }

    /// - Parameters:
    ///   - client: on whose behalf names are looked up.
    ///   - patience: it ends when it is not used for so long.
    init(
        on tunnel: Tunnel, for client: AnyHashable, resolver: Resolver, log: EventLog,
        patience: Duration = ServerLimits.associationIdle
    ) {
        self.tunnel = tunnel
        self.patience = patience
        self.client = client
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
        case .ipv4(let address): send(datagram, to: .ipv4(address, port: datagram.address.port))
        case .ipv6(let address): send(datagram, to: .ipv6(address, port: datagram.address.port, scope: 0))
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

    private func send(_ datagram: Datagram, to target: SocketAddress) {
        guard let socket = socket(for: target), datagram.data.withUnsafeBytes({ socket.send($0, to: target) }) else {
            traffic.dropped += 1
            return
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
        switch names[name] {
        case .known(let address, let until) where worker.now < until:
            send(datagram, to: address.withPort(datagram.address.port))
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
        traffic.dropped += 1
        return false
    }

    private static func size(of datagram: Datagram) -> Int {
        datagram.data.count + ServerLimits.datagramOverhead
    }

    /// Counts what a datagram that has to wait takes, or drops it.
    private func hold(_ size: Int) -> Bool {
        guard waitingBytes + size <= ServerLimits.associationWaiting else {
            traffic.dropped += 1
            return false
        }
        waitingBytes += size
        worker.budget.change(by: size)
        return true
    }

    private func lookUp(_ name: String) async {
        let deadline = worker.now + ServerLimits.associationLookUp
        let answer = await resolver.resolveOne(name, for: client, on: worker, deadline: deadline)
        guard !isOver, case .waiting(let waiting) = names[name] else { return }
        let size = waiting.reduce(ServerLimits.lookUpOverhead) { $0 + Self.size(of: $1) }
        waitingBytes -= size
        worker.budget.change(by: -size)
        guard let address = answer else {
            names[name] = nil
            traffic.dropped += waiting.count
            return
        }
        names[name] = .known(address, until: worker.now + ServerLimits.associationNameLife)
        for datagram in waiting { send(datagram, to: address.withPort(datagram.address.port)) }
    }

    // MARK: From the targets

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress) {
        let address = Address(sender)
        guard targets.contains(address.host), let tunnel,
            tunnel.send(Datagram(address: address, data: Array(bytes)))
        else {
            traffic.dropped += 1
            return
        }
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
