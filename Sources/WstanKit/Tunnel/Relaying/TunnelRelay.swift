/// From the near end to the WebSocket; the other direction is `Tunnel.run`.
extension Tunnel {
    enum RelayEnd: Equatable {
        /// The near end has nothing more to send.
        case finished
        /// The near end was reset, or is gone.
        case broken
        /// The connection is over; its outcome says how.
        case over
    }

    /// Moves what the near end sends, until it ends or the connection is over.
    func sendLoop(_ connection: Connection, from end: Stream) async -> RelayEnd {
        var moved = 0
        while self.connection === connection {
            // Before the first read too: the connection before this one may have left something.
            if stream.pendingCount > 0 {
                let isSent = await Backpressure.waitUntilSent(into: stream, from: end) { self.connection === connection }
                guard self.connection === connection else { return .over }
                guard isSent else { return .broken }
            } else if moved >= TunnelLimits.turn {
                moved = 0
                await worker.yield()
            }
            switch await end.waitReadable() {
            case .ready: break
            case .closed: return self.connection === connection ? .broken : .over
            case .timedOut, .interrupted: continue
            }
            guard self.connection === connection else { return .over }
            let body = worker.scratch.body(worker.budget.allowance(Scratch.bodySize))
            switch end.read(into: body) {
            case .bytes(let count):
                let data = UnsafeMutableRawBufferPointer(rebasing: body[..<count])
                connection.sent(data)
                output.send(data: data)
                moved += count
            case .end: return .finished
            case .failed: return .broken
            case .wouldBlock: continue
            }
            if role == .client, connection.mustPause {
                output.sendEmptyData()
                await connection.pause()
            }
        }
        return .over
    }

    /// Client: asks whether the target is there (protocol page, point 11); `Connection.peerAnswered` tells.
    func askForAnswer(_ connection: Connection) {
        if self.connection === connection { output.sendEmptyData() }
    }

    /// Sends data that is at hand.
    func send(_ bytes: some Collection<UInt8>, for connection: Connection) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty, self.connection === connection {
            let body = worker.scratch.body(min(rest.count, Scratch.bodySize))
            body.copyBytes(from: rest.prefix(body.count))
            rest = rest.dropFirst(body.count)
            connection.sent(body)
            output.send(data: body)
        }
    }
}
