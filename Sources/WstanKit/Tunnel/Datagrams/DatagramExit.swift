import WstanBase

/// Where datagrams leave for their targets, and where the answers come in. Confined to its worker.
///
/// One socket for each family: a target, and every other one, sees the same port as long as it lasts (RFC 4787
/// section 4.1). What comes from a host that nothing was sent to is dropped (section 5, address-dependent). Nothing waits
/// here but datagrams whose target's name is being looked up.
final class DatagramExit: @unchecked Sendable {
    /// Asked before a datagram goes out, and told what did not. A refusal is the key that refuses.
    struct Gate {
        /// Whether a name may be looked up.
        var refusalOfName: (_ name: String, _ port: UInt16) -> String? = { _, _ in nil }
        /// Whether anything may be sent to an address.
        ///
        /// - Parameter name: what it was looked up by.
        var refusal: (_ target: SocketAddress, _ name: String?) -> String? = { _, _ in nil }
        var forbade: (_ target: Address, _ key: String) -> Void = { _, _ in }
        var hadNoRoom: () -> Void = {}
        /// Whether a descriptor may be taken. What is left of them belongs to connections that are up.
        var mayOpen: () -> Bool = { !Descriptors.areScarce }
    }

    private let worker: Worker
    private let resolver: Resolver
    private let asker: Asker
    private let gate: Gate
    private let received: (Datagram) -> Bool
    private var ipv4: DatagramSocket?
    private var ipv6: DatagramSocket?
    private var targets = RecentHosts(capacity: DatagramLimits.targets)
    private var names: [String: Name] = [:]
    private var waitingBytes = 0
    private(set) var traffic = DatagramTraffic()
    private var isClosed = false

    private enum Name {
        /// Looked up; these are for it.
        case waiting([Datagram])
        /// What the name stands for, the best address first.
        case known([SocketAddress], until: Instant)
    }

    /// - Parameters:
    ///   - asker: on whose behalf names are looked up.
    ///   - received: takes what comes back, under its sender's address; says whether there was room for it.
    init(
        on worker: Worker, resolver: Resolver, for asker: Asker, gate: Gate = Gate(),
        received: @escaping (Datagram) -> Bool
    ) {
        self.worker = worker
        self.resolver = resolver
        self.asker = asker
        self.gate = gate
        self.received = received
    }

    func send(_ datagram: Datagram) {
        guard !isClosed else { return }
        // As a connection to it: a socket for IPv6 does not send to ::ffff:a.b.c.d.
        switch datagram.address.host.unmapped {
        case .ipv4(let address): send(datagram, toOneOf: CollectionOfOne(.ipv4(address, port: 0)), name: nil)
        case .ipv6(let address): send(datagram, toOneOf: CollectionOfOne(.ipv6(address, port: 0, scope: 0)), name: nil)
        case .name(let name): send(datagram, toName: name)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        worker.budget.change(by: -waitingBytes)
        names = [:]
        ipv4?.close()
        ipv6?.close()
    }

    // MARK: To the targets

    /// Sends it to the first address that is not refused.
    private func send(_ datagram: Datagram, toOneOf addresses: some Collection<SocketAddress>, name: String?) {
        var key = ""
        for address in addresses {
            let target = address.withPort(datagram.address.port)
            guard let refusal = gate.refusal(target, name) else { return send(datagram, to: target) }
            key = refusal
        }
        forbid(datagram, by: key)
    }

    private func forbid(_ datagram: Datagram, by key: String) {
        traffic.dropped += 1
        gate.forbade(datagram.address, key)
    }

    private func dropForWantOfRoom() {
        traffic.dropped += 1
        gate.hadNoRoom()
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
        guard gate.mayOpen() else { return nil }
        return try? DatagramSocket(address, on: worker) { [weak self] in self?.receive($0, from: $1) }
    }

    // MARK: Names

    private func send(_ datagram: Datagram, toName name: String) {
        if let key = gate.refusalOfName(name, datagram.address.port) { return forbid(datagram, by: key) }
        switch names[name] {
        case .known(let addresses, let until) where worker.now < until:
            send(datagram, toOneOf: addresses, name: name)
        case .waiting(var waiting):
            guard hold(Self.size(of: datagram)) else { return }
            waiting.append(datagram)
            names[name] = .waiting(waiting)
        case .known, nil:
            guard makeRoomForName(), hold(DatagramLimits.lookUpOverhead + Self.size(of: datagram)) else { return }
            names[name] = .waiting([datagram])
            worker.spawn { await self.lookUp(name) }
        }
    }

    private func makeRoomForName() -> Bool {
        guard names.count >= DatagramLimits.names else { return true }
        names = names.filter { if case .known(_, let until) = $0.value { until > worker.now } else { true } }
        if names.count < DatagramLimits.names { return true }
        dropForWantOfRoom()
        return false
    }

    private static func size(of datagram: Datagram) -> Int {
        datagram.data.count + DatagramLimits.overhead
    }

    /// Counts what a datagram that has to wait takes, or drops it.
    private func hold(_ size: Int) -> Bool {
        guard waitingBytes + size <= DatagramLimits.waiting else {
            dropForWantOfRoom()
            return false
        }
        waitingBytes += size
        worker.budget.change(by: size)
        return true
    }

    private func lookUp(_ name: String) async {
        let deadline = worker.now + DatagramLimits.lookUp
        let answer = await resolver.resolveSorted(name, for: asker, on: worker, deadline: deadline)
        guard !isClosed, case .waiting(let waiting) = names[name] else { return }
        let size = waiting.reduce(DatagramLimits.lookUpOverhead) { $0 + Self.size(of: $1) }
        waitingBytes -= size
        worker.budget.change(by: -size)
        guard !answer.isEmpty else {
            names[name] = nil
            traffic.dropped += waiting.count
            return
        }
        let addresses = Array(answer.prefix(DatagramLimits.nameAddresses))
        names[name] = .known(addresses, until: worker.now + DatagramLimits.nameLife)
        for datagram in waiting { send(datagram, toOneOf: addresses, name: name) }
    }

    // MARK: From the targets

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress) {
        let address = Address(sender)
        guard targets.contains(address.host) else {
            traffic.dropped += 1
            return
        }
        guard received(Datagram(address: address, data: Array(bytes))) else { return dropForWantOfRoom() }
        traffic.down += 1
    }
}

/// Every bound on what an association may make the end hold that its datagrams leave by.
enum DatagramLimits {
    /// Hosts whose answers are taken.
    static let targets = 4096
    /// Names that are remembered, and for how long.
    static let names = 1024
    /// Addresses of a name that are remembered.
    static let nameAddresses = 4
    static let nameLife: Duration = .seconds(30)
    static let lookUp: Duration = .seconds(10)
    /// Bytes that wait for names, each datagram and each look-up counting for this much more. A look-up is tasks and
    /// timers: unknown names by the thousand once took 2 MiB of every association.
    static let waiting = 64 * 1024
    static let overhead = 64
    static let lookUpOverhead = 2048
}
