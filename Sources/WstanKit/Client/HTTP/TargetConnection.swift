import WstanBase

/// A connection to a target, and what carries it. Confined to its worker.
struct TargetConnection: @unchecked Sendable {
    enum Origin {
        /// Made on a tunnel that was opened for it, or without one.
        case fresh
        /// Made on a tunnel from the pool.
        case pooled
        /// It has carried a request before.
        case kept
    }

    let target: Address
    let carrier: any TargetCarrier
    let connection: Connection
    var origin: Origin

    /// nil when it has none.
    var tunnel: Tunnel? { carrier as? Tunnel }
    var isUp: Bool { !connection.isOver && carrier.carries(connection) }

    /// Ends it, if it has not ended.
    func end(_ reset: Reset = .normal) {
        carrier.end(connection, reset)
    }

    /// What the target sends goes to the near end, byte for byte.
    func relay() {
        connection.filter = nil
        connection.endsWithPeer = false
    }

    /// Keeps it for another request: until then nothing is to come from the target, so whatever comes is no answer to
    /// anything.
    func rest() {
        connection.filter = { [weak carrier, weak connection] _ in
            guard let carrier, let connection else { return }
            carrier.end(connection, .normal)
        }
    }

    /// Whether it was there before the request that it carried in vain, so that the request may have come too late.
    var wasAtHand: Bool {
        switch (origin, connection.outcome) {
        case (.kept, _): true
        case (.pooled, .lost(let nothingReceived)): nothingReceived
        // The server is about to end, and has not looked at the request.
        case (.pooled, .reset(let reset)): reset.code == .draining
        case (.pooled, nil), (.fresh, _): false
        }
    }
}

/// What carries a connection to a target for an exchange of plain HTTP: a tunnel, or a socket of the client's own.
/// Confined to its worker.
protocol TargetCarrier: AnyObject {
    /// Whether the connection is up.
    func carries(_ connection: Connection) -> Bool
    /// Sends data that is at hand.
    func send(_ bytes: some Collection<UInt8>, for connection: Connection)
    /// Sends a piece, at least one byte, that is in the worker's scratch.
    func forward(_ piece: UnsafeMutableRawBufferPointer, for connection: Connection)
    /// Waits until more is taken, or that is no longer wanted.
    ///
    /// - Returns: false when the near end is gone.
    func waitForRoom(_ connection: Connection, from end: any ByteEnd, while isWanted: () -> Bool) async -> Bool
    /// Ends a `waitForRoom` in progress, if what it waits for is no longer wanted.
    func interruptWaitForRoom()
    /// The near end is done with the connection.
    func end(_ connection: Connection, _ reset: Reset)
}

extension Tunnel: TargetCarrier {
    func interruptWaitForRoom() { stream.interruptDrain() }
}
