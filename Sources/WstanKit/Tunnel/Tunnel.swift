import WstanBase

/// One WebSocket connection between client and server, which carries one connection after the other.
///
/// It moves bytes between WebSocket and near end; what is said on it, and what is understood, is for its version of the
/// protocol (`TunnelVersion`); `Keepalive` watches the peer. `receiveLoop` reads the WebSocket for as long as the
/// tunnel lives, `sendLoop` the near end for as long as a connection lives. Confined to its worker.
package final class Tunnel: @unchecked Sendable {
    let id: UInt64
    let stream: Stream
    let worker: Worker
    private(set) weak var owner: (any TunnelOwner)?
    /// Carries out what the peer asks for.
    private(set) weak var acceptor: (any RequestAcceptor)?
    let role: TunnelRole
    let opened: Instant
    /// Means something to the owner only.
    let mark: Int

    let version: TunnelVersion
    private(set) var connection: Connection?
    /// Instead of a connection.
    private(set) var association: (any DatagramEnd)?
    private(set) var isClosing = false

    private var frames: FrameReader
    /// What was read, and waits for the next turn.
    var unread = UnreadBytes() {
        didSet { worker.budget.change(by: unread.size - oldValue.size) }
    }
    /// What comes next waits for the others' turn.
    private(set) var isTurnOver = false
    /// Acceptor: the task that was making the last connection when its client left.
    private(set) var former: (connection: Connection, task: Task<Void, Never>)?
    /// Bytes of a message that is not complete.
    var incomplete = 0 {
        didSet { if incomplete != oldValue { incompleteChanged(by: incomplete - oldValue) } }
    }
    /// When they last became more.
    private(set) var lastGrowth: Instant
    /// How long they may stay as many.
    var patience = TunnelLimits.stalledForLong
    /// Empty but within `process`.
    private var coalesced = CoalescedData()
    let output: FrameOutput
    var due = DueAnswers()

    private(set) var pulse: Keepalive?
    var pings: Pings
    /// Called once, when the peer answers a ping.
    private var whenAnswered: (() -> Void)?
    /// While the peer's reset is awaited.
    private var resetDeadline: ResetDeadline?

    /// - Parameters:
    ///   - version: is told of the role, and of where its frames go.
    ///   - acceptor: carries out what the peer asks for; without one this end asks, and the peer does not.
    init(
        id: UInt64, role: WebSocketRole, stream: Stream, version: (TunnelRole, FrameOutput) -> TunnelVersion,
        pings: Pings, mark: Int = 0, owner: any TunnelOwner, acceptor: (any RequestAcceptor)? = nil
    ) {
        worker = stream.worker
        worker.assertIsCurrent()
        self.id = id
        self.role = acceptor == nil ? .requester : .acceptor
        self.stream = stream
        output = FrameOutput(stream: stream, role: role)
        self.version = version(self.role, output)
        self.owner = owner
        self.acceptor = acceptor
        self.pings = pings
        self.mark = mark
        opened = worker.now
        lastGrowth = worker.now
        frames = FrameReader(role: role)
        worker.budget.addTunnel()
        pulse = Keepalive(of: stream, heartbeatInUse) { [output, version = self.version] in version.sendPing(output) }
        stream.whenDrained = { [weak self] in self?.sendDue() }
        self.version.start(on: self)
    }

    var isIdle: Bool { version.state == .idle && !isClosing }

    /// Of the key that it was opened with, and keeps.
    var keyID: KeyID { version.keyID }

    // MARK: Opening a connection

    /// Requester: the request is on its way already, with the handshake.
    ///
    /// - Parameter rest: what it did not carry of its data.
    func carry(_ connection: Connection, rest: ArraySlice<UInt8> = []) {
        guard version.ask(nil as Request?) else { return }
        begin(connection)
        guard !rest.isEmpty else { return }
        // The connection has noted it with its request.
        let body = worker.scratch.body(rest.count)
        body.copyBytes(from: rest)
        version.send(data: body)
    }

    /// Requester: asks for a connection on an idle tunnel.
    func request(_ request: Request, for connection: Connection) {
        if version.ask(request) { begin(connection) }
    }

    /// Acceptor: the target has answered. What came for it meanwhile goes out.
    ///
    /// - Returns: false when the connection is over.
    func connected(_ connection: Connection, to target: any ByteEnd) -> Bool {
        guard self.connection === connection, version.connectedTarget() else { return false }
        target.write(connection.takeHeld())
        connection.attach(target)
        sendDue()
        return true
    }

    /// The connection is the tunnel's from here on.
    func begin(_ connection: Connection) {
        self.connection = connection
        due.isAnswer = false
        pulse?.restart(heartbeatInUse)
    }

    /// The same of an association.
    func begin(_ end: any DatagramEnd) {
        association = end
        pulse?.restart(heartbeatInUse)
        // Each datagram costs a system call: those behind the request are read a few at a time.
        endTurn()
    }

    // MARK: Ending a connection

    /// The near end is done with the connection, or it could not be made.
    func end(_ connection: Connection, _ reset: Reset) {
        guard self.connection === connection else { return }
        self.connection = nil
        connection.abandon()
        stream.interruptDrain()
        version.end(reset, on: self)
    }

    /// The near end has sent everything and takes more.
    ///
    /// - Returns: false where the version has no word for it.
    func finish(_ connection: Connection) -> Bool {
        self.connection === connection && version.finish(on: self)
    }

    /// Acceptor: it has been idle for long.
    func endAssociation() {
        guard association != nil else { return }
        association = nil
        version.end(.normal, on: self)
    }

    /// Requester: it has no more use. In version 1 neither has the tunnel: Python's servers no longer serve connections on it.
    func leaveAssociation() {
        switch version {
        case .v1: close(CloseCode.normal)
        case .v2: endAssociation()
        }
    }

    func takeConnection() -> Connection? {
        defer { connection = nil }
        if let connection, let task = connection.connecting { former = (connection, task) }
        return connection
    }

    func takeAssociation() -> (any DatagramEnd)? {
        defer { association = nil }
        return association
    }

    /// Our reset has been sent, and the peer's is to come.
    func awaitReset() {
        resetDeadline?.cancel()
        resetDeadline = ResetDeadline(stream)
    }

    /// The connection has ended at both ends.
    func becomeIdle() {
        resetDeadline?.cancel()
        resetDeadline = nil
        rest()
        // A request makes this end work, and one that is reset at once lets the next follow: one in a turn.
        if role == .acceptor { endTurn() }
        owner?.tunnelIsIdle(self)
    }

    // MARK: Messages

    /// A piece of a message, unmasked, where it was read.
    struct Piece {
        let bytes: UnsafeMutableRawBufferPointer
        let isText: Bool
        let endsMessage: Bool
        /// Frames of the message so far.
        let fragments: Int
    }

    /// What comes next waits: what came costs so much that it is the others' turn.
    func endTurn() { isTurnOver = true }

    /// A client that asks and resets, again and again, has one such task at a time. It was cancelled, so its end is near; that
    /// of a connection that may part is not, and those have a share.
    func waitForFormer() async {
        guard let over = former else { return }
        former = nil
        if !over.connection.isParting { await over.task.value }
    }

    /// Takes what was read of the WebSocket, up to the end of its turn.
    ///
    /// - Returns: how much of it was taken.
    @discardableResult
    func process(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        coalesced.begin(in: bytes)
        isTurnOver = false
        var offset = 0
        do {
            while !isClosing, !isTurnOver, let event = try frames.next(in: bytes, from: &offset) {
                switch event {
                case .payload(let range, let isText, let endsMessage):
                    let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[range])
                    version.receive(
                        Piece(bytes: piece, isText: isText, endsMessage: endsMessage, fragments: frames.fragments),
                        on: self)
                case .ping(let payload):
                    due.pong = payload
                case .pong:
                    if version.pingsByFrames { answered() }
                case .close(let code):
                    close(code ?? CloseCode.normal)
                }
            }
        } catch {
            version.receive(error, on: self)
        }
        deliverCoalesced()
        return offset
    }

    /// Bytes that the peer can leave here for as long as it likes.
    var stuck: Int { incomplete + (connection?.stuck ?? 0) }

    /// It gives way; what an opener has goes with the tunnel's task, in one of the next turns.
    func letGoOfStuck() {
        incomplete = 0
        _ = connection?.takeHeld()
    }

    private func incompleteChanged(by count: Int) {
        if count > 0 { lastGrowth = worker.now }
        stream.heldElsewhere = incomplete
        worker.budget.changeStuck(by: count)
    }

    /// The message made no sense, or asked for what it may not.
    func refuse(_ error: WireError) {
        owner?.tunnel(self, refused: error)
        close(CloseCode.badMessage)
    }

    /// The peer has sent what no holder of the keys sends: nothing more is taken of it, and nothing is said.
    func breakOff(_ violation: Violation) {
        guard !isClosing else { return }
        owner?.tunnel(self, refused: .violation(violation))
        breakOff()
    }

    /// At once, and without a word.
    func breakOff() {
        guard !isClosing else { return }
        deliverCoalesced()
        isClosing = true
        connection?.end?.interruptDrain()
        stream.abort()
    }

    /// Data of the connection go to the near end with what follows of the same read.
    func deliver(_ data: UnsafeMutableRawBufferPointer) {
        if let before = coalesced.add(data) { connection?.deliver(UnsafeRawBufferPointer(before)) }
    }

    func deliverCoalesced() {
        if let bytes = coalesced.flush() { connection?.deliver(UnsafeRawBufferPointer(bytes)) }
    }

    /// Says what the peer is owed, unless it takes nothing.
    func sendDue() {
        guard stream.pendingCount == 0, !isClosing else { return }
        if let payload = due.takePong() { output.send(.pong, payload) }
        version.sendDue(on: self)
    }

    /// Has `answered` called when the peer answers a ping.
    func expectPong(_ answered: @escaping () -> Void) {
        whenAnswered = answered
    }

    /// The peer has answered a ping.
    func answered() {
        guard let answered = whenAnswered else { return }
        whenAnswered = nil
        answered()
    }

    // MARK: Ending

    /// Ends the WebSocket in good order (RFC 6455 section 7.1.2); a connection that it carries is lost.
    func close(_ code: UInt16) {
        guard !isClosing, !stream.isClosed else { return }
        deliverCoalesced()
        version.sendGathered()
        isClosing = true
        output.sendClose(code)
        connection?.end?.interruptDrain()
        stream.closeOrderly(awaitingPeer: true)
    }

    /// This process is about to end: the peer is told that what is carried is not all there was. What has not reached its target
    /// may be asked for elsewhere.
    func cutOff() {
        if let connection {
            if role == .requester {
                end(connection, .userAgentBroken)
            } else if connection.end != nil {
                end(connection, .targetBroken)
            } else if isOfVersion2 {
                end(connection, Reset(code: .draining))
            }
        }
        close(CloseCode.goingAway)
    }

    /// The WebSocket is no more.
    func ended() {
        isClosing = true
        pulse?.stop()
        version.stop()
        resetDeadline?.cancel()
        worker.budget.removeTunnel()
        incomplete = 0
        unread = UnreadBytes()
        stream.whenDrained = nil
        whenAnswered = nil
        // After a close frame the stream ends by itself.
        stream.closeOrderly(awaitingPeer: false)
        if let over = takeConnection() {
            stream.interruptDrain()
            over.finish(.lost(nothingReceived: !over.hasReceived))
        }
        takeAssociation()?.associationEnded()
        owner?.tunnelEnded(self)
    }
}

