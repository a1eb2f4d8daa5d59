/// One WebSocket connection between client and server, which carries one connection after the other.
///
/// This is the driver of `TunnelMachine`: it moves bytes between the WebSocket and the near end and carries out what
/// the machine says; `TunnelOutput` sends, `Keepalive` watches the peer. `receiveLoop` is the direction from the WebSocket to the
/// near end, for as long as the tunnel lives; `sendLoop` the other one, for as long as a connection lives. Confined to its
/// worker.
final class Tunnel: @unchecked Sendable {
    let id: UInt64
    let stream: Stream
    let worker: Worker
    private(set) weak var owner: (any TunnelOwner)?
    let opened: Instant
    /// Means something to the owner only.
    var mark = 0
    private(set) var connection: Connection?
    /// Instead of a connection.
    var association: (any DatagramEnd)?

    let role: WebSocketRole
    var machine: TunnelMachine
    private var frames: FrameReader
    private(set) var opener: Opener
    let output: TunnelOutput
    private(set) var pulse: Keepalive?
    /// Called once, when the peer answers a ping.
    var whenAnswered: (() -> Void)?
    private let resetDeadline: ResetDeadline
    private(set) var isClosing = false
    /// Server: whether a datagram without a tag may open an association, as Python's clients do it.
    let allowsBareDatagrams: Bool
    /// The pong and the answer to an empty DAT that are due. Only the latest ping wants an answer (RFC 6455 section
    /// 5.5.3), and none while the peer does not take what it was sent: so a flood of either costs nothing.
    private var duePong: [UInt8]?
    private var isAnswerDue = false
    /// Empty but within `process`.
    private var gathered = CoalescedData()

    struct Pings {
        var inUse: Duration = .seconds(45)
        var idle: Duration = .seconds(20)
    }

    private let pings: Pings

    init(
        id: UInt64, role: WebSocketRole, stream: Stream, sealer: Sealer, opener: Opener, pings: Pings,
        allowsBareDatagrams: Bool = false, owner: any TunnelOwner
    ) {
        self.id = id
        self.role = role
        self.stream = stream
        output = TunnelOutput(stream: stream, role: role, sealer: sealer)
        self.opener = opener
        resetDeadline = ResetDeadline(stream)
        self.owner = owner
        self.pings = pings
        self.allowsBareDatagrams = allowsBareDatagrams
        worker = stream.worker
        opened = worker.now
        machine = TunnelMachine(role: role)
        frames = FrameReader(role: role)
        worker.budget.addTunnel()
        pulse = Keepalive(of: stream, heartbeatInUse) { [output] in output.send(.ping, []) }
        stream.whenDrained = { [weak self] in self?.sendDue() }
    }

    var isIdle: Bool { machine.state == .idle && !isClosing }

    /// Of the key that it was opened with, and keeps.
    var keyID: KeyID { opener.keyID }

    // MARK: Opening a connection

    /// Client: the request is on its way already, in the URI.
    func carry(_ connection: Connection) {
        guard machine.sentRequest() else { return }
        begin(connection)
    }

    /// Client: asks for a connection on an idle tunnel.
    func request(_ request: Request, for connection: Connection) {
        guard machine.sentRequest() else { return }
        begin(connection)
        output.send(request)
    }

    /// Server: a request has come, in the URI or as a message.
    ///
    /// - Returns: nil when the tunnel is not free.
    func accept(to target: Address? = nil) -> Connection? {
        guard machine.receivedRequest() == .connect else { return nil }
        let connection = Connection(worker: worker, end: nil, to: target)
        begin(connection)
        return connection
    }

    /// Server: the target has answered. What came for it meanwhile goes out.
    ///
    /// - Returns: false when nobody wants it any more.
    func connected(_ connection: Connection, to target: Stream) -> Bool {
        guard self.connection === connection, machine.connectedTarget() == .relay else { return false }
        target.write(connection.takeHeld())
        connection.attach(target)
        sendDue()
        return true
    }

    private func begin(_ connection: Connection) {
        self.connection = connection
        isAnswerDue = false
        pulse?.restart(heartbeatInUse)
    }

    func beginAssociation(_ end: any DatagramEnd) {
        association = end
        pulse?.restart(heartbeatInUse)
    }

