import WstanBase

/// The two directions of a tunnel.
extension Tunnel {
    // MARK: From the WebSocket to the near end

    /// Reads the WebSocket until it ends.
    ///
    /// - Parameter first: what came behind the handshake.
    func receiveLoop(first: ArraySlice<UInt8> = []) async {
        unread = UnreadBytes(first)
        var input = ReadLoop(stream)
        reading: while !isClosing {
            if await waitForNearEnd() { input.rested() }
            if former != nil { await waitForFormer() }
            if unread.isEmpty {
                switch await input.next(upTo: { mostToRead }, turn: turn, deadline: deadline, while: { !isClosing }) {
                case .bytes(let bytes): receive(bytes)
                case .timedOut: breakOff()
                case .end, .failed, .closed, .unwanted: break reading
                }
            } else {
                receiveUnread()
            }
            // What is not readable waits for an event, which is another turn.
            if !unread.isEmpty || isTurnOver && stream.isReadable {
                await worker.yield()
                input.rested()
            }
        }
        ended()
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer) {
        let taken = process(bytes)
        if taken < bytes.count, !isClosing { unread = UnreadBytes(bytes[taken...]) }
        if unread.isEmpty { sendDue() }
    }

    /// No more of it than would be read.
    private func receiveUnread() {
        var bytes = unread
        unread = UnreadBytes()
        bytes.take(upTo: mostToRead, process)
        unread = bytes
        if unread.isEmpty { sendDue() }
    }

    private var turn: Int { association == nil ? TunnelLimits.turn : TunnelLimits.datagramTurn }

    /// Until when the rest of a message is waited for.
    private var deadline: Instant? { incomplete > 0 ? lastGrowth + patience : nil }

    /// While the target has not answered, no more than may be held for it.
    private var mostToRead: Int {
        if association != nil { return TunnelLimits.datagramTurn }
        guard let connection, connection.end == nil else { return Scratch.bodySize }
        return max(MemoryBudget.smallest, roomForHeld(connection))
    }

    /// What the target is to have once it has answered, and what is not complete of it, have a bound together.
    private func roomForHeld(_ connection: Connection) -> Int {
        min(TunnelLimits.held, worker.budget.stuckAllowance) - connection.held.count - incomplete
    }

    /// Stops reading while what was read does not flow on.
    ///
    /// - Returns: whether there was anything to wait for.
    private func waitForNearEnd() async -> Bool {
        guard let connection else { return false }
        var hasWaited = false
        while self.connection === connection, !isClosing, connection.end == nil, roomForHeld(connection) <= 0 {
            hasWaited = true
            guard await connection.waitForNews() else { break }
        }
        guard self.connection === connection, let end = connection.end, end.pendingCount > 0 else { return hasWaited }
        let isSent = await Backpressure.waitUntilSent(into: end, from: stream) {
            self.connection === connection && !self.isClosing
        }
        // The peer is gone, or has left without seeing that its bytes get through.
        if !isSent, !isClosing, self.connection === connection { stream.abort() }
        return true
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
    func sendLoop(_ connection: Connection, from end: some ByteEnd) async -> RelayEnd {
        switch version {
        case .v1: await sendMessages(connection, from: end)
        case .v2(let version): await sendRecords(connection, from: end, by: version.output)
        }
    }

    private func sendMessages(_ connection: Connection, from end: some ByteEnd) async -> RelayEnd {
        var input = ReadLoop(end)
        while true {
            // Before the first read too: the connection before this one may have left something.
            if stream.pendingCount > 0 {
                let isSent = await Backpressure.waitUntilSent(into: stream, from: end) { carries(connection) }
                guard carries(connection) else { return .over }
                guard isSent else { return .broken }
                input.rested()
            }
            switch await input.next(while: { carries(connection) }) {
            case .bytes(let data):
                connection.sent(data)
                version.send(data: data)
            case .end: return .finished
            case .failed, .closed, .timedOut: return .broken
            case .unwanted: return .over
            }
            if mustPause(connection) {
                version.askForAnswer()
                await connection.pause()
            }
        }
    }

    /// The same in version 2: the near end's bytes are read into pieces with room between them for what a record puts
    /// around each, and all of them go out in one write (protocol-v2.md section 11).
    private func sendRecords(
        _ connection: Connection, from end: some ByteEnd, by output: RecordOutput
    ) async -> RelayEnd {
        var input = ReadLoop(end)
        while true {
            if stream.pendingCount > 0 {
                let isSent = await Backpressure.waitUntilSent(into: stream, from: end) { carries(connection) }
                guard carries(connection) else { return .over }
                guard isSent else { return .broken }
                input.rested()
            }
            switch await input.next(into: output.room, while: { carries(connection) }) {
            case .pieces(let pieces):
                for piece in pieces { connection.sent(piece) }
                output.send(pieces)
            case .end: return .finished
            case .failed, .closed, .timedOut: return .broken
            case .unwanted: return .over
            }
        }
    }

    /// Requester, version 1: see `Connection.mustPause`. A server of version 2 stops reading instead.
    func mustPause(_ connection: Connection) -> Bool {
        role == .requester && !version.tellsOfAnswers && connection.mustPause
    }

    /// Requester: asks whether the target is there (protocol page, point 11); `Connection.peerAnswered` tells.
    func askForAnswer(_ connection: Connection) {
        if self.connection === connection { version.askForAnswer() }
    }

    /// Sends data that is at hand.
    func send(_ bytes: some Collection<UInt8>, for connection: Connection) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty, self.connection === connection {
            let body = worker.scratch.body(min(rest.count, Scratch.bodySize))
            body.copyBytes(from: rest.prefix(body.count))
            rest = rest.dropFirst(body.count)
            connection.sent(body)
            version.send(data: body)
        }
    }
}
