import WstanBase

/// Version 1 on a tunnel: the driver of `TunnelMachine`, which opens what comes and carries out what the machine says.
/// Confined to the tunnel's worker.
final class TunnelV1: @unchecked Sendable {
    private(set) var machine: TunnelMachine
    private let role: TunnelRole
    private var opener: Opener
    let output: OutputV1
    /// A store elsewhere has the word on a request.
    private var isJudging = false

    init(_ role: TunnelRole, sealer: Sealer, opener: Opener, frames: FrameOutput) {
        self.role = role
        self.opener = opener
        output = OutputV1(frames: frames, sealer: sealer)
        machine = TunnelMachine(role: role)
    }

    /// Of the key that the tunnel was opened with, and keeps.
    var keyID: KeyID { opener.keyID }

    // MARK: Asking

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: Request?) -> Bool {
        guard machine.sentRequest() else { return false }
        if let request { output.send(request) }
        return true
    }

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: AssociationRequest?) -> Bool {
        guard machine.sentAssociationRequest() else { return false }
        if let request { output.send(request) }
        return true
    }

    // MARK: Ending

    func end(_ reset: Reset, on tunnel: Tunnel) {
        guard machine.ended() == .sendReset else { return }
        output.send(reset)
        tunnel.awaitReset()
    }

    // MARK: Messages

    func receive(_ piece: Tunnel.Piece, on tunnel: Tunnel) {
        guard !piece.isText else { return tunnel.close(CloseCode.badMessage) }
        do {
            let event = try opener.open(piece.bytes, endsMessage: piece.endsMessage, expecting: machine.expectation)
            tunnel.incomplete = opener.heldBytes
            switch event {
            case .partial: break
            case .data(let bytes): receive(data: bytes, on: tunnel)
            case .emptyData:
                tunnel.connection?.answered()
                // Protocol page, point 11: Python ignores it on both sides.
                if role == .acceptor { tunnel.due.isAnswer = true }
            case .reset(let reset):
                tunnel.deliverCoalesced()
                receive(reset, on: tunnel)
            case .request(let request, let stamp):
                receive(request, stamp, on: tunnel)
            case .association(let first, let stamp):
                receive(first, stamp, on: tunnel)
            case .datagram(let datagram):
                receive(datagram, on: tunnel)
            }
        } catch {
            tunnel.refuse(error)
        }
    }

    private func receive(data: UnsafeMutableRawBufferPointer, on tunnel: Tunnel) {
        switch machine.receivedData() {
        case .deliver: tunnel.deliver(data)
        case .hold: tunnel.connection?.hold(data)
        case .discard: break
        case .close(let code): tunnel.close(code)
        }
    }

    private func receive(_ datagram: Datagram, on tunnel: Tunnel) {
        switch machine.receivedDatagram() {
        case .deliver: tunnel.association?.deliver(datagram)
        case .discard: break
        case .close(let code): tunnel.close(code)
        }
    }

    /// What the peer has asked for by data without bytes.
    func sendDue(on tunnel: Tunnel) {
        if machine.state == .using, tunnel.due.takeAnswer() { output.sendEmptyData() }
    }

    private func receive(_ reset: Reset, on tunnel: Tunnel) {
        switch machine.receivedReset() {
        case .answerReset:
            let over = tunnel.takeConnection()
            over?.received()
            output.send(Reset.normal)
            over?.finish(.reset(reset))
            tunnel.stream.interruptDrain()
            becomeIdle(after: tunnel.takeAssociation(), on: tunnel)
        case .becomeIdle:
            becomeIdle(after: nil, on: tunnel)
        case .close(let code):
            tunnel.close(code)
        }
    }

    private func becomeIdle(after association: (any DatagramEnd)?, on tunnel: Tunnel) {
        if let association {
            association.associationEnded()
            // A Python server keeps the association's sockets and no longer serves connections on such a tunnel.
            if role == .requester { return tunnel.close(CloseCode.normal) }
        }
        tunnel.becomeIdle()
    }

    // MARK: Requests

    /// Acceptor: a request has come that may be carried out, with the handshake or as a message. Its data are held.
    ///
    /// - Returns: nil when the tunnel is not free.
    func accept(_ request: Request, on tunnel: Tunnel) -> Connection? {
        switch machine.receivedRequest() {
        case .connect:
            let connection = Connection(worker: tunnel.worker, end: nil, to: request.target)
            connection.hold(request.data)
            tunnel.begin(connection)
            return connection
        case .close(let code):
            tunnel.close(code)
            return nil
        }
    }

    /// Acceptor: the target has answered.
    ///
    /// - Returns: false when the connection was given up meanwhile.
    func connectedTarget() -> Bool { machine.connectedTarget() == .relay }

    /// Acceptor: a request for an association has come that may be carried out, with the handshake or as a message, or
    /// one that is still judged.
    func acceptAssociation(first: Datagram, pending verdict: Admission.Verdict? = nil, on tunnel: Tunnel) {
        switch machine.receivedAssociationRequest() {
        case .associate:
            guard let verdict else { return makeAssociation(delivering: [first], on: tunnel) }
            let waiting = WaitingDatagrams(worker: tunnel.worker)
            waiting.deliver(first)
            tunnel.begin(waiting)
            tunnel.worker.spawn { [self] in
                guard await isAdmitted(by: verdict, on: tunnel), tunnel.association === waiting else { return }
                makeAssociation(delivering: waiting.take(), on: tunnel)
            }
        case .close(let code):
            tunnel.close(code)
        }
    }

    private func makeAssociation(delivering datagrams: [Datagram], on tunnel: Tunnel) {
        guard let end = tunnel.acceptor?.tunnelMakesAssociation(tunnel) else {
            return tunnel.close(CloseCode.goingAway)
        }
        tunnel.begin(end)
        for datagram in datagrams { end.deliver(datagram) }
    }

    private func receive(_ request: Request, _ stamp: RequestStamp, on tunnel: Tunnel) {
        guard let admission = admission(of: stamp, on: tunnel), let acceptor = tunnel.acceptor,
            let connection = accept(request, on: tunnel)
        else { return }
        guard case .pending(let verdict) = admission else {
            return acceptor.tunnel(tunnel, serve: request, as: connection)
        }
        // The connection holds the data.
        let asked = Request(time: request.time, target: request.target, data: [])
        // Not the connection's: that ends with a reset, and the verdict does not.
        tunnel.worker.spawn { [self] in
            guard await isAdmitted(by: verdict, on: tunnel), tunnel.carries(connection) else { return }
            acceptor.tunnel(tunnel, serve: asked, as: connection)
        }
    }

    private func receive(_ first: Datagram, _ stamp: RequestStamp?, on tunnel: Tunnel) {
        // Without one there is nothing to judge but the key, and the acceptor looks at that.
        guard let stamp else {
            guard takesRequest(tunnel) else { return }
            return acceptAssociation(first: first, on: tunnel)
        }
        guard let admission = admission(of: stamp, on: tunnel) else { return }
        if case .pending(let verdict) = admission {
            acceptAssociation(first: first, pending: verdict, on: tunnel)
        } else {
            acceptAssociation(first: first, on: tunnel)
        }
    }

    /// - Returns: nil when the request is refused, and the tunnel is being closed.
    private func admission(of stamp: RequestStamp, on tunnel: Tunnel) -> Admission? {
        guard role == .acceptor else {
            tunnel.refuse(.unexpectedCommand)
            return nil
        }
        guard let acceptor = tunnel.acceptor else {
            tunnel.close(CloseCode.goingAway)
            return nil
        }
        let admission = acceptor.tunnel(tunnel, admissionOf: stamp)
        if case .refused(let error) = admission {
            tunnel.refuse(error)
            return nil
        }
        guard takesRequest(tunnel) else { return nil }
        if case .pending = admission { isJudging = true }
        return admission
    }

    /// A peer that asks, resets and does not read would have resets pile up here, and verdicts if it does read.
    ///
    /// - Returns: false when the tunnel is being closed for it.
    private func takesRequest(_ tunnel: Tunnel) -> Bool {
        guard !isJudging, tunnel.stream.pendingCount <= TunnelLimits.pendingAtRequest else {
            tunnel.close(CloseCode.badState)
            return false
        }
        return true
    }

    /// Awaits the verdict to its end, whatever has become of the request, and refuses it if that says so.
    private func isAdmitted(by verdict: Admission.Verdict, on tunnel: Tunnel) async -> Bool {
        let error = await verdict()
        isJudging = false
        if let error { tunnel.refuse(error) }
        return error == nil && !tunnel.isClosing
    }
}