extension Tunnel {
    /// A tunnel of version 1.
    convenience init(
        id: UInt64, role: WebSocketRole, stream: Stream, sealer: Sealer, opener: Opener, pings: Pings, mark: Int = 0,
        owner: any TunnelOwner, acceptor: (any RequestAcceptor)? = nil
    ) {
        self.init(
            id: id, role: role, stream: stream,
            version: { .v1(TunnelV1($0, sealer: sealer, opener: opener, frames: $1)) }, pings: pings, mark: mark,
            owner: owner, acceptor: acceptor)
    }

    /// Acceptor, version 1: a request has come with the handshake. Its data are held.
    ///
    /// - Returns: nil when the tunnel is not free.
    func accept(_ request: Request) -> Connection? {
        guard case .v1(let version) = version else { return nil }
        return version.accept(request, on: self)
    }

    /// Acceptor, version 2: the request that has come with the handshake, if there was one.
    func begin(with request: RequestV2?) {
        if case .v2(let version) = version { version.begin(with: request, on: self) }
    }

    var isOfVersion2: Bool { if case .v2 = version { true } else { false } }

    /// Acceptor, version 1: a request for an association has come with the handshake.
    func acceptAssociation(first: Datagram) {
        if case .v1(let version) = version { version.acceptAssociation(first: first, on: self) }
    }
}
