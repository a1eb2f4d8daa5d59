/// One WebSocket connection between client and server, which carries one connection after the other.
///
/// This is the driver of `TunnelMachine`: it moves bytes between the WebSocket and the near end, keeps the peer's pulse and
/// carries out what the machine says. `run` is the direction from the WebSocket to the near end, for as long as the tunnel
/// lives; `relay` the other one, for as long as a connection lives. Confined to its worker.
final class Tunnel: @unchecked Sendable {
    let id: UInt64
    let stream: Stream
    let worker: Worker
    private weak var owner: (any TunnelOwner)?
    private(set) var connection: Connection?

    private let role: WebSocketRole
    private var machine: TunnelMachine
    private var frames: FrameReader
    private var opener: Opener
    private let sealer: Sealer
    private var heartbeat: Heartbeat
    private var pulse: Timers.ID?
    private var resetDeadline: Timers.ID?
    private var isClosing = false
    private var budgeted = 0

    struct Pings {
        var inUse: Duration = .seconds(45)
        var idle: Duration = .seconds(20)
    }

    private let pings: Pings

    init(
        id: UInt64, role: WebSocketRole, stream: Stream, sealer: Sealer, opener: Opener, pings: Pings,
        owner: any TunnelOwner
    ) {
        self.id = id
        self.role = role
        self.stream = stream
        self.sealer = sealer
        self.opener = opener
        self.owner = owner
        self.pings = pings
        worker = stream.worker
        machine = TunnelMachine(role: role)
        frames = FrameReader(role: role)
        heartbeat = Heartbeat(interval: pings.inUse, patience: TunnelLimits.patienceInUse)
        beat()
    }

