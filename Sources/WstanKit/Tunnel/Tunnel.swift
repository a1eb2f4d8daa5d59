import WstanBase

/// One WebSocket connection between client and server, which carries one connection after the other.
///
/// The driver of `TunnelMachine`: it moves bytes between WebSocket and near end and carries out what the machine says;
/// `TunnelOutput` sends, `Keepalive` watches the peer. `receiveLoop` reads the WebSocket for as long as the tunnel lives,
/// `sendLoop` the near end for as long as a connection lives. Confined to its worker.
package final class Tunnel: @unchecked Sendable {
    let id: UInt64
    let stream: Stream
    let worker: Worker
    private(set) weak var owner: (any TunnelOwner)?
    /// Carries out what the peer asks for.
    private weak var acceptor: (any RequestAcceptor)?
    let role: TunnelRole
    let opened: Instant
    /// Means something to the owner only.
    let mark: Int

    private(set) var machine: TunnelMachine
    private(set) var connection: Connection?
    /// Instead of a connection.
    private(set) var association: (any DatagramEnd)?
    private(set) var isClosing = false
    /// A store elsewhere has the word on a request.
    private var isJudging = false

    private var frames: FrameReader
    private var opener: Opener
    /// Empty but within `process`.
    private var coalesced = CoalescedData()
    let output: TunnelOutput
    private var due = DueAnswers()

    private(set) var pulse: Keepalive?
    let pings: Pings
    /// Called once, when the peer answers a ping.
    private var whenAnswered: (() -> Void)?
    private let resetDeadline: ResetDeadline

    /// - Parameters:
    ///   - role: which end of the WebSocket this is, and so whether it masks.
    ///   - acceptor: carries out what the peer asks for; without one this end asks, and the peer does not.
    init(
        id: UInt64, role: WebSocketRole, stream: Stream, sealer: Sealer, opener: Opener, pings: Pings, mark: Int = 0,
        owner: any TunnelOwner, acceptor: (any RequestAcceptor)? = nil
    ) {
        worker = stream.worker
        worker.assertIsCurrent()
        self.id = id
        self.role = acceptor == nil ? .requester : .acceptor
        self.stream = stream
        output = TunnelOutput(stream: stream, role: role, sealer: sealer)
        self.opener = opener
        resetDeadline = ResetDeadline(stream)
        self.owner = owner
        self.acceptor = acceptor
        self.pings = pings
        self.mark = mark
        opened = worker.now
        machine = TunnelMachine(role: self.role)
        frames = FrameReader(role: role)
        worker.budget.addTunnel()
        pulse = Keepalive(of: stream, heartbeatInUse) { [output] in output.send(.ping, []) }
        stream.whenDrained = { [weak self] in self?.sendDue() }
    }

    var isIdle: Bool { machine.state == .idle && !isClosing }

    /// Of the key that it was opened with, and keeps.
    var keyID: KeyID { opener.keyID }

    // MARK: Opening a connection

    /// Requester: the request is on its way already, with the handshake.
    func carry(_ connection: Connection) {
        guard machine.sentRequest() else { return }
        begin(connection)
    }

    /// Requester: asks for a connection on an idle tunnel.
    func request(_ request: Request, for connection: Connection) {
        guard machine.sentRequest() else { return }
        begin(connection)
        output.send(request)
    }

    /// Acceptor: a request has come that may be carried out, with the handshake or as a message. Its data are held.
    ///
    /// - Returns: nil when the tunnel is not free.
    func accept(_ request: Request) -> Connection? {
        switch machine.receivedRequest() {
        case .connect:
            let connection = Connection(worker: worker, end: nil, to: request.target)
            connection.hold(request.data)
            begin(connection)
            return connection
        case .close(let code):
            close(code)
            return nil
        }
    }

    /// Acceptor: the target has answered. What came for it meanwhile goes out.
    ///
    /// - Returns: false when the connection is over.
    func connected(_ connection: Connection, to target: any ByteEnd) -> Bool {
        guard self.connection === connection, machine.connectedTarget() == .relay else { return false }
        target.write(connection.takeHeld())
        connection.attach(target)
        sendDue()
        return true
    }

    private func begin(_ connection: Connection) {
        self.connection = connection
        due.isAnswer = false
        pulse?.restart(heartbeatInUse)
    }

    /// Requester: the request for an association goes out.
    ///
    /// - Returns: false when the tunnel is not free.
    func beginAssociation(_ end: any DatagramEnd) -> Bool {
        guard machine.sentAssociationRequest() else { return false }
        begin(end)
        return true
    }

    /// Acceptor: a request for an association has come that may be carried out, with the handshake or as a message, or one
    /// that is still judged.
    func acceptAssociation(first: Datagram, pending verdict: Admission.Verdict? = nil) {
        switch machine.receivedAssociationRequest() {
        case .associate:
            guard let verdict else { return makeAssociation(delivering: [first]) }
            let waiting = WaitingDatagrams(worker: worker)
            waiting.deliver(first)
            begin(waiting)
            worker.spawn { [self] in
                guard await isAdmitted(by: verdict), association === waiting else { return }
                makeAssociation(delivering: waiting.take())
            }
        case .close(let code):
            close(code)
        }
    }

    private func makeAssociation(delivering datagrams: [Datagram]) {
        guard let end = acceptor?.tunnelMakesAssociation(self) else { return close(CloseCode.goingAway) }
        begin(end)
        for datagram in datagrams { end.deliver(datagram) }
    }

    private func begin(_ end: any DatagramEnd) {
        association = end
        pulse?.restart(heartbeatInUse)
    }

    // MARK: Ending a connection

    /// The near end is done with the connection, or it could not be made.
    func end(_ connection: Connection, _ reset: Reset) {
        guard self.connection === connection, machine.ended() == .sendReset else { return }
        self.connection = nil
        connection.abandon()
        stream.interruptDrain()
        sendReset(reset)
    }

    /// Acceptor: it has been idle for long.
    func endAssociation() {
        guard association != nil, machine.ended() == .sendReset else { return }
        association = nil
        sendReset(.normal)
    }

    private func sendReset(_ reset: Reset) {
        output.send(reset)
        resetDeadline.start()
    }

    // MARK: Messages

    /// Takes what was read of the WebSocket.
    func process(_ bytes: UnsafeMutableRawBufferPointer) {
        coalesced.begin(in: bytes)
        var offset = 0
        do {
            while !isClosing, let event = try frames.next(in: bytes, from: &offset) {
                switch event {
                case .payload(let range, let isText, let endsMessage):
                    guard !isText else { return close(CloseCode.badMessage) }
                    receive(UnsafeMutableRawBufferPointer(rebasing: bytes[range]), endsMessage: endsMessage)
                case .ping(let payload):
                    due.pong = payload
                case .pong:
                    guard let answered = whenAnswered else { continue }
                    whenAnswered = nil
                    answered()
                case .close(let code):
                    close(code ?? CloseCode.normal)
                }
            }
        } catch {
            close(error.closeCode)
        }
        deliverCoalesced()
        sendDue()
    }

    private func receive(_ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool) {
        do {
            let event = try opener.open(piece, endsMessage: endsMessage, expecting: machine.expectation)
            stream.heldElsewhere = opener.heldBytes
            switch event {
            case .partial: break
            case .data(let bytes): receive(data: bytes)
            case .emptyData:
                connection?.answered()
                // Protocol page, point 11: Python ignores it on both sides.
                if role == .acceptor { due.isAnswer = true }
            case .reset(let reset):
                deliverCoalesced()
                receive(reset)
            case .request(let request, let stamp):
                receive(request, stamp)
            case .association(let first, let stamp):
                receive(first, stamp)
            case .datagram(let datagram):
                receive(datagram)
            }
        } catch {
            refuse(error)
        }
    }

    func refuse(_ error: WireError) {
        owner?.tunnel(self, refused: error)
        close(CloseCode.badMessage)
    }

    private func receive(data: UnsafeMutableRawBufferPointer) {
        switch machine.receivedData() {
        case .deliver: if let before = coalesced.add(data) { deliver(before) }
        case .hold: connection?.hold(data)
        case .discard: break
        case .close(let code): close(code)
        }
    }

    private func deliverCoalesced() {
        if let bytes = coalesced.flush() { deliver(bytes) }
    }

    private func deliver(_ bytes: UnsafeMutableRawBufferPointer) {
        connection?.deliver(UnsafeRawBufferPointer(bytes))
    }

    private func sendDue() {
        guard stream.pendingCount == 0, !isClosing else { return }
        if let payload = due.takePong() { output.send(.pong, payload) }
        if machine.state == .using, due.takeAnswer() { output.sendEmptyData() }
    }

    private func receive(_ reset: Reset) {
        switch machine.receivedReset() {
        case .answerReset:
            let over = connection
            connection = nil
            over?.received()
            output.send(Reset.normal)
            over?.finish(.reset(reset))
            stream.interruptDrain()
            becomeIdle(after: takeAssociation())
        case .becomeIdle:
            becomeIdle(after: nil)
        case .close(let code):
            close(code)
        }
    }

    private func takeAssociation() -> (any DatagramEnd)? {
        defer { association = nil }
        return association
    }

    private func receive(_ request: Request, _ stamp: RequestStamp) {
        guard let admission = admission(of: stamp), let acceptor, let connection = accept(request) else { return }
        guard case .pending(let verdict) = admission else {
            return acceptor.tunnel(self, serve: request, as: connection)
        }
        // The connection holds the data.
        let asked = Request(time: request.time, target: request.target, data: [])
        connection.connecting = worker.spawn { [self] in
            guard await isAdmitted(by: verdict), carries(connection) else { return }
            acceptor.tunnel(self, serve: asked, as: connection)
        }
    }

    private func receive(_ first: Datagram, _ stamp: RequestStamp?) {
        // Without one there is nothing to judge but the key, and the acceptor looks at that.
        guard let stamp else {
            guard takesRequest() else { return }
            return acceptAssociation(first: first)
        }
        guard let admission = admission(of: stamp) else { return }
        if case .pending(let verdict) = admission {
            acceptAssociation(first: first, pending: verdict)
        } else {
            acceptAssociation(first: first)
        }
    }

    /// - Returns: nil when the request is refused, and the tunnel is being closed.
    private func admission(of stamp: RequestStamp) -> Admission? {
        guard role == .acceptor else {
            refuse(.unexpectedCommand)
            return nil
        }
        guard let acceptor else {
            close(CloseCode.goingAway)
            return nil
        }
        let admission = acceptor.tunnel(self, admissionOf: stamp)
        if case .refused(let error) = admission {
            refuse(error)
            return nil
        }
        guard takesRequest() else { return nil }
        if case .pending = admission { isJudging = true }
        return admission
    }

    /// A peer that asks, resets and does not read would have resets pile up here, and verdicts if it does read.
    ///
    /// - Returns: false when the tunnel is being closed for it.
    private func takesRequest() -> Bool {
        guard !isJudging, stream.pendingCount <= TunnelLimits.pendingAtRequest else {
            close(CloseCode.badState)
            return false
        }
        return true
    }

    /// Awaits the verdict to its end, whatever has become of the request, and refuses it if that says so.
    private func isAdmitted(by verdict: Admission.Verdict) async -> Bool {
        let error = await verdict()
        isJudging = false
        if let error { refuse(error) }
        return error == nil && !isClosing
    }

    private func becomeIdle(after association: (any DatagramEnd)?) {
        resetDeadline.cancel()
        if let association {
            association.associationEnded()
            // A Python server keeps the association's sockets and no longer serves connections on such a tunnel.
            if role == .requester { return close(CloseCode.normal) }
        }
        rest()
        owner?.tunnelIsIdle(self)
    }

    /// Has `answered` called when the peer answers a ping.
    func expectPong(_ answered: @escaping () -> Void) {
        whenAnswered = answered
    }

    // MARK: Ending

    /// Ends the WebSocket in good order (RFC 6455 section 7.1.2); a connection that it carries is lost.
    func close(_ code: UInt16) {
        guard !isClosing, !stream.isClosed else { return }
        deliverCoalesced()
        isClosing = true
        output.sendClose(code)
        connection?.end?.interruptDrain()
        stream.closeOrderly(awaitingPeer: true)
    }

    /// The WebSocket is no more.
    func ended() {
        isClosing = true
        pulse?.stop()
        resetDeadline.cancel()
        worker.budget.removeTunnel()
        stream.heldElsewhere = 0
        stream.whenDrained = nil
        whenAnswered = nil
        // After a close frame the stream ends by itself.
        stream.closeOrderly(awaitingPeer: false)
        if let over = connection {
            connection = nil
            stream.interruptDrain()
            over.finish(.lost(nothingReceived: !over.hasReceived))
        }
        takeAssociation()?.associationEnded()
        owner?.tunnelEnded(self)
    }
}
