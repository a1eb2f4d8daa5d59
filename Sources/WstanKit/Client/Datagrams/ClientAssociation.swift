import WstanBase

/// A user agent's way for datagrams (RFC 1928 section 7): a UDP socket beside its SOCKS connection, and behind it a tunnel
/// of its own, and an exit here for those whose targets are direct; each is made when the first datagram wants it. It ends
/// with that connection, or when it has not been used for a while. Confined to its worker.
final class ClientAssociation: @unchecked Sendable {
    private let control: Stream
    private let idle: Duration
    private let direct: DirectDialer
    private let log: EventLog
    private var way: DatagramTunnel?
    private var exit: DatagramExit?
    /// The port that the user agent has said it would send from; 0 when it did not say.
    private let declaredPort: UInt16
    private var socket: DatagramSocket?
    /// Where the first datagram came from; all others come from there, and the answers go there.
    private var userAgent: SocketAddress?
    private var lastUsed: Instant

    private var worker: Worker { control.worker }

    /// - Parameter declared: what stands in the request: where the user agent will send from, or zeros.
    init(control: Stream, declared: Address, dialer: Dialer, direct: DirectDialer, log: EventLog) {
        self.control = control
        self.direct = direct
        self.log = log
        idle = dialer.options.udpIdle
        declaredPort = declared.port
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
            // One who does say something, and does not stop, holds up nobody else.
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
            log.associationEnded(exit.traffic, isDirect: true)
        }
        exit = nil
        // They hold each other.
        socket?.close()
        socket = nil
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress, beside peer: SocketAddress) {
        guard isUserAgent(sender, beside: peer), let datagram = Socks5Datagram.read(bytes) else {
            way?.dropped()
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

    /// Whoever is on another host, or comes from another socket than the first datagram, is not the one who asked.
    private func isUserAgent(_ sender: SocketAddress, beside peer: SocketAddress) -> Bool {
        if let userAgent { return sender == userAgent }
        return sender.hasSameHost(as: peer) && (declaredPort == 0 || sender.port == declaredPort)
    }

    private func deliver(_ datagram: Datagram) -> Bool {
        guard let socket, let userAgent else { return false }
        lastUsed = worker.now
        return Socks5Datagram.encode(datagram).withUnsafeBytes { socket.send($0, to: userAgent) }
    }
}
