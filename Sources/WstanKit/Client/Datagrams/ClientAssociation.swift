import WstanBase

/// A user agent's way for datagrams (RFC 1928 section 7): a UDP socket beside its SOCKS connection, and behind it a tunnel
/// of its own, and an exit here for those whose targets are direct; each is made when the first datagram wants it. It ends
/// with that connection, or when it has not been used for a while. Confined to its worker.
final class ClientAssociation: @unchecked Sendable {
    private let control: Stream
    /// Among those that have to give way when descriptors run short, as long as nothing was carried.
    private let place: HandshakePlace?
    private let idle: Duration
    private let direct: DirectDialer
    private let pool: TunnelPool
    private let log: EventLog
    private var way: DatagramTunnel?
    private var exit: DatagramExit?
    private let rules: ClientAccess
    /// Where the user agent has said it would send from, or zeros.
    private let declared: Address
    private var socket: DatagramSocket?
    /// Where the first datagram of the owner came from; all others come from there, and the answers go there.
    private var userAgent: SocketAddress?
    /// Until then its socket is taken for the owner's without asking.
    private var trustedUntil = Instant(nanoseconds: 0)
    private var lastUsed: Instant

    private var worker: Worker { control.worker }

    /// - Parameter declared: what stands in the request.
    init(
        control: Stream, declared: Address, dialer: Dialer, direct: DirectDialer, rules: ClientAccess,
        at place: HandshakePlace? = nil, log: EventLog
    ) {
        self.control = control
        self.place = place
        self.rules = rules
        self.direct = direct
        pool = dialer.pool
        self.log = log
        idle = dialer.options.udpIdle
        self.declared = declared
        lastUsed = control.worker.now
        way = DatagramTunnel(dialer: dialer, log: log) { [weak self] in self?.deliver($0) ?? false }
    }

    /// Grants the request and serves until the end.
    func run() async {
        guard let (local, peer) = addresses else { return refuse(.generalFailure) }
        guard let owner = rules.owner(ofAssociationOf: control, at: peer, declared: declared) else {
            return refuse(.notAllowed)
        }
        guard
            let socket = try? DatagramSocket(
                local.withPort(0), on: worker, received: { self.receive($0, from: $1, of: owner) })
        else { return refuse(.generalFailure) }
        self.socket = socket
        control.write(Socks5.reply(.succeeded, bound: Address(socket.address)))
        place?.wait(for: .end)
        await waitForEnd()
        end()
        control.closeOrderly(awaitingPeer: false)
    }

    private func refuse(_ reply: Socks5.Reply) {
        control.write(Socks5.reply(reply))
        control.closeOrderly(awaitingPeer: true)
    }

    /// Where the user agent finds us and where it is, whatever the port. One that came by a Unix socket is on this host.
    private var addresses: (local: SocketAddress, peer: SocketAddress)? {
        if control.isUnix {
            let loopback = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 0)
            return (loopback, loopback)
        }
        guard let local = control.localAddress, let peer = control.remoteAddress else { return nil }
        return (local, peer)
    }

    /// The user agent says nothing more on its connection; it only holds it.
    private func waitForEnd() async {
        while worker.now < lastUsed + idle {
            switch await control.readNext(upTo: { BufferedReader.readSize }, deadline: lastUsed + idle) {
            // One that sends without end does not hold up the others.
            case .bytes: await worker.yield()
            case .timedOut: continue
            case .end, .failed, .closed, .unwanted: return
            }
        }
    }

    private func end() {
        way?.end()
        way = nil
        if let exit {
            exit.close()
            pool.droppedDatagrams &+= UInt64(exit.traffic.dropped)
            log.associationEnded(exit.traffic, isDirect: true)
        }
        exit = nil
        // They hold each other.
        socket?.close()
        socket = nil
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress, of owner: AssociationOwner) {
        guard owner.mayBe(at: sender), userAgent == nil || sender == userAgent,
            let datagram = Socks5Datagram.read(bytes), isOwners(sender, owner)
        else {
            way?.drop()
            return
        }
        userAgent = sender
        place?.leave()
        lastUsed = worker.now
        if direct.rules.cover(datagram.address) {
            makeExit()?.send(datagram)
        } else {
            way?.send(datagram)
        }
    }

    /// - Returns: nil when this is over.
    private func makeExit() -> DatagramExit? {
        guard exit == nil, socket != nil else { return exit }
        let made = direct.datagramExit(for: control) { [weak self] in self?.deliver($0) ?? false }
        exit = made
        return made
    }

    /// Whether the socket that a datagram came from belongs to who has asked for this.
    private func isOwners(_ sender: SocketAddress, _ owner: AssociationOwner) -> Bool {
        guard let user = owner.user, let socket, worker.now >= trustedUntil else { return true }
        guard rules.admits(sender, at: socket, asOwner: user, isKnown: userAgent != nil) else { return false }
        trustedUntil = rules.datagrams.trustedUntil
        return true
    }

    private func deliver(_ datagram: Datagram) -> Bool {
        guard let socket, let userAgent else { return false }
        lastUsed = worker.now
        return Socks5Datagram.encode(datagram).withUnsafeBytes { socket.send($0, to: userAgent) }
    }
}