    private var heartbeatInUse: KeepaliveMachine {
        KeepaliveMachine(interval: pings.inUse, patience: TunnelLimits.patienceInUse)
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

    func sendReset(_ reset: Reset) {
        output.send(reset)
        resetDeadline.start()
    }

    // MARK: From the WebSocket to the near end

    /// Reads the WebSocket until it ends.
    ///
    /// - Parameter first: what came behind the handshake.
    func receiveLoop(first: ArraySlice<UInt8> = []) async {
        if !first.isEmpty {
            var bytes = Array(first)
            bytes.withUnsafeMutableBytes { process($0) }
        }
        var moved = 0
        reading: while !isClosing {
            if await waitForNearEnd() { moved = 0 }
            switch await stream.waitReadable() {
            case .ready: break
            case .closed: break reading
            case .timedOut, .interrupted: continue
            }
            let body = worker.scratch.body(worker.budget.allowance(mostToRead))
            switch stream.read(into: body) {
            case .bytes(let count):
                process(UnsafeMutableRawBufferPointer(rebasing: body[..<count]))
                moved += count
            case .end, .failed: break reading
            case .wouldBlock: continue
            }
            if moved >= turn {
                moved = 0
                await worker.yield()
            }
        }
        ended()
    }

    private var turn: Int { association == nil ? TunnelLimits.turn : TunnelLimits.datagramTurn }

    /// While the target has not answered, no more than may be held for it.
    private var mostToRead: Int {
        if association != nil { return TunnelLimits.datagramTurn }
        guard let connection, connection.end == nil else { return Scratch.bodySize }
        return max(MemoryBudget.smallest, connection.roomForHeld)
    }

    /// Stops reading while what was read does not flow on.
    ///
    /// - Returns: whether there was anything to wait for.
    private func waitForNearEnd() async -> Bool {
        guard let connection else { return false }
        var hasWaited = false
        while self.connection === connection, !isClosing, connection.end == nil, connection.roomForHeld <= 0 {
            hasWaited = true
            await connection.waitForNews()
        }
        guard self.connection === connection, let end = connection.end, end.pendingCount > 0 else { return hasWaited }
        let isSent = await Backpressure.waitUntilSent(into: end, from: stream) {
            self.connection === connection && !self.isClosing
        }
        // The peer is gone, or has left without seeing that its bytes get through.
        if !isSent, !isClosing, self.connection === connection { stream.abort() }
        return true
    }

    private func process(_ bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        do {
            while !isClosing, let event = try frames.next(in: bytes, from: &offset) {
                switch event {
                case .payload(let range, let isText, let endsMessage):
                    guard !isText else { return close(CloseCode.badMessage) }
                    receive(UnsafeMutableRawBufferPointer(rebasing: bytes[range]), endsMessage: endsMessage)
                case .ping(let payload):
                    duePong = payload
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
        deliverGathered()
        sendDue()
    }

    private func receive(_ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool) {
        do {
            let event = try opener.open(piece, endsMessage: endsMessage, datagrams: datagramRule)
            stream.heldElsewhere = opener.heldBytes
            switch event {
            case .partial: break
            case .data(let bytes): receive(data: bytes)
            case .emptyData:
                connection?.answered()
                // Protocol page, point 11: Python ignores it on both sides.
                if role == .server { isAnswerDue = true }
            case .reset(let reset):
                deliverGathered()
                receive(reset)
            case .request(let request):
                receive(request)
            case .association(let request):
                receive(request)
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
        case .deliver: if let before = gathered.add(data) { deliver(before) }
        case .hold: connection?.hold(data)
        case .discard: break
        case .close(let code): close(code)
        }
    }

    private func deliverGathered() {
        if let bytes = gathered.flush() { deliver(bytes) }
    }

    private func deliver(_ bytes: UnsafeMutableRawBufferPointer) {
        connection?.deliver(UnsafeRawBufferPointer(bytes))
    }

    private func sendDue() {
        guard stream.pendingCount == 0, !isClosing else { return }
        if let payload = duePong {
            duePong = nil
            output.send(.pong, payload)
        }
        if isAnswerDue, machine.state == .using {
            isAnswerDue = false
            output.sendEmptyData()
        }
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

    private func receive(_ request: Request) {
        guard let owner else { return close(CloseCode.goingAway) }
        do {
            try owner.tunnel(self, mayServeRequestOf: request.time, replayableUnder: opener.nonceOfRequest)
        } catch {
            return refuse(error)
        }
        // A peer that asks, resets and does not read would have resets pile up here.
        guard stream.pendingCount <= TunnelLimits.pendingAtRequest else { return close(CloseCode.badState) }
        switch machine.receivedRequest() {
        case .connect:
            let connection = Connection(worker: worker, end: nil, to: request.target)
            begin(connection)
            owner.tunnel(self, serve: request, as: connection)
        case .close(let code):
            close(code)
        }
    }

    private func becomeIdle(after association: (any DatagramEnd)?) {
        resetDeadline.cancel()
        if let association {
            association.associationEnded()
            // A Python server keeps the association's sockets and no longer serves connections on such a tunnel.
            if role == .client { return close(CloseCode.normal) }
        }
        rest()
        owner?.tunnelIsIdle(self)
    }

    /// It carries nothing, from now on or from its opening on.
    func rest() {
        switch role {
        case .client:
            let heartbeat = KeepaliveMachine(interval: pings.idle, patience: TunnelLimits.patienceIdle)
            pulse?.restart(heartbeat, trustsTCP: false)
        case .server:
            pulse?.restart(heartbeatInUse)
        }
    }

    // MARK: Ending

    /// Ends the WebSocket in good order (RFC 6455 section 7.1.2); a connection that it carries is lost.
    func close(_ code: UInt16) {
        guard !isClosing, !stream.isClosed else { return }
        deliverGathered()
        isClosing = true
        output.sendClose(code)
        connection?.end?.interruptDrain()
        stream.closeOrderly(awaitingPeer: true)
    }

    private func ended() {
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

/// Who a tunnel belongs to: the client's pool, or the server.
protocol TunnelOwner: AnyObject {
    /// Server: checks the time of a request that came as a message, in seconds since the epoch, and remembers the nonce
    /// under which the same bytes could be sent once more.
    func tunnel(
        _ tunnel: Tunnel, mayServeRequestOf time: Double, replayableUnder nonce: Nonce?
    ) throws(WireError)
    /// Server: makes the target's connection.
    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection)
    /// Server: makes the end of an association; its first datagram follows.
    func tunnelMakesAssociation(_ tunnel: Tunnel) -> (any DatagramEnd)?
    /// A message made no sense; the tunnel is being closed.
    func tunnel(_ tunnel: Tunnel, refused error: WireError)
    /// Nothing is carried; the tunnel may be used again.
    func tunnelIsIdle(_ tunnel: Tunnel)
    func tunnelEnded(_ tunnel: Tunnel)
}
