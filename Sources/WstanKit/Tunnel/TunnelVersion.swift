/// The version of the protocol that a tunnel speaks from its handshake to its end: what is said there, and what is
/// understood.
enum TunnelVersion {
    case v1(TunnelV1)
    case v2(TunnelV2)

    var keyID: KeyID {
        switch self {
        case .v1(let version): version.keyID
        case .v2(let version): version.keyID
        }
    }

    var state: TunnelReport.State {
        switch self {
        case .v1(let version): TunnelReport.State(version.machine.state)
        case .v2(let version): version.state
        }
    }

    /// Whether the server says by itself that the target has answered, as version 2 does; in version 1 it has to be
    /// asked, and Python's do not tell.
    var tellsOfAnswers: Bool {
        switch self {
        case .v1: false
        case .v2: true
        }
    }

    /// Whether the peer is pinged by frames of the WebSocket. Those of version 2 are sealed.
    var pingsByFrames: Bool {
        switch self {
        case .v1: true
        case .v2: false
        }
    }

    // MARK: The tunnel's life

    func start(on tunnel: Tunnel) {
        if case .v2(let version) = self { version.start(on: tunnel) }
    }

    func stop() {
        if case .v2(let version) = self { version.stop() }
    }

    /// The owner wants nothing new on the tunnel, and what is carried to its end.
    func retire(_ code: ResetCode, on tunnel: Tunnel) {
        switch self {
        // An association has no end of its own to wait for, and its next datagram opens another one elsewhere.
        case .v1: if tunnel.isIdle || tunnel.association != nil { tunnel.close(CloseCode.goingAway) }
        case .v2(let version): version.retire(code, on: tunnel)
        }
    }

    /// The key that the tunnel was opened with is no more: whatever is carried ends now.
    func revoke(on tunnel: Tunnel) {
        if case .v2(let version) = self { version.retire(.keyRevoked, on: tunnel) }
        tunnel.close(CloseCode.goingAway)
    }

    // MARK: Connections

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: Request?) -> Bool {
        switch self {
        case .v1(let version): version.ask(request)
        case .v2(let version): version.ask(request)
        }
    }

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: AssociationRequest?) -> Bool {
        switch self {
        case .v1(let version): version.ask(request)
        case .v2(let version): version.ask(request)
        }
    }

    /// - Returns: false when the connection was given up meanwhile.
    func connectedTarget() -> Bool {
        switch self {
        case .v1(let version): version.connectedTarget()
        case .v2(let version): version.connectedTarget()
        }
    }

    /// - Returns: false where the version has no word for it.
    func finish(on tunnel: Tunnel) -> Bool {
        switch self {
        case .v1: return false
        case .v2(let version):
            version.finish(on: tunnel)
            return true
        }
    }

    func end(_ reset: Reset, on tunnel: Tunnel) {
        switch self {
        case .v1(let version): version.end(reset, on: tunnel)
        case .v2(let version): version.end(reset, on: tunnel)
        }
    }

    // MARK: From the peer

    @inline(__always)
    func receive(_ piece: Tunnel.Piece, on tunnel: Tunnel) {
        switch self {
        case .v1(let version): version.receive(piece, on: tunnel)
        case .v2(let version): version.receive(piece, on: tunnel)
        }
    }

    func receive(_ error: FrameError, on tunnel: Tunnel) {
        switch self {
        case .v1: tunnel.close(error.closeCode)
        case .v2: tunnel.breakOff(.frame)
        }
    }

    // MARK: To the peer

    func sendDue(on tunnel: Tunnel) {
        switch self {
        case .v1(let version): version.sendDue(on: tunnel)
        case .v2(let version): version.sendDue()
        }
    }

    func sendPing(_ output: FrameOutput) {
        switch self {
        case .v1: output.send(.ping, [])
        case .v2(let version): version.sendPing()
        }
    }

    /// - Parameter data: in the worker's scratch.
    @inline(__always)
    func send(data: UnsafeMutableRawBufferPointer) {
        switch self {
        case .v1(let version): version.output.send(data: data)
        case .v2(let version): if version.life.maySend(.data) { version.output.send(data: data) }
        }
    }

    /// Asks the peer whether the target has answered, where it does not tell by itself.
    func askForAnswer() {
        if case .v1(let version) = self { version.output.sendEmptyData() }
    }

    /// - Returns: false when it was dropped.
    func send(_ datagram: Datagram) -> Bool {
        switch self {
        case .v1(let version):
            version.output.gather(datagram)
            return true
        case .v2(let version): return version.send(datagram)
        }
    }

    /// Bytes of datagrams that are gathered for one write.
    var gatheredCount: Int {
        switch self {
        case .v1(let version): version.output.gatheredCount
        case .v2(let version): version.output.gatheredCount
        }
    }

    func sendGathered() {
        switch self {
        case .v1(let version): version.output.sendGathered()
        case .v2(let version): version.output.sendGathered()
        }
    }
}

extension TunnelReport.State {
    init(_ state: TunnelMachine.State) {
        self =
            switch state {
            case .idle: .idle
            case .connecting: .connecting
            case .using, .associated: .using
            case .resetting: .resetting
            }
    }
}
