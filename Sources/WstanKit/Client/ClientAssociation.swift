/// A user agent's way for datagrams (RFC 1928 section 7): a UDP socket beside its SOCKS connection, and behind it a tunnel
/// of its own. It ends with that connection, or when it has not been used for a while. Confined to its worker.
///
/// The tunnel is opened with the first datagram and closed at the end, never pooled: Python's servers no longer serve
/// connections on it.
final class ClientAssociation: DatagramEnd, @unchecked Sendable {
    private let control: Stream
    private let dialer: Dialer
    private let log: EventLog
    /// The port that the user agent has said it would send from; 0 when it did not say.
    private let declaredPort: UInt16
    private var socket: DatagramSocket?
    /// Where the first datagram came from; all others come from there, and the answers go there.
    private var userAgent: SocketAddress?
    private var way = Way.none
    private var traffic = DatagramTraffic()
    private var lastUsed: Instant

    private enum Way {
        /// Can become: opening.
        case none
        /// The tunnel is on its way; what comes meanwhile waits. Can become: open, failed, over.
        case opening(waiting: [Datagram])
        /// Can become: none, over.
        case open(Tunnel)
        /// No tunnel could be opened, and until then none is tried. Can become: opening, over.
        case failed(until: Instant)
        case over
    }

    private var worker: Worker { control.worker }

    /// - Parameter declared: what stands in the request: where the user agent will send from, or zeros.
    init(control: Stream, declared: Address, dialer: Dialer, log: EventLog) {
        self.control = control
        self.dialer = dialer
        self.log = log
        declaredPort = declared.port
        lastUsed = control.worker.now
    }

    /// Grants the request and serves until the end.
    func run() async {
        guard let local = control.localAddress, let peer = control.remoteAddress,
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

    /// The user agent says nothing more on its connection; it only holds it.
    private func waitForEnd() async {
        while worker.now < lastUsed + dialer.options.udpIdle {
            switch await control.waitReadable(deadline: lastUsed + dialer.options.udpIdle) {
            case .closed: return
            case .timedOut, .interrupted: continue
            case .ready: break
            }
            switch control.read(into: worker.scratch.body(Intake.readSize)) {
            // One who does say something, and does not stop, holds up nobody else.
            case .bytes: await worker.yield()
            case .wouldBlock: continue
            case .end, .failed: return
            }
        }
    }

    private func end() {
        let ending = way
        way = .over
        if case .open(let tunnel) = ending { tunnel.close(CloseCode.normal) }
        control.heldElsewhere = 0
        // They hold each other.
        socket?.close()
        socket = nil
        log.associationEnded(traffic)
    }

    // MARK: From the user agent

    private func receive(_ bytes: UnsafeRawBufferPointer, from sender: SocketAddress, beside peer: SocketAddress) {
        guard isUserAgent(sender, beside: peer), let datagram = Socks5Datagram.read(bytes) else {
            traffic.dropped += 1
            return
        }
        userAgent = sender
        lastUsed = worker.now
        switch way {
        case .none:
            open(with: datagram)
        case .failed(let until):
            if worker.now < until { traffic.dropped += 1 } else { open(with: datagram) }
        case .opening(var waiting):
            let size = waiting.reduce(datagram.data.count) { $0 + $1.data.count }
            guard waiting.count < ClientLimits.waitingDatagrams, size <= ClientLimits.waitingDatagramBytes else {
                traffic.dropped += 1
                return
            }
            waiting.append(datagram)
            control.heldElsewhere = size
            way = .opening(waiting: waiting)
        case .open(let tunnel):
            send(datagram, on: tunnel)
        case .over:
            break
        }
    }

    /// Whoever is on another host, or comes from another socket than the first datagram, is not the one who asked.
    private func isUserAgent(_ sender: SocketAddress, beside peer: SocketAddress) -> Bool {
        if let userAgent { return sender == userAgent }
        return sender.hasSameHost(as: peer) && (declaredPort == 0 || sender.port == declaredPort)
    }

    private func send(_ datagram: Datagram, on tunnel: Tunnel) {
        if tunnel.send(datagram) { traffic.up += 1 } else { traffic.dropped += 1 }
    }

    private func open(with first: Datagram) {
        way = .opening(waiting: [])
        worker.spawn { [self] in
            do throws(DialFailure) {
                opened(try await dialer.open(self, first: first))
            } catch {
                failed(error, first.address)
            }
        }
    }

    private func opened(_ tunnel: Tunnel) {
        guard case .opening(let waiting) = way else { return tunnel.close(CloseCode.normal) }
        control.heldElsewhere = 0
        // The server may have closed it by now.
        guard tunnel.association === self else {
            traffic.dropped += 1 + waiting.count
            way = .none
            return
        }
        way = .open(tunnel)
        traffic.up += 1
        for datagram in waiting { send(datagram, on: tunnel) }
    }

    private func failed(_ failure: DialFailure, _ target: Address) {
        log.dialFailed(failure, target: target, now: worker.now)
        guard case .opening(let waiting) = way else { return }
        traffic.dropped += 1 + waiting.count
        control.heldElsewhere = 0
        way = .failed(until: worker.now + ClientLimits.associationPause)
    }

    // MARK: DatagramEnd

    func deliver(_ datagram: Datagram) {
        guard let socket, let userAgent, !socket.isClosed else { return }
        lastUsed = worker.now
        let isSent = Socks5Datagram.encode(datagram).withUnsafeBytes { socket.send($0, to: userAgent) }
        if isSent { traffic.down += 1 } else { traffic.dropped += 1 }
    }

    /// The next datagram opens another tunnel.
    func associationEnded() {
        if case .open = way { way = .none }
    }
}
