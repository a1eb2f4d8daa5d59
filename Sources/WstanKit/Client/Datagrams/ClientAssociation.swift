import WstanBase

/// A user agent's way for datagrams (RFC 1928 section 7): a UDP socket beside its SOCKS connection, and behind it a tunnel
/// of its own, and an exit here for those whose targets are direct; each is made when the first datagram wants it. It ends
/// with that connection, or when it has not been used for a while. Confined to its worker.
final class ClientAssociation: @unchecked Sendable {
    private let control: Stream
    private let idle: Duration
    private let direct: DirectDialer
    private let pool: TunnelPool
    private let log: EventLog
    private var way: DatagramTunnel?
    private var exit: DatagramExit?
    /// Where the user agent has said it would send from, or zeros.
    private let declared: Address
    private var socket: DatagramSocket?
    /// Where the first datagram came from; all others come from there, and the answers go there.
    private var userAgent: SocketAddress?
    private var lastUsed: Instant

    private var worker: Worker { control.worker }

    /// - Parameter declared: what stands in the request.
    init(control: Stream, declared: Address, dialer: Dialer, direct: DirectDialer, log: EventLog) {
        self.control = control
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
        guard let (local, peer) = addresses,
            let socket = try? DatagramSocket(
                local.withPort(0), on: worker,
                received: { self.receive($0, from: $1, beside: peer) })
        else {
            control.write(Socks5.reply(.generalFailure))
            return control.closeOrderly(awaitingPeer: true)
        }
        self.socket = socket
        control.write(Socks5.reply(.succeeded, bound: Address(socket.address)))
        await waitForEnd()
        end()
        control.closeOrderly(awaitingPeer: false)
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

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress, beside peer: SocketAddress) {
        guard isUserAgent(sender, beside: peer), let datagram = Socks5Datagram.read(bytes) else {
            way?.drop()
            return
        }
        userAgent = sender
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

    /// A sender on another host, or on another port than that of the first datagram, is not the one who asked.
    private func isUserAgent(_ sender: SocketAddress, beside peer: SocketAddress) -> Bool {
        if let userAgent { return sender == userAgent }
        guard sender.hasSameHost(as: peer) else { return false }
        return sender.port == declared.port || !declared.bindsPort(ofUserAgentAt: peer)
    }

    private func deliver(_ datagram: Datagram) -> Bool {
        guard let socket, let userAgent else { return false }
        lastUsed = worker.now
        return Socks5Datagram.encode(datagram).withUnsafeBytes { socket.send($0, to: userAgent) }
    }
}

extension Address {
    /// Whether the port that a user agent declares is the one that it will send from (RFC 1928 section 7). Many declare
    /// their target instead; beside an address that cannot be theirs the port means nothing.
    func bindsPort(ofUserAgentAt peer: SocketAddress) -> Bool {
        let mayBeTheirs =
            switch host.unmapped {
            case .ipv4(let address): address == IPv4Address(0) || Host.ipv4(address) == Address(peer).host.unmapped
            case .ipv6(let address):
                address == IPv6Address(high: 0, low: 0) || Host.ipv6(address) == Address(peer).host.unmapped
            case .name: false
            }
        return port != 0 && mayBeTheirs
    }
}