    var isIdle: Bool { machine.state == .idle && !isClosing }

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
        send(message: sealer.seal(request: request))
    }

    /// Server: a request has come, in the URI or as a message.
    ///
    /// - Returns: nil when the tunnel is not free.
    func accept() -> Connection? {
        guard machine.receivedRequest() == .connect else { return nil }
        let connection = Connection(worker: worker, end: nil)
        begin(connection)
        return connection
    }

    /// Server: the target has answered. What came for it meanwhile goes out, after `first`.
    ///
    /// - Returns: false when nobody wants it any more.
    func connected(_ connection: Connection, to target: Stream, first: [UInt8]) -> Bool {
        guard self.connection === connection, machine.connectedTarget() == .relay else { return false }
        target.write(first)
        target.write(connection.takeHeld())
        connection.attach(target)
        if connection.wantsAnswer { sendEmptyData() }
        return true
    }

    private func begin(_ connection: Connection) {
        self.connection = connection
        setPulse(Heartbeat(interval: pings.inUse, patience: TunnelLimits.patienceInUse))
    }

    // MARK: From the near end to the WebSocket

    enum RelayEnd: Equatable {
        /// The near end has nothing more to send.
        case finished
        /// The near end was reset, or is gone.
        case broken
        /// The connection is over; its outcome says how.
        case over
    }

    /// Moves what the near end sends, until it ends or the connection is over.
    func relay(_ connection: Connection, from end: Stream) async -> RelayEnd {
        var moved = 0
        while self.connection === connection {
            switch await end.waitReadable() {
            case .ready: break
            case .closed: return self.connection === connection ? .broken : .over
            case .timedOut, .interrupted: continue
            }
            guard self.connection === connection else { return .over }
            guard let allowed = worker.budget.allowance(Scratch.bodySize) else {
                await worker.budget.room()
                continue
            }
            let body = worker.scratch.body(allowed)
            switch end.read(into: body) {
            case .bytes(let count):
                let data = UnsafeMutableRawBufferPointer(rebasing: body[..<count])
                connection.sent(data)
                send(data: data)
                moved += count
            case .end: return .finished
            case .failed: return .broken
            case .wouldBlock: continue
            }
            if role == .client, connection.mayFloodPeer {
                sendEmptyData()
                await connection.pauseForPeer()
            }
            if stream.pendingCount > 0 {
                await stream.drained()
            } else if moved >= TunnelLimits.turn {
                moved = 0
                await worker.yield()
            }
        }
        return .over
    }

    /// Sends data that is at hand.
    func send(_ bytes: some Collection<UInt8>, for connection: Connection) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty, self.connection === connection {
            let body = worker.scratch.body(min(rest.count, Scratch.bodySize))
            body.copyBytes(from: rest.prefix(body.count))
            rest = rest.dropFirst(body.count)
            connection.sent(body)
            send(data: body)
        }
    }

    /// The near end is done with the connection, or it could not be made.
    func end(_ connection: Connection, _ reset: Reset) {
        guard self.connection === connection, machine.ended() == .sendReset else { return }
        self.connection = nil
        _ = connection.takeHeld()
        send(message: sealer.seal(reset: reset, padding: padding()))
        resetDeadline = worker.schedule(after: TunnelLimits.resetting) { [weak self] in
            self?.stream.close()
        }
    }

    // MARK: From the WebSocket to the near end

    /// Reads the WebSocket until it ends.
    ///
    /// - Parameter first: what came behind the handshake.
    func run(first: ArraySlice<UInt8> = []) async {
        if !first.isEmpty {
            var bytes = Array(first)
            bytes.withUnsafeMutableBytes { process($0) }
        }
        var moved = 0
        reading: while !isClosing {
            switch await stream.waitReadable() {
            case .ready: break
            case .closed: break reading
            case .timedOut, .interrupted: continue
            }
            guard let allowed = worker.budget.allowance(Scratch.bodySize) else {
                await worker.budget.room()
                continue
            }
            let body = worker.scratch.body(allowed)
            switch stream.read(into: body) {
            case .bytes(let count):
                process(UnsafeMutableRawBufferPointer(rebasing: body[..<count]))
                moved += count
            case .end, .failed: break reading
            case .wouldBlock: continue
            }
            if await waitForReaders() {
                moved = 0
            } else if moved >= TunnelLimits.turn {
                moved = 0
                await worker.yield()
            }
        }
        ended()
    }

    /// Stops reading while what was read does not flow on.
    ///
    /// - Returns: whether there was anything to wait for.
    private func waitForReaders() async -> Bool {
        if let connection {
            if let end = connection.end, end.pendingCount > 0 {
                await end.drained()
                return true
            }
            if connection.held.count >= TunnelLimits.held {
                await connection.waitConnected()
                return true
            }
        }
        if stream.pendingCount > TunnelLimits.control {
            await stream.drained()
            return true
        }
        return false
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
                    send(frame: .pong, payload)
                case .pong:
                    continue
                case .close(let code):
                    close(code ?? CloseCode.normal)
                }
            }
        } catch {
            close(error.closeCode)
        }
    }

    private func receive(_ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool) {
        do {
            let event = try opener.open(piece, endsMessage: endsMessage)
            accountForHeldMessage()
            switch event {
            case .partial: break
            case .data(let bytes): receive(data: bytes)
            case .emptyData: receiveEmptyData()
            case .reset(let reset): receive(reset)
            case .request(let request): receive(request)
            }
        } catch {
            owner?.tunnel(self, refused: error)
            close(CloseCode.badMessage)
        }
    }

    private func receive(data: UnsafeMutableRawBufferPointer) {
        switch machine.receivedData() {
        case .deliver:
            connection?.received()
            connection?.lastDelivery = worker.now
            connection?.end?.write(UnsafeRawBufferPointer(data))
        case .hold: connection?.hold(data)
        case .discard: break
        case .close(let code): close(code)
        }
    }

    /// Protocol page, point 11: Python ignores it on both sides.
    private func receiveEmptyData() {
        connection?.received()
        guard role == .server, let connection else { return }
        if machine.state == .using { sendEmptyData() } else { connection.wantsAnswer = true }
    }

    private func receive(_ reset: Reset) {
        switch machine.receivedReset() {
        case .answerReset:
            let over = connection
            connection = nil
            _ = over?.takeHeld()
            over?.received()
            send(message: sealer.seal(reset: .normal, padding: padding()))
            over?.finish(.reset(reset))
            becomeIdle()
        case .becomeIdle:
            becomeIdle()
        case .close(let code):
            close(code)
        }
    }

    private func receive(_ request: Request) {
        guard let owner else { return close(CloseCode.goingAway) }
        do {
            try owner.tunnel(self, mayServe: request)
        } catch {
            owner.tunnel(self, refused: error)
            return close(CloseCode.badMessage)
        }
        switch machine.receivedRequest() {
        case .connect:
            let connection = Connection(worker: worker, end: nil)
            begin(connection)
            owner.tunnel(self, serve: request, as: connection)
        case .close(let code):
            close(code)
        }
    }

    private func becomeIdle() {
        if let resetDeadline { worker.cancel(resetDeadline) }
        resetDeadline = nil
        setPulse(
            role == .client
                ? Heartbeat(interval: pings.idle, patience: TunnelLimits.patienceIdle)
                : Heartbeat(interval: pings.inUse, patience: TunnelLimits.patienceInUse))
        owner?.tunnelIsIdle(self)
    }

    // MARK: Ending

    /// Ends the WebSocket in good order (RFC 6455 section 7.1.2); a connection that it carries is lost.
    func close(_ code: UInt16) {
        guard !isClosing, !stream.isClosed else { return }
        isClosing = true
        stream.write(FrameHead.close(code: code, mask: newMask()))
        stream.closeOrderly(awaitingPeer: true)
    }

    private func ended() {
        isClosing = true
        if let pulse { worker.cancel(pulse) }
        if let resetDeadline { worker.cancel(resetDeadline) }
        worker.budget.release(budgeted)
        budgeted = 0
        // After a close frame the stream ends by itself.
        stream.closeOrderly(awaitingPeer: false)
        if let over = connection {
            connection = nil
            _ = over.takeHeld()
            over.finish(.lost(nothingReceived: !over.hasReceived))
        }
        owner?.tunnelEnded(self)
    }

    // MARK: Sending

    /// Seals, masks and sends a DAT message whose data is in the worker's scratch.
    private func send(data: UnsafeMutableRawBufferPointer) {
        guard let start = data.baseAddress else { return }
        // The room before the body takes the command byte and the frame's head: one buffer, no copy.
        let message = UnsafeMutableRawBufferPointer(start: start - 1, count: data.count + 1)
        message[0] = Command.data.rawValue
        sealer.seal(data: message)
        let mask = newMask()
        mask?.apply(to: message)
        let head = FrameHead(opcode: .binary, payloadCount: message.count, mask: mask)
        head.write(before: start - 1)
        stream.write(UnsafeRawBufferPointer(start: start - 1 - head.size, count: head.size + message.count))
    }

    private func sendEmptyData() {
        send(data: worker.scratch.body(0))
    }

    private func send(message: [UInt8]) {
        send(frame: .binary, message)
    }

    private func send(frame opcode: Opcode, _ payload: [UInt8]) {
        stream.write(FrameHead.frame(opcode, payload, mask: newMask()))
    }

    private func newMask() -> MaskingKey? {
        role == .client ? MaskingKey(worker.randomness.next()) : nil
    }

    /// 40 to 499 blanks.
    private func padding() -> Int {
        40 + Int(worker.randomness.next(UInt32.self) % 460)
    }

    /// A message that is gathered is held memory too.
    private func accountForHeldMessage() {
        let held = opener.heldBytes
        guard held != budgeted else { return }
        if held > budgeted { worker.budget.hold(held - budgeted) } else { worker.budget.release(budgeted - held) }
        budgeted = held
    }

    // MARK: The peer's pulse

    private func setPulse(_ heartbeat: Heartbeat) {
        self.heartbeat = heartbeat
        beat()
    }

    private func beat() {
        if let pulse { worker.cancel(pulse) }
        pulse = nil
        guard !isClosing, !stream.isClosed else { return }
        switch heartbeat.timePassed(now: worker.now, lastReceived: stream.lastReceived) {
        case .wait(let time):
            beat(at: time)
        case .ping(let time):
            send(frame: .ping, [])
            beat(at: time)
        case .examine(let time):
            // An idle peer has nothing that its pong could be stuck behind.
            if role == .client, machine.state == .idle { return stream.close() }
            guard stream.peerIsAlive(since: time) else { return stream.close() }
            beat(at: heartbeat.examinedAlive(now: worker.now))
        }
    }

    private func beat(at time: Instant) {
        pulse = worker.schedule(at: time) { [weak self] in
            self?.pulse = nil
            self?.beat()
        }
    }
}

/// Who a tunnel belongs to: the client's pool, or the server.
protocol TunnelOwner: AnyObject {
    /// Server: checks a request that came as a message.
    func tunnel(_ tunnel: Tunnel, mayServe request: Request) throws(WireError)
    /// Server: makes the target's connection.
    func tunnel(_ tunnel: Tunnel, serve request: Request, as connection: Connection)
    /// A message made no sense; the tunnel is being closed.
    func tunnel(_ tunnel: Tunnel, refused error: WireError)
    /// Nothing is carried; the tunnel may be used again.
    func tunnelIsIdle(_ tunnel: Tunnel)
    func tunnelEnded(_ tunnel: Tunnel)
}
